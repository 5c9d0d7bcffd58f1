"""What a connection to the daemon sees of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

    from mcp.server import Server

    from mcp_memory.config.settings import Settings
    from mcp_memory.http.server import HttpServer
    from mcp_memory.ipc.listener import Listener
    from mcp_memory.runtime import Application
    from mcp_memory.server.connection import Connection
    from mcp_memory.server.subscriptions import Subscriptions


class DaemonState(Protocol):
    """The daemon as its connections use it; `daemon.daemon` has the whole."""

    settings: Settings
    application: Application
    listener: Listener
    server: Server[Connection]
    subscriptions: Subscriptions
    web: HttpServer | None
    mark: str
    since: float
    goodbye: str
    ready: asyncio.Event

    @property
    def clients(self) -> int:
        """How many clients are served at the moment."""
        ...

    @property
    def served(self) -> int:
        """How many clients there were since the start."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether there are as many clients as can be."""
        ...

    @property
    def is_stopping(self) -> bool:
        """Whether new connections are refused."""
        ...

    def stop(self, goodbye: str) -> None:
        """Begin to end; `goodbye` is what the clients are told."""
        ...

    def met(self) -> None:
        """Count a new client."""
        ...

    def busy(self) -> None:
        """Stop the idle timer."""
        ...
