"""How much one user may ask: requests in a minute, bytes in a day."""

from __future__ import annotations

import math
import time

import limits
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from mcp_memory.http_settings import HttpSettings

MEGABYTE = 1024 * 1024
_READ, _WRITE, _BYTES = "reads", "writes", "bytes"


class Exceeded(Exception):
    """Too much; `seconds` until it may be tried again."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


class Limiter:
    """Counts by user, in memory: a restart forgives. Not for several processes."""

    def __init__(self, settings: HttpSettings) -> None:
        self._windows = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._reads = limits.RateLimitItemPerMinute(settings.reads_per_minute)
        self._writes = limits.RateLimitItemPerMinute(settings.writes_per_minute)
        self._bytes = limits.RateLimitItemPerDay(settings.megabytes_per_day * MEGABYTE)

    def check(self, user: str, *, changes: bool, size: int) -> None:
        """Count one request of so many bytes. Raises Exceeded, and then counts nothing."""
        kind, item = (_WRITE, self._writes) if changes else (_READ, self._reads)
        if not self._windows.test(self._bytes, _BYTES, user, cost=size):
            megabytes = self._bytes.amount // MEGABYTE
            text = f"you have sent {megabytes} MB within a day, which is the most one user may"
            raise Exceeded(text, self._wait(self._bytes, _BYTES, user))
        if not self._windows.hit(item, kind, user):
            text = f"at most {item.amount} {kind} a minute for one user"
            raise Exceeded(text, self._wait(item, kind, user))
        self._windows.hit(self._bytes, _BYTES, user, cost=size)

    def _wait(self, item: limits.RateLimitItem, kind: str, user: str) -> float:
        ends = self._windows.get_window_stats(item, kind, user).reset_time
        return max(1.0, math.ceil(ends - time.time()))
