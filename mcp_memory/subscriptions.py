"""Who is told when a memory changes: only those whose scope may read it, in both eras.

Subscribers of the newer era hold a listen stream, those of the older one a connection;
one `tell` reaches both.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

import anyio
from mcp import MCPError
from mcp.server.subscriptions import SubscriptionBus
from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent

from mcp_memory.middleware import Connection
from mcp_memory.model import Level, Scope
from mcp_memory.scope import current
from mcp_memory.tools.answers import Touched

Listener = Callable[[ServerEvent], None]

_VIEWS = ("me", "context", "recent", "stats")
_SEND_TIMEOUT_S = 1.0


class Subscriptions(SubscriptionBus):
    """Every listener with the scope it listens in; lives on the event loop."""

    def __init__(self) -> None:
        self._listeners: dict[object, tuple[Scope, Listener]] = {}
        self._connections: dict[str, Connection] = {}

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listen stream of the request in hand; returns how to remove it."""
        token = object()
        self._listeners[token] = (current.get(), listener)
        return lambda: self._listeners.pop(token, None) and None

    async def publish(self, event: ServerEvent) -> None:
        """Tell every listen stream, whatever its scope; for what is in nobody's scope."""
        for _, listener in list(self._listeners.values()):
            listener(event)

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[Connection]:
        """A connection for as long as it lasts."""
        connection = Connection()
        self._connections[connection.id] = connection
        try:
            yield connection
        finally:
            del self._connections[connection.id]

    async def tell(self, touched: Iterable[Touched]) -> None:
        """Tell of changed memories those who may read them, each at most once of a thing."""
        changes = tuple(touched)
        for scope, listener in list(self._listeners.values()):
            for event in events(changes, scope):
                listener(event)
        for connection in list(self._connections.values()):
            with anyio.move_on_after(_SEND_TIMEOUT_S):
                await _tell(connection, changes)


def events(touched: Iterable[Touched], scope: Scope) -> list[ServerEvent]:
    """What changed for a caller of this scope, without repeats."""
    visible = set(scope.partitions())
    found: dict[ServerEvent, None] = {}
    for change in touched:
        if change.partition in visible:
            for uri in _uris(change):
                found[ResourceUpdated(uri=uri)] = None
            if change.listed:
                found[ResourcesListChanged()] = None
    return list(found)


def _uris(change: Touched) -> list[str]:
    memory = f"memory://memories/{change.id}"
    views = [*_VIEWS, "session"] if change.partition.level is Level.SESSION else _VIEWS
    return [memory, f"{memory}/history", *(f"memory://{view}" for view in views)]


async def _tell(connection: Connection, touched: tuple[Touched, ...]) -> None:
    session, scope = connection.session, connection.scope
    if session is None or scope is None:
        return
    # A notice is a courtesy: a client that is just leaving must not fail the call it is about.
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, MCPError):
        for uri, watching in list(connection.watched.items()):
            if ResourceUpdated(uri=uri) in events(touched, watching):
                await session.send_resource_updated(uri)
        if ResourcesListChanged() in events(touched, scope):
            await session.send_resource_list_changed()
