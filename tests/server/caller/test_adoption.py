"""A store that came from elsewhere says whose it is, and can be made one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import command, contents, daemon_home, proxy, stored

BOB = {"MCP_MEMORY_USER": "bob"}
SAID = "set MCP_MEMORY_USER=ana or run: mcp-memory adopt ana"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with daemon_home(tmp_path) as home:
        yield home


@pytest.mark.parametrize("has_daemon", [True, False])
def test_an_empty_looking_store_is_told_and_adopted(home: Path, has_daemon: bool) -> None:
    with proxy(home) as server:
        server.handshake()
        stored(server, "The lathe is in the shed")
    for user, is_told in (("", True), ("bob", False)):
        with proxy(home, MCP_MEMORY_USER=user) as server:
            server.handshake()
            answer = server.ask("resources/read", uri="memory://me")["result"]
            assert (SAID in answer["contents"][0]["text"]) == is_told, "bob is set on purpose"
    if not has_daemon:
        command("daemon", "stop", home=home)
    shown = command("show", home=home, **BOB).stdout
    assert shown.startswith("no memories yet\n")
    assert SAID in shown
    doctor = command("doctor", home=home, **BOB)
    assert doctor.returncode == 0, doctor.stdout
    assert "ok\tuser\tnothing here is remembered for user bob (tenant local); " in doctor.stdout
    assert SAID in doctor.stdout
    assert SAID not in command("show", home=home).stdout

    preview = command("adopt", home=home, **BOB)
    assert preview.returncode == 1
    assert "1 memories of ana become those of bob (1 of scope project)" in preview.stdout
    assert "nothing was changed; to do it run it again with --yes" in preview.stdout
    assert "lathe" in command("show", home=home).stdout
    refused = command("adopt", "cleo", "--yes", home=home, **BOB)
    assert (refused.returncode, "user: got 'cleo'" in refused.stderr) == (2, True)
    done = command("adopt", "ana", "--yes", home=home, **BOB)
    assert done.returncode == 0, done.stderr
    assert "1 memories of ana are those of bob now" in done.stdout
    assert "lathe" not in command("show", home=home).stdout
    with proxy(home, **BOB) as server:
        server.handshake()
        assert contents(server, "where is the lathe") == ["The lathe is in the shed"]
    assert command("doctor", home=home, **BOB).returncode == 0
