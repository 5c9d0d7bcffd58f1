"""The stdio door: protocol frames on the real stdin and stdout, and nothing else there.

File descriptor 1 is pointed at stderr for good before anything else runs, so that no
print of a library or a child process can reach the client, not even at exit.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server import Server
from mcp.server.runner import serve_dual_era_loop
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from mcp_memory.application import Application
from mcp_memory.middleware import Connection
from mcp_memory.scope import local_signals
from mcp_memory.server import build, initialization

if TYPE_CHECKING:
    from mcp_memory.settings import Settings

log = logging.getLogger(__name__)

LINE_BYTES_MAX = 16 * 1024 * 1024
DRAIN_TIMEOUT_S = 10.0
_CHUNK_BYTES = 64 * 1024
_STREAMS = frozenset({"subscriptions/listen"})


def run(settings: Settings) -> None:
    """Serve until the client closes stdin or the process is told to end."""
    source, sink = claim()
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    application = Application(settings)
    signals = local_signals(settings, "stdio")
    server = build(application, lambda request: signals)
    wire = Wire(source, sink, on_first_answer=application.start)
    try:
        anyio.run(serve, server, wire)
    finally:
        application.close()
    if wire.writing:
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


async def serve(server: Server[Connection], wire: Wire) -> None:
    """One connection, from its first request to its last answer."""
    async with server.lifespan(server) as connection, anyio.create_task_group() as tasks:
        tasks.start_soon(wire.receive)
        tasks.start_soon(_stop_when_told, wire)
        tasks.start_soon(wire.send)
        tasks.start_soon(_leave_in_time, wire, tasks.cancel_scope)
        await serve_dual_era_loop(
            server,
            wire.incoming,
            wire.outgoing,
            lifespan_state=connection,
            init_options=initialization(server),
        )
        await wire.flushed.wait()
        tasks.cancel_scope.cancel()


async def _stop_when_told(wire: Wire) -> None:
    if sys.platform == "win32":  # no signals but Ctrl-C there, which ends the loop itself
        return
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            wire.stop()


async def _leave_in_time(wire: Wire, connection: anyio.CancelScope) -> None:
    """End a connection whose client does not take its last answers."""
    await wire.ending.wait()
    await anyio.sleep(DRAIN_TIMEOUT_S)
    log.warning("left after %g s with answers that could not be given", DRAIN_TIMEOUT_S)
    connection.cancel()


class Wire:
    """JSON-RPC messages, one a line, in UTF-8, over two file descriptors.

    At the end of the input, and when told to stop, requests under way are still
    answered. `ending` is set from then on, `flushed` once nothing more will be written;
    `writing` is true while a thread is in the middle of a frame. `on_first_answer` is
    called once, after the first answer was written.
    """

    def __init__(
        self, source: int, sink: int, *, on_first_answer: Callable[[], None] = lambda: None
    ) -> None:
        self._source, self._sink = source, sink
        self._on_first_answer: Callable[[], None] | None = on_first_answer
        self._lines, self._arrived = anyio.create_memory_object_stream[bytes](0)
        self._inbox, self.incoming = anyio.create_memory_object_stream[SessionMessage | Exception](
            0
        )
        self.outgoing, self._outbox = anyio.create_memory_object_stream[SessionMessage](0)
        self._replies = self.outgoing.clone()
        self._waiting: set[types.RequestId] = set()
        self._settled = anyio.Event()
        self._writers = anyio.CapacityLimiter(1)
        self.ending = anyio.Event()
        self.flushed = anyio.Event()
        self.writing = False

    def stop(self) -> None:
        """Take no more requests; as if the client had closed its end."""
        self.ending.set()
        self._lines.close()

    async def receive(self) -> None:
        """Pass on what the client says until it ends, then wait for the answers."""
        reader = threading.Thread(
            target=self._read, args=(asyncio.get_running_loop(),), name="stdin", daemon=True
        )
        reader.start()
        async with self._inbox, self._replies:
            async for line in self._arrived:
                await self._take(line)
            while self._waiting:
                self._settled = anyio.Event()
                await self._settled.wait()

    async def send(self) -> None:
        """Write every message; a client that is gone is no error."""
        try:
            async with self._outbox:
                async for item in self._outbox:
                    await self._write(item.message)
        except OSError as error:
            log.info("the client is gone: %s", error)
            self.stop()
        finally:
            self.flushed.set()

    async def _take(self, line: bytes) -> None:
        message = parse(line)
        if isinstance(message, types.JSONRPCError):
            await self._replies.send(SessionMessage(message))
            return
        if isinstance(message, types.JSONRPCRequest) and message.method not in _STREAMS:
            self._waiting.add(message.id)
        elif isinstance(message, types.JSONRPCNotification):
            self._cancel(message)
        await self._inbox.send(SessionMessage(message))

    async def _write(self, message: types.JSONRPCMessage) -> None:
        data = frame(message)
        await anyio.to_thread.run_sync(
            self._write_all, data, limiter=self._writers, abandon_on_cancel=True
        )
        if isinstance(message, (types.JSONRPCResponse, types.JSONRPCError)):
            self._settle(message.id)
            if self._on_first_answer is not None:
                self._on_first_answer()
                self._on_first_answer = None

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        self.writing = True
        try:
            while view:
                view = view[os.write(self._sink, view) :]
        finally:
            self.writing = False

    def _cancel(self, message: types.JSONRPCNotification) -> None:
        """A request that the client cancelled is never answered."""
        request_id = (message.params or {}).get("requestId")
        if message.method == "notifications/cancelled" and isinstance(request_id, (str, int)):
            self._settle(request_id)

    def _settle(self, request_id: types.RequestId | None) -> None:
        if request_id is not None:
            self._waiting.discard(request_id)
        self._settled.set()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """The root of the reading thread: every line, then the end."""
        try:
            for line in _lines(self._source):
                asyncio.run_coroutine_threadsafe(self._lines.send(line), loop).result()
            loop.call_soon_threadsafe(self.stop)
        except (RuntimeError, CancelledError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            log.debug("nobody reads stdin any more")


def parse(line: bytes) -> types.JSONRPCMessage:
    """A message, or the error to answer a line with that is none.

    The strict reader refuses what Python's takes: halves of surrogate pairs, deep nesting.
    Those requests go on, to be refused with a reason where the field has a name.
    """
    try:
        return types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        pass
    request_id: Any = None
    try:
        found = json.loads(line)
        request_id = cast("dict[str, Any]", found).get("id") if isinstance(found, dict) else None
        return types.jsonrpc_message_adapter.validate_python(found, by_name=False)
    except ValidationError:
        code, text = types.INVALID_REQUEST, "this is no JSON-RPC 2.0 message"
    except (ValueError, RecursionError):
        code, text = types.PARSE_ERROR, "this line is no JSON, is nested too deep, or is too long"
    known = request_id if isinstance(request_id, (str, int)) else None
    return types.JSONRPCError(
        jsonrpc="2.0", id=known, error=types.ErrorData(code=code, message=text)
    )


def frame(message: types.JSONRPCMessage) -> bytes:
    """One message as one line."""
    try:
        text = message.model_dump_json(by_alias=True, exclude_unset=True)
    except ValueError:  # half of a surrogate pair, echoed in an id
        text = json.dumps(message.model_dump(by_alias=True, exclude_unset=True))
    return text.encode() + b"\n"


def _lines(source: int) -> Iterator[bytes]:
    """The lines of a descriptor without their ends; an empty one for one that is too long."""
    rest = bytearray()
    skipping = False
    while chunk := os.read(source, _CHUNK_BYTES):
        *complete, tail = chunk.split(b"\n")
        for part in complete:
            rest += part
            if rest.strip() and not skipping:
                yield bytes(rest)
            rest.clear()
            skipping = False
        rest += tail
        if len(rest) > LINE_BYTES_MAX:
            if not skipping:
                yield b""
            rest.clear()
            skipping = True
