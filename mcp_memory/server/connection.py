"""What is kept of one client between its requests, and who is behind a single one."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import anyio
from mcp.server import ServerRequestContext
from mcp.server.session import ServerSession
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcp_memory.domain.memory import Caller
from mcp_memory.errors import InvalidInput
from mcp_memory.identity.resolver import Signals
from mcp_memory.server.notifications import NotificationQueue
from mcp_memory.server.scheduler import ClientQueue

SCOPES_MAX = 32
WATCHED_MAX = 1000
UNASKED_MAX = 32
CONTEXT = "mcp_memory.context"
"""Where a HTTP server puts the caller: a key of the ASGI scope."""


@dataclass(kw_only=True, slots=True)
class Connection:
    """What is kept of one connection; most of it for those of the older protocol era.

    `signals` are what its transport knows before any request, and `id` is the name by which
    it is a session. `roots` are None until the client said them, `changes` counts how
    often it said that they changed, `silent_since` is when it last did not answer.
    `resolved` are the latest scopes, each with its signals and its time. `watched` holds
    the scope in which each resource was subscribed to; `scope` and `session` are those of
    the last request. `unasked` are the tokens of what its user should have been asked about,
    but was not. `turn` is its place among the others, `notices` what it is yet to be
    told. One that is not `is_kept` is of a single request, and nobody can be told anything
    after it. All times are those of a monotonic clock, in seconds.
    """

    signals: Signals = field(default_factory=Signals)
    is_kept: bool = True
    id: str = field(default_factory=lambda: f"c-{uuid4().hex}")
    roots: tuple[str, ...] | None = None
    changes: int = 0
    silent_since: float | None = None
    asking: anyio.Lock = field(default_factory=anyio.Lock)
    resolved: deque[tuple[Signals, Caller, float]] = field(
        default_factory=lambda: deque(maxlen=SCOPES_MAX)
    )
    watched: dict[str, Caller] = field(default_factory=dict[str, Caller])
    caller: Caller | None = None
    session: ServerSession | None = None
    unasked: deque[str] = field(default_factory=lambda: deque(maxlen=UNASKED_MAX))
    turn: ClientQueue = field(default_factory=ClientQueue)
    notices: NotificationQueue = field(default_factory=NotificationQueue)

    def watch(self, uri: str, caller: Caller) -> None:
        """Remember a subscription. Raises InvalidInput when there are too many."""
        if not self.is_kept:
            raise InvalidInput("uri", uri, "only a client with a session can be told; initialize")
        if uri not in self.watched and len(self.watched) >= WATCHED_MAX:
            raise InvalidInput("uri", uri, f"at most {WATCHED_MAX} subscriptions a connection")
        self.watched[uri] = caller

    @asynccontextmanager
    async def for_one_request(self) -> AsyncGenerator[None]:
        """Deliver notices while a request lasts, where there is no connection to do it."""
        if self.is_kept:
            yield
            return
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.notices.deliver)
            try:
                yield
            except Exception as error:  # raised again below, where no group is made of it
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure


Request = ServerRequestContext[Connection, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestContext:
    """Who is behind one request, where a connection may carry those of several.

    `connection` takes the place of the one that the request came with, if there is one.
    """

    signals: Signals
    connection: Connection | None = None


def context_of(request: Request) -> RequestContext | None:
    """The caller that the HTTP server found; None at other transports."""
    context = getattr(request.request, "scope", {}).get(CONTEXT)
    return context if isinstance(context, RequestContext) else None


def is_modern(request: Request) -> bool:
    """Whether the request is of the era without connections (2026-07-28 and later)."""
    return request.protocol_version in MODERN_PROTOCOL_VERSIONS
