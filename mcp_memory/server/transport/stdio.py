"""MCP on this process's own stdin and stdout, without a daemon: protocol frames and nothing else.

File descriptor 1 is pointed at stderr for good before anything else runs, so that no
print of a library or a child process can reach the client, not even at exit.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from mcp.server import Server

from mcp_memory.config import logging as logs
from mcp_memory.identity.resolver import local_signals
from mcp_memory.runtime import Application
from mcp_memory.server.app import build
from mcp_memory.server.connection import Connection
from mcp_memory.server.transport.jsonrpc import JsonRpcConnection, serve
from mcp_memory.system.framing import Lines

if TYPE_CHECKING:
    from mcp_memory.config.settings import Settings

log = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024


def run(settings: Settings) -> None:
    """Serve until the client closes stdin or the process is told to end."""
    source, sink = claim()
    logs.configure(settings.log_level, [logging.StreamHandler(sys.stderr)])
    application = Application(settings)
    signals = local_signals(settings, "stdio")
    server = build(application, lambda request: signals)
    descriptors = Descriptors(source, sink)
    rpc = JsonRpcConnection(descriptors, on_first_answer=application.start)
    try:
        anyio.run(_serve, server, rpc)
    finally:
        application.close()
    if descriptors.writing:
        # Nothing wakes a thread that writes to a full pipe, and the interpreter would wait
        # for it for ever. The store is closed by now, and the log is not buffered.
        os._exit(0)


def claim() -> tuple[int, int]:
    """Take stdin and stdout for the protocol: private descriptors of both.

    Everyone else finds nothing to read on 0, and stderr behind 1.
    """
    sys.stdout.flush()
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # started without a stderr
        os.dup2(nothing, 1)
    os.close(nothing)
    if sys.platform == "win32":
        import msvcrt

        from mcp.os.win32.utilities import rebind_std_handle_to_fd

        for descriptor in (source, sink):
            msvcrt.setmode(descriptor, os.O_BINARY)
        for descriptor in (0, 1):
            rebind_std_handle_to_fd(descriptor)
    return source, sink


async def _serve(server: Server[Connection], rpc: JsonRpcConnection) -> None:
    async with server.lifespan(server) as connection, anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_when_told, rpc)
        await serve(server, rpc, connection)
        tasks.cancel_scope.cancel()


async def _stop_when_told(rpc: JsonRpcConnection) -> None:
    if sys.platform == "win32":  # no signals but Ctrl-C there, which ends the loop itself
        return
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            rpc.stop()


class Descriptors:
    """Two file descriptors as a transport; see `jsonrpc.Transport`.

    `writing` is true while a thread is in the middle of a frame.
    """

    def __init__(self, source: int, sink: int) -> None:
        self._source, self._sink = source, sink
        self._into, self._arrived = anyio.create_memory_object_stream[bytes](0)
        self._writers = anyio.CapacityLimiter(1)
        self.writing = False
        self.request = None

    async def lines(self) -> AsyncIterator[bytes]:
        """See `Transport.lines`."""
        reader = threading.Thread(
            target=self._read, args=(asyncio.get_running_loop(),), name="stdin", daemon=True
        )
        reader.start()
        async for line in self._arrived:
            yield line

    async def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        await anyio.to_thread.run_sync(
            self._write_all, data, limiter=self._writers, abandon_on_cancel=True
        )

    def close(self) -> None:
        """See `Transport.close`."""
        self._into.close()

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        self.writing = True
        try:
            while view:
                view = view[os.write(self._sink, view) :]
        finally:
            self.writing = False

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """The root of the reading thread: every line, then the end."""
        lines = Lines()
        try:
            while chunk := os.read(self._source, _CHUNK_BYTES):
                for line in lines.feed(chunk):
                    asyncio.run_coroutine_threadsafe(self._into.send(line), loop).result()
            loop.call_soon_threadsafe(self._into.close)
        except (RuntimeError, CancelledError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            log.debug("nobody reads stdin any more")
