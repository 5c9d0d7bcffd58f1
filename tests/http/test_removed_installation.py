"""A server over HTTP goes on when its installation is removed under it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import httpx2
import pytest

from mcp_memory.ipc.address import Address
from tests.server.daemon.test_removed_installation import COMMAND, installed
from tests.support.http_server import ANYWHERE, TIMEOUT_S, TRANSPORTS, Issuer, connect, running
from tests.support.mcp_client import call, read
from tests.support.waiting import until


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows removes no file that a process has open"
)
@pytest.mark.anyio
async def test_every_transport_goes_on_when_the_installation_was_removed(tmp_path: Path) -> None:
    packages, home = installed(tmp_path / "packages"), tmp_path / "store"
    issuer = Issuer(tmp_path)
    given = {
        **issuer.settings(),
        "PYTHONPATH": str(packages),
        "MCP_MEMORY_LOG_LEVEL": "info",
    }
    command = ["-P", "-c", COMMAND, "serve", "--http", ANYWHERE]
    with running(command, home, python=os.path.realpath(sys.executable), **given) as server:
        log = Path(Address(str(home)).log)
        until(lambda: "all that a call can need is loaded" in log.read_text("utf-8"))
        shutil.rmtree(packages)
        token = issuer.token("local", "ana")
        for transport in TRANSPORTS:
            async with connect(server, transport, token) as client:
                await call(client, "remember", memories=f"The gate was oiled through {transport}")
                await call(client, "recall", query="what was oiled last week?")
                assert "oiled" in await read(client, "recent")
        for path, status in (("/health", 200), ("/", 200), ("/nowhere", 404)):
            assert httpx2.get(server.base + path, timeout=TIMEOUT_S).status_code == status
        stranger = httpx2.post(server.url, json={}, timeout=TIMEOUT_S)
        assert stranger.status_code == 401
        headers = {"Authorization": f"Bearer {issuer.token('local', 'bea')}x"}
        assert httpx2.get(server.base + "/metrics", headers=headers).status_code == 401
        server.process.terminate()
        said = server.rest()
    assert server.process.returncode == 0, said
    assert "Traceback" not in said
