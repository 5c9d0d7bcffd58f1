"""Notifications to one client, sent behind the work that they tell of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress

import anyio
from mcp import MCPError

WAITING_MAX = 2_000

Send = Callable[[], Awaitable[None]]


class NotificationQueue:
    """What waits to be sent, the newest of each key. Lives on the event loop.

    Nobody waits for a client that reads slowly but this: a notice is a courtesy, and a
    later one of the same key takes the place of one that was not sent yet.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, Send] = {}
        self._news = anyio.Event()

    def put(self, key: Hashable, send: Send) -> None:
        """Have a notice sent; beyond 2,000 that wait, further keys are passed over."""
        if key in self._waiting or len(self._waiting) < WAITING_MAX:
            self._waiting[key] = send
            self._news.set()

    def drop(self, key: Hashable) -> None:
        """Do not send this one any more."""
        self._waiting.pop(key, None)

    async def deliver(self) -> None:
        """Send what comes, until cancelled."""
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            while self._waiting:
                send = self._waiting.pop(next(iter(self._waiting)))
                # A client that is just leaving is no error of whoever changed something.
                with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, MCPError):
                    await send()
