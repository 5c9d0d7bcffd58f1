"""Around every request: who is calling, and what an error looks like from outside."""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from uuid import uuid4

import anyio
import anyio.to_thread
import mcp.types as types
from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp.server.session import ServerSession
from mcp.shared.message import ServerMessageMetadata
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from mcp_memory.errors import InvalidInput, McpMemoryError, NotFound, ScopeMissing
from mcp_memory.lanes import Turn
from mcp_memory.model import Scope
from mcp_memory.notices import Notices
from mcp_memory.scope import Signals, current, deciding, resolve

log = logging.getLogger(__name__)

ROOTS_TIMEOUT_S = 2.0
ROOTS_RETRY_S = 30.0
SCOPE_KEPT_S = 30.0
SCOPES_MAX = 32
WATCHED_MAX = 1000
_ROOTS_MAX = 32
# With one of these deciding the project, the client need not be asked for its roots.
_BEFORE_ROOTS = frozenset({"_meta", "configuration", "CLAUDE_PROJECT_DIR"})


@dataclass(kw_only=True, slots=True)
class Connection:
    """What is kept of one connection; most of it for those of the older protocol era.

    `signals` are what its door knows before any request, and `id` is the name by which
    it is a session. `roots` are None until the client said them, `changes` counts how
    often it said that they changed, `silent_since` is when it last did not answer.
    `resolved` are the latest scopes, each with its signals and its time. `watched` holds
    the scope in which each resource was subscribed to; `scope` and `session` are those of
    the last request. `turn` is its place among the others, `notices` what it is yet to be
    told. All times are those of a monotonic clock, in seconds.
    """

    signals: Signals = field(default_factory=Signals)
    id: str = field(default_factory=lambda: f"c-{uuid4().hex}")
    roots: tuple[str, ...] | None = None
    changes: int = 0
    silent_since: float | None = None
    asking: anyio.Lock = field(default_factory=anyio.Lock)
    resolved: deque[tuple[Signals, Scope, float]] = field(
        default_factory=lambda: deque(maxlen=SCOPES_MAX)
    )
    watched: dict[str, Scope] = field(default_factory=dict[str, Scope])
    scope: Scope | None = None
    session: ServerSession | None = None
    turn: Turn = field(default_factory=Turn)
    notices: Notices = field(default_factory=Notices)

    def watch(self, uri: str, scope: Scope) -> None:
        """Remember a subscription. Raises InvalidInput when there are too many."""
        if uri not in self.watched and len(self.watched) >= WATCHED_MAX:
            raise InvalidInput("uri", uri, f"at most {WATCHED_MAX} subscriptions a connection")
        self.watched[uri] = scope


Request = ServerRequestContext[Connection, Any]
Params = TypeVar("Params")
Result = TypeVar("Result")
Handler = Callable[[Request, Params], Awaitable[Result]]
Door = Callable[[Request], Signals]
"""What a door knows of a request beside its message: transport, configuration, token."""


def of_connection(request: Request) -> Signals:
    """The door of a server whose connections bring their own signals."""
    return request.lifespan_context.signals


class Middleware:
    """Wraps every handler of the server: one scope a request, one seam for errors."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def __call__(self, handler: Handler[Params, Result]) -> Handler[Params, Result]:
        """The handler, with its scope set and its errors turned into protocol errors."""

        async def run(request: Request, params: Params) -> Result:
            with _protocol_errors(request.method):
                token = current.set(await self.scope(request))
                try:
                    return await handler(request, params)
                finally:
                    current.reset(token)

        return run

    def tool(
        self, handler: Handler[Params, types.CallToolResult | types.InputRequiredResult]
    ) -> Handler[Params, types.CallToolResult | types.InputRequiredResult]:
        """The handler of tool calls, whose errors are results that the model reads."""

        async def run(
            request: Request, params: Params
        ) -> types.CallToolResult | types.InputRequiredResult:
            try:
                token = current.set(await self.scope(request))
                try:
                    return await handler(request, params)
                finally:
                    current.reset(token)
            except McpMemoryError as error:
                return _failure(str(error))
            except MCPError:
                raise
            except Exception:  # the seam: what was not foreseen is logged, and masked
                return _failure(_masked(request.method))

        return run

    async def scope(self, request: Request) -> Scope:
        """The scope of a request. Raises InvalidInput, ScopeMissing."""
        connection = request.lifespan_context
        signals = self._signals(request)
        scope = await _resolved(connection, signals)
        if scope.sources["project"] not in _BEFORE_ROOTS:
            roots = await _roots(request)
            scope = await _resolved(connection, replace(signals, roots=roots)) if roots else scope
        if not signals.modern:
            connection.scope, connection.session = scope, request.session
        return scope

    def _signals(self, request: Request) -> Signals:
        client = request.session.client_params
        signals = replace(
            self._door(request),
            modern=is_modern(request),
            meta=dict(request.meta or {}),
            client_name=client.client_info.name if client else "",
            client_version=client.client_info.version if client else "",
            connection_id=request.lifespan_context.id,
        )
        return deciding(signals)


def is_modern(request: Request) -> bool:
    """Whether the request is of the era without connections (2026-07-28 and later)."""
    return request.protocol_version in MODERN_PROTOCOL_VERSIONS


async def forget_roots(request: Request, params: types.NotificationParams) -> None:
    """The client's roots changed: ask again at the next request."""
    connection = request.lifespan_context
    connection.roots = connection.silent_since = None
    connection.changes += 1


async def _resolved(connection: Connection, signals: Signals) -> Scope:
    """The scope of the signals, kept for a while: finding it out reads git's files.

    A repository that is given a remote is another project after at most 30 seconds.
    """
    now = time.monotonic()
    for known, scope, since in connection.resolved:
        if now - since < SCOPE_KEPT_S and known == signals:
            return scope
    scope = await anyio.to_thread.run_sync(resolve, signals)
    connection.resolved.appendleft((signals, scope, now))
    return scope


async def _roots(request: Request) -> tuple[str, ...]:
    """The client's roots, asked for once a connection; none where it cannot be asked.

    A client that did not answer is asked again, but not at each request: it may keep each
    of them waiting.
    """
    session, connection = request.session, request.lifespan_context
    capabilities = session.client_capabilities
    if is_modern(request) or capabilities is None or capabilities.roots is None:
        return ()
    if not session.can_send_request:
        return ()
    async with connection.asking:
        silent = connection.silent_since
        if connection.roots is not None:
            return connection.roots
        if silent is not None and time.monotonic() - silent < ROOTS_RETRY_S:
            return ()
        changes = connection.changes
        roots = await _ask_roots(request)
        if changes == connection.changes:  # else the answer is of before the change
            connection.roots = roots
            connection.silent_since = time.monotonic() if roots is None else None
        return roots or ()


async def _ask_roots(request: Request) -> tuple[str, ...] | None:
    """The roots as the client says them now, None if it does not."""
    try:
        with anyio.fail_after(ROOTS_TIMEOUT_S):
            answer = await request.session.send_request(
                types.ListRootsRequest(),
                types.ListRootsResult,
                metadata=ServerMessageMetadata(related_request_id=request.request_id),
            )
    except (MCPError, ValidationError, TimeoutError) as error:
        log.info("the client did not say its roots: %s", type(error).__name__)
        return None
    return tuple(str(root.uri) for root in answer.roots[:_ROOTS_MAX])


@contextmanager
def _protocol_errors(method: str) -> Generator[None]:
    try:
        yield
    except (InvalidInput, NotFound, ScopeMissing) as error:
        raise MCPError(code=types.INVALID_PARAMS, message=sayable(str(error))) from error
    except McpMemoryError as error:
        raise MCPError(code=types.INTERNAL_ERROR, message=sayable(str(error))) from error
    except MCPError:
        raise
    except Exception as error:  # the seam: what was not foreseen is logged, and masked
        raise MCPError(code=types.INTERNAL_ERROR, message=_masked(method)) from error


def _failure(text: str) -> types.CallToolResult:
    content = types.TextContent(type="text", text=sayable(text))
    return types.CallToolResult(content=[content], is_error=True)


def _masked(method: str) -> str:
    """Log the error in hand with its trace, and give a sentence to say instead."""
    error_id = secrets.token_hex(4)
    log.exception("error %s in %s", error_id, method)
    return (
        f"something went wrong inside mcp-memory (error {error_id}); the log of the server "
        "has the details under this number. Trying again may help"
    )


def sayable(text: str) -> str:
    """The text without halves of surrogate pairs, which no protocol frame can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
