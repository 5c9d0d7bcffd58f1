"""The older HTTP transport: answers come on an event stream, messages are posted beside it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import uuid4

import anyio
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mcp_memory.http.callers import Callers, owner_of
from mcp_memory.http.responses import later, refused
from mcp_memory.server.connection import CONTEXT, Connection
from mcp_memory.server.subscriptions import Subscriptions
from mcp_memory.server.transport.jsonrpc import DRAIN_TIMEOUT_S, JsonRpcConnection, serve

if TYPE_CHECKING:
    from mcp.server import Server

log = logging.getLogger(__name__)

PATH, MESSAGES_PATH = "/sse", "/messages/"
TRANSPORT = "sse"
WAITING_MAX = 64
"""Messages of one client that were taken and not looked at yet."""
PING_S = 15
RETRY_S = 1.0
STREAMS_RETRY_S = 60.0


class EventStream:
    """One client's stream as a transport; see `jsonrpc.Transport`."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.request: Request | None = None
        self.ended = anyio.Event()
        self._into, self._arrived = anyio.create_memory_object_stream[tuple[bytes, Request]](
            WAITING_MAX
        )
        self._outgoing, self._events = anyio.create_memory_object_stream[bytes](0)

    def post(self, line: bytes, request: Request) -> None:
        """Take a message. Raises anyio.WouldBlock when too many wait, ClosedResourceError."""
        self._into.send_nowait((line, request))

    async def lines(self) -> AsyncIterator[bytes]:
        """See `Transport.lines`."""
        async for line, request in self._arrived:
            self.request = request
            yield line

    async def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        try:
            await self._outgoing.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise BrokenPipeError("the client closed its event stream") from error

    def close(self) -> None:
        """See `Transport.close`."""
        self._into.close()

    def finish(self) -> None:
        """Nothing more will be written: the stream of events comes to its end."""
        self._outgoing.close()

    def leave(self) -> None:
        """The client is gone."""
        self._events.close()
        self.close()

    async def events(self, endpoint: str) -> AsyncIterator[dict[str, str]]:
        """What the client reads: first where to post, then every frame."""
        yield {"event": "endpoint", "data": endpoint}
        async for data in self._events:
            yield {"event": "message", "data": data.decode().rstrip("\n")}


class Sse:
    """Every client with an event stream. Lives on the event loop."""

    def __init__(
        self, server: Server[Connection], subscriptions: Subscriptions, callers: Callers
    ) -> None:
        self._server = server
        self._subscriptions = subscriptions
        self._callers = callers
        self._limits = callers.settings.http
        self._streams: dict[str, EventStream] = {}
        self._rpcs: dict[str, JsonRpcConnection] = {}
        self._is_closing = False
        self._cut = anyio.Event()

    @property
    def count(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    async def open(self, asgi_scope: Scope, receive: Receive, send: Send) -> None:
        """A new stream, at GET /sse, for as long as the client listens; see ASGI."""
        owner = owner_of(asgi_scope)
        response = self._room(owner)
        if response is not None:
            await response(asgi_scope, receive, send)
            return
        name, stream = uuid4().hex, EventStream(owner)
        connection = Connection(turn=self._callers.turn(asgi_scope))
        rpc = JsonRpcConnection(stream)
        self._streams[name], self._rpcs[name] = stream, rpc
        endpoint = f"{asgi_scope.get('root_path', '')}{MESSAGES_PATH}?session_id={name}"
        try:
            async with (
                self._subscriptions.connected(connection),
                anyio.create_task_group() as tasks,
            ):
                tasks.start_soon(self._serve, rpc, stream, connection)
                events = EventSourceResponse(stream.events(endpoint), ping=PING_S)
                await events(asgi_scope, receive, send)
                stream.leave()
        finally:
            del self._streams[name], self._rpcs[name]
            stream.ended.set()

    async def post(self, asgi_scope: Scope, receive: Receive, send: Send) -> None:
        """A message for the server, at POST /messages/; see ASGI."""
        request = Request(asgi_scope, receive)
        stream = self._streams.get(request.query_params.get("session_id", ""))
        if stream is None or stream.owner != owner_of(asgi_scope):
            await refused(404, "no such session; open an event stream")(asgi_scope, receive, send)
            return
        asgi_scope[CONTEXT] = self._callers.of(asgi_scope, TRANSPORT, is_alone=False)
        response = Response("Accepted", status_code=202)
        try:
            stream.post(await request.body(), request)
        except anyio.WouldBlock:
            response = later(429, f"{WAITING_MAX} messages of yours wait already", RETRY_S)
        except anyio.ClosedResourceError:
            response = refused(404, "this session has ended; open an event stream")
        await response(asgi_scope, receive, send)

    def close(self) -> None:
        """Take no more messages; `drain` and `cut` are for what was taken."""
        self._is_closing = True
        for rpc in list(self._rpcs.values()):
            rpc.stop()

    async def drain(self) -> None:
        """Wait until every client has its answers and its stream has ended."""
        for stream in list(self._streams.values()):
            await stream.ended.wait()

    def cut(self) -> None:
        """Leave whoever does not take the last answers."""
        self._cut.set()

    def _room(self, owner: str) -> Response | None:
        theirs = sum(stream.owner == owner for stream in self._streams.values())
        if theirs >= self._limits.sessions_each:
            return later(429, f"{theirs} event streams of yours are open", STREAMS_RETRY_S)
        if self.count >= self._limits.sessions_max:
            return later(503, "too many event streams are open", STREAMS_RETRY_S)
        return None

    async def _serve(
        self, rpc: JsonRpcConnection, stream: EventStream, connection: Connection
    ) -> None:
        """The root of a stream: from the first message to the last answer."""
        try:
            await serve(self._server, rpc, connection, leave=self._leave)
        except Exception:  # the others must not suffer
            log.exception("an event stream failed")
        finally:
            stream.finish()

    async def _leave(self) -> None:
        """How long a stream that has ended waits: at the end of the server as long as it does."""
        if self._is_closing:
            await self._cut.wait()
        else:
            await anyio.sleep(DRAIN_TIMEOUT_S)
