"""What a connection is served with: the protocol, or a command of the command line."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.from_thread
import anyio.to_thread

from mcp_memory.config import settings as configured
from mcp_memory.daemon import control
from mcp_memory.errors import SettingsInvalid
from mcp_memory.identity.resolver import local_signals
from mcp_memory.ipc import protocol
from mcp_memory.server.connection import Connection
from mcp_memory.server.transport.jsonrpc import JsonRpcConnection
from mcp_memory.server.transport.jsonrpc import serve as served
from mcp_memory.system.environment import PREFIX
from mcp_memory.system.framing import Lines

if TYPE_CHECKING:
    import asyncio

    from mcp_memory.config.settings import Settings
    from mcp_memory.daemon.client_connection import ClientConnection
    from mcp_memory.daemon.state import DaemonState
    from mcp_memory.ipc.protocol import Hello

log = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024
_SESSION = re.compile(r"c-[0-9a-f]{32}")
_OF_THE_DAEMON = ("model", "reranker", "session_days", "log_level", "idle_minutes")
"""Settings that count for the whole daemon: those of the proxy that started it are in force."""


async def dispatch(client: ClientConnection, daemon: DaemonState, hello: Hello) -> None:
    """Serve what a proxy has come for: the protocol, or a command."""
    await (serve if hello.purpose == protocol.SERVE else run)(client, daemon, hello)


async def serve(client: ClientConnection, daemon: DaemonState, hello: Hello) -> None:
    """Serve a client until it is gone."""
    try:
        settings = _settings(daemon, hello)
    except SettingsInvalid as error:
        await client.refuse(str(error))
        return
    name = hello.value("session")
    connection = Connection(signals=local_signals(settings, "socket"))
    if _SESSION.fullmatch(name):
        connection.id = name
    transport = Streams(client.reader, client.writer)
    rpc = JsonRpcConnection(transport, mark=daemon.mark)
    client.begin_client(rpc.stop)
    told = (_differences(daemon, hello, settings), *(doubt.text for doubt in settings.doubts))
    await client.answer(protocol.WELCOME, "; ".join(filter(None, told)))
    async with daemon.subscriptions.connected(connection):
        await served(daemon.server, rpc, connection)
    if daemon.goodbye:
        await transport.write(protocol.answer(protocol.GOODBYE, daemon.goodbye))


async def run(client: ClientConnection, daemon: DaemonState, hello: Hello) -> None:
    """Run a command of the command line here, line by line to the proxy."""
    try:
        settings = _settings(daemon, hello)
    except SettingsInvalid as error:
        await client.refuse(str(error))
        return
    lines = control.lines(daemon, settings, hello)
    client.begin_work()
    await client.answer(protocol.WELCOME)

    def work() -> None:
        for line in lines:
            anyio.from_thread.run(client.print, line)

    await anyio.to_thread.run_sync(work)


def _settings(daemon: DaemonState, hello: Hello) -> Settings:
    """How the proxy is configured. Raises SettingsInvalid."""
    given = hello.value("cwd")
    working_dir = Path(given) if given else daemon.settings.home
    environ = hello.values("environ.")
    return configured.load(environ, home=daemon.settings.home, working_dir=working_dir)


def _differences(daemon: DaemonState, hello: Hello, settings: Settings) -> str:
    """What the proxy is configured with that does not count here, in words."""
    ours, asked = daemon.settings, hello.values("environ." + PREFIX)
    names = [
        name
        for name in _OF_THE_DAEMON
        if asked.get(name.upper()) and getattr(settings, name) != getattr(ours, name)
    ]
    if not names:
        return ""
    told = ", ".join(
        f"{n} is '{getattr(ours, n)}' there, not '{getattr(settings, n)}'" for n in names
    )
    log.warning("a proxy is configured otherwise than this daemon: %s", told)
    return (
        f"the daemon runs with other settings: {told}; put them into config.toml in the"
        " store's folder, and run: mcp-memory daemon stop"
    )


class Streams:
    """A connection of asyncio's as a transport; see `jsonrpc.Transport`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._reading = anyio.CancelScope()
        self._is_closed = False
        self._alive = protocol.alive().rstrip()
        self.request = None

    async def lines(self) -> AsyncIterator[bytes]:
        """See `Transport.lines`."""
        lines = Lines()
        while not self._is_closed:
            chunk = b""
            with anyio.CancelScope() as self._reading:
                chunk = await self._reader.read(_CHUNK_BYTES)
            if not chunk:
                return
            for line in lines.feed(chunk):
                if line == self._alive:
                    await self.write(line + b"\n")
                else:
                    yield line

    async def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        """See `Transport.close`."""
        self._is_closed = True
        self._reading.cancel()
