"""How much one user may ask: requests in a minute, bytes in a day."""

from __future__ import annotations

import math

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from mcp_memory.config.http import HttpSettings

MEGABYTE = 1024 * 1024

_HAIR_S = 0.01
"""What is told must be over for certain, and clocks are numbers that were rounded."""


class Exceeded(Exception):
    """Too much; `seconds` until it may be tried again."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


class Limiter:
    """Counts by user, in memory: a restart forgives. Lives on the event loop.

    The windows slide: of the one before, as large a part counts as they still cover.
    """

    def __init__(self, settings: HttpSettings) -> None:
        self._storage = MemoryStorage()
        self._windows = SlidingWindowCounterRateLimiter(self._storage)
        self._reads = RateLimitItemPerMinute(settings.reads_per_minute, namespace="reads")
        self._writes = RateLimitItemPerMinute(settings.writes_per_minute, namespace="writes")
        quota = settings.megabytes_per_day * MEGABYTE
        self._bytes = RateLimitItemPerDay(quota, namespace="bytes")

    async def reserve(self, user: str, size: int) -> None:
        """Count so many bytes before they are read, whether they come or not.

        Raises Exceeded, and counts nothing, where they are too many; 0 is too many where no
        more may come.
        """
        take = self._windows.hit if size else self._windows.test
        if not await take(self._bytes, user, cost=max(1, size)):
            raise await self._exceeded(user, max(1, size))

    async def count(self, user: str, *, changes: bool, size: int) -> None:
        """Count a request, and the bytes that came of it beyond those that were reserved.

        Raises Exceeded where it is not to be served; of the requests it is none then.
        """
        if size and not await self._windows.hit(self._bytes, user, cost=size):
            rest = (await self._windows.get_window_stats(self._bytes, user)).remaining
            if rest:
                await self._windows.hit(self._bytes, user, cost=rest)
            raise await self._exceeded(user, size)
        kind, requests = ("writes", self._writes) if changes else ("reads", self._reads)
        if not await self._windows.hit(requests, user):
            text = f"at most {requests.amount} {kind} a minute for one user"
            raise Exceeded(text, await self._wait(requests, user, 1))

    async def _exceeded(self, user: str, size: int) -> Exceeded:
        megabytes = self._bytes.amount // MEGABYTE
        text = f"one user may send {megabytes} MB a day, and this is more"
        return Exceeded(text, await self._wait(self._bytes, user, size))

    async def _wait(self, item: RateLimitItem, user: str, amount: int) -> float:
        """Seconds until so much is allowed, if nothing else is asked meanwhile."""
        span = item.get_expiry()
        before, left, present, ends = await self._storage.get_sliding_window(
            item.key_for(user), span
        )
        room = item.amount - amount + 1  # what counts must become less than this
        if present < room and before:
            seconds = left - (room - present) * span / before
        else:
            seconds = ends - room * span / max(present, room)
        return math.ceil(seconds + _HAIR_S)
