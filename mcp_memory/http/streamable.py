"""Streamable HTTP: sessions of the older protocol era, and requests that stand alone."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import anyio
from anyio.abc import TaskGroup, TaskStatus
from mcp.server import Server
from mcp.server.runner import serve_loop
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types import HEADER_MISMATCH
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from mcp_memory.http.admission import BODY_BYTES_MAX, MESSAGE, says_newer
from mcp_memory.http.callers import Callers, owner_of
from mcp_memory.http.responses import later, refused
from mcp_memory.identity.resolver import HEADER_SESSION
from mcp_memory.server.app import initialization
from mcp_memory.server.connection import CONTEXT, Connection
from mcp_memory.server.subscriptions import Subscriptions

log = logging.getLogger(__name__)

IDLE_S = 30 * 60.0
RETRY_S = 60.0
TRANSPORT = "http"


@dataclass(kw_only=True, slots=True)
class Session:
    """One client of the older era. `used` is of a monotonic clock, `at_work` its requests."""

    transport: StreamableHTTPServerTransport
    connection: Connection
    owner: str
    at_work: int = 0
    used: float = field(default_factory=time.monotonic)


class Sessions:
    """Every client over streamable HTTP. Lives on the event loop, within `run`.

    A session belongs to whoever opened it; to anybody else it does not exist. A request
    without a session, of either era, is served by itself.
    """

    def __init__(
        self, server: Server[Connection], subscriptions: Subscriptions, callers: Callers
    ) -> None:
        self._server = server
        self._subscriptions = subscriptions
        self._callers = callers
        self._limits = callers.settings.http
        self._known: dict[str, Session] = {}
        self._tasks: TaskGroup | None = None
        self._alone = StreamableHTTPSessionManager(
            server, stateless=True, max_request_body_size=BODY_BYTES_MAX
        )

    @property
    def count(self) -> int:
        """How many sessions are open."""
        return len(self._known)

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Serve until left."""
        async with self._alone.run(), anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    async def close(self) -> None:
        """End every session, and so its event stream."""
        for name in list(self._known):
            await self._end(name)

    async def __call__(self, asgi_scope: Scope, receive: Receive, send: Send) -> None:
        """One request at /mcp; see ASGI."""
        request = Request(asgi_scope)
        name = request.headers.get(HEADER_SESSION)
        version = request.headers.get(MCP_PROTOCOL_VERSION_HEADER)
        is_older = version is None or version in HANDSHAKE_PROTOCOL_VERSIONS
        if is_older and says_newer(asgi_scope[MESSAGE]):
            text = f"the header {MCP_PROTOCOL_VERSION_HEADER} names another version than _meta"
            id_ = asgi_scope[MESSAGE].get("id")
            await refused(400, text, code=HEADER_MISMATCH, id_=id_)(asgi_scope, receive, send)
            return
        is_handshake = asgi_scope[MESSAGE].get("method") == "initialize"
        if not is_older or (name is None and request.method == "POST" and not is_handshake):
            asgi_scope[CONTEXT] = self._callers.of(asgi_scope, TRANSPORT, is_alone=True)
            await self._alone.handle_request(asgi_scope, receive, send)
        elif name is None and request.method == "POST":
            await self._open(asgi_scope, receive, send)
        else:
            await self._resume(name, asgi_scope, receive, send)

    async def _resume(
        self, name: str | None, asgi_scope: Scope, receive: Receive, send: Send
    ) -> None:
        session = self._known.get(name) if name is not None else None
        if name is None or session is None or session.owner != owner_of(asgi_scope):
            status, text = (404, "no such session; initialize") if name else (400, "no session id")
            await refused(status, text)(asgi_scope, receive, send)
            return
        asgi_scope[CONTEXT] = self._callers.of(asgi_scope, TRANSPORT, is_alone=False)
        session.at_work += 1
        try:
            await session.transport.handle_request(asgi_scope, receive, send)
        finally:
            session.at_work -= 1
            session.used = time.monotonic()
        if session.transport.is_terminated:
            await self._end(name)

    async def _open(self, asgi_scope: Scope, receive: Receive, send: Send) -> None:
        """A new session, which is kept if its first request succeeds."""
        owner = owner_of(asgi_scope)
        response = await self._room(owner)
        if response is not None:
            await response(asgi_scope, receive, send)
            return
        name = uuid4().hex
        connection = Connection(turn=self._callers.turn(asgi_scope))
        transport = StreamableHTTPServerTransport(name, idle_timeout=IDLE_S)
        session = Session(transport=transport, connection=connection, owner=owner, at_work=1)
        self._known[name] = session
        status = [0]

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                if not 200 <= status[0] < 300:  # the id would be of no session
                    kept = [h for h in message["headers"] if h[0] != HEADER_SESSION.encode()]
                    message = {**message, "headers": kept}
            await send(message)

        try:
            assert self._tasks is not None, "sessions are opened within run()"
            await self._tasks.start(self._serve, name, session)
            asgi_scope[CONTEXT] = self._callers.of(asgi_scope, TRANSPORT, is_alone=False)
            await transport.handle_request(asgi_scope, receive, watched)
        finally:
            session.at_work -= 1
            session.used = time.monotonic()
            if not 200 <= status[0] < 300:
                await self._end(name)

    async def _room(self, owner: str) -> Response | None:
        """Make room for one more session of an owner, or say why there is none."""
        theirs = [(s.used, name, s) for name, s in self._known.items() if s.owner == owner]
        if len(theirs) >= self._limits.sessions_each:
            idle = [(used, name) for used, name, session in theirs if not session.at_work]
            if not idle:
                return later(429, f"{len(theirs)} sessions of yours are open", RETRY_S)
            await self._end(min(idle)[1])
        if len(self._known) >= self._limits.sessions_max:
            return later(503, "too many sessions are open", RETRY_S)
        return None

    async def _serve(
        self,
        name: str,
        session: Session,
        *,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """The root of a session: from its handshake until it ends or was idle for too long."""
        try:
            async with (
                session.transport.connect() as (incoming, outgoing),
                self._subscriptions.connected(session.connection),
            ):
                task_status.started()
                with session.transport.idle_scope or anyio.CancelScope():
                    await serve_loop(
                        self._server,
                        incoming,
                        outgoing,
                        lifespan_state=session.connection,
                        session_id=name,
                        init_options=initialization(self._server),
                    )
        except Exception:  # the root of a session: the others must not suffer
            log.exception("a session failed")
        finally:
            await self._end(name)

    async def _end(self, name: str) -> None:
        """Forget a session first, so that its id is unknown from here on."""
        session = self._known.pop(name, None)
        if session is not None and not session.transport.is_terminated:
            with anyio.CancelScope(shield=True):
                await session.transport.terminate()
