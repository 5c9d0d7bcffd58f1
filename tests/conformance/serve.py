"""The daemon and the HTTP server as they are, with the fixtures of the suite beside our tools.

`python -m tests.conformance.serve HOME` serves until told to stop, and says where.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import closing
from pathlib import Path

import anyio

from mcp_memory.config.settings import load
from mcp_memory.daemon.daemon import Daemon, http_server
from mcp_memory.http.endpoint import Endpoint
from mcp_memory.ipc.address import Address
from mcp_memory.ipc.listener import Listener
from mcp_memory.runtime import Application
from mcp_memory.system.file_lock import FileLock
from tests.conformance.profile import install


async def serve(daemon: Daemon) -> None:
    """Serve over HTTP at a free port of this machine."""
    async with daemon.open():
        install(daemon.server, daemon.subscriptions)
        daemon.web = http_server(daemon, Endpoint.of(daemon.settings, "127.0.0.1:0"))
        async with daemon.web.open():
            print(f"mcp-memory: {daemon.web.greeting}", flush=True)
            await daemon.serve()


def main(home: Path) -> None:
    """Own the store in `home`, as any daemon does."""
    settings = load(home=home)
    address = Address(str(settings.home))
    address.make_folder()
    logging.basicConfig(filename=address.log, level=logging.WARNING, encoding="utf-8")
    logging.captureWarnings(True)
    lock = FileLock(address.lock, str(os.getpid()))
    with closing(Application(settings)) as application:
        anyio.run(serve, Daemon(settings, application, Listener(address), lock))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
