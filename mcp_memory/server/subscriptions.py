"""Who is told when a memory changes: only those whose scope may read it, in both eras.

Subscribers of the newer era hold a listen stream, those of the older one a connection;
one `tell` reaches both.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial

import anyio
from mcp.server.subscriptions import ListenHandler, SubscriptionBus
from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent

from mcp_memory.domain.memory import Caller, Partition, Scope
from mcp_memory.identity.resolver import current
from mcp_memory.server.connection import Connection
from mcp_memory.tools.base import ChangedMemory

Listener = Callable[[ServerEvent], None]

_VIEWS = ("me", "context", "recent", "stats")


class Subscriptions(SubscriptionBus):
    """Every listener with the scope it listens in; lives on the event loop."""

    def __init__(self) -> None:
        self._listeners: dict[object, tuple[Caller, Listener]] = {}
        self._connections: dict[object, Connection] = {}
        self.listen = ListenHandler(self)

    def close(self) -> None:
        """Bring every listen stream to its end, each with its result."""
        self.listen.close()

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
    async def connected(self, connection: Connection) -> AsyncGenerator[Connection]:
        """A connection, told of what it may read, for as long as it lasts."""
        token = object()
        self._connections[token] = connection
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connection.notices.deliver)
            try:
                yield connection
            finally:
                del self._connections[token]
                tasks.cancel_scope.cancel()

    def tell(self, touched: Iterable[ChangedMemory]) -> None:
        """Tell of changed memories those who may read them, each at most once of a thing."""
        news = _News(tuple(touched))
        for caller, listener in list(self._listeners.values()):
            for event in news.of(caller):
                listener(event)
        for connection in list(self._connections.values()):
            _tell(connection, news)


class _News:
    """The events of one change for any scope, worked out once for those that see alike."""

    def __init__(self, touched: tuple[ChangedMemory, ...]) -> None:
        self._touched = touched
        self._partitions = tuple({change.partition: None for change in touched})
        self._known: dict[tuple[Partition, ...], dict[ServerEvent, None]] = {}

    def of(self, caller: Caller) -> dict[ServerEvent, None]:
        """The events for this scope, in order; the values say nothing."""
        seen = tuple(partition for partition in self._partitions if _sees(caller, partition))
        if seen not in self._known:
            self._known[seen] = dict.fromkeys(events(self._touched, caller))
        return self._known[seen]


def events(touched: Iterable[ChangedMemory], caller: Caller) -> list[ServerEvent]:
    """What changed for a caller of this scope, without repeats."""
    seen = [change for change in touched if _sees(caller, change.partition)]
    if not seen:
        return []
    in_session = any(change.partition.scope is Scope.SESSION for change in seen)
    names = [f"memories/{change.id}{part}" for change in seen for part in ("", "/history")]
    names += [*_VIEWS, "session"] if in_session else _VIEWS
    found: list[ServerEvent] = [ResourceUpdated(uri=f"memory://{n}") for n in dict.fromkeys(names)]
    return [*found, ResourcesListChanged()] if any(change.listed for change in seen) else found


def _sees(caller: Caller, partition: Partition) -> bool:
    """Whether the partition is one of the scope's; another tenant's is told apart at once."""
    return partition.tenant == caller.tenant and partition in caller.at(partition.scope)


def _tell(connection: Connection, news: _News) -> None:
    session, caller = connection.session, connection.caller
    if session is None or caller is None:
        return
    for uri, watching in list(connection.watched.items()):
        if ResourceUpdated(uri=uri) in news.of(watching):
            connection.notices.put(uri, partial(session.send_resource_updated, uri))
    if ResourcesListChanged() in news.of(caller):
        connection.notices.put(ResourcesListChanged, session.send_resource_list_changed)
