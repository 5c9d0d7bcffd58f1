"""How much one user may ask: requests in a minute, bytes in a day."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from mcp_memory.http_settings import HttpSettings

MEGABYTE = 1024 * 1024
MINUTE_S, DAY_S = 60.0, 24 * 3600.0


class Exceeded(Exception):
    """Too much; `seconds` until it may be tried again."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


class Limiter:
    """Counts by user, in memory: a restart forgives. Not for several processes or threads.

    `clock` gives seconds that only go forward.
    """

    def __init__(self, settings: HttpSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reads = _Window(settings.reads_per_minute, MINUTE_S)
        self._writes = _Window(settings.writes_per_minute, MINUTE_S)
        self._bytes = _Window(settings.megabytes_per_day * MEGABYTE, DAY_S)

    def check(self, user: str, *, changes: bool, size: int) -> None:
        """Count one request of so many bytes. Raises Exceeded, and then counts nothing."""
        now = self._clock()
        kind, requests = ("writes", self._writes) if changes else ("reads", self._reads)
        seconds = self._bytes.wait(user, size, now)
        if seconds:
            megabytes = self._bytes.most // MEGABYTE
            text = f"you have sent {megabytes} MB within a day, which is the most one user may"
            raise Exceeded(text, seconds)
        seconds = requests.wait(user, 1, now)
        if seconds:
            text = f"at most {requests.most} {kind} a minute for one user"
            raise Exceeded(text, seconds)
        requests.count(user, 1)
        self._bytes.count(user, size)


class _Window:
    """At most so much in a span of time that slides, by user.

    Time is cut into spans. What counts is all of the present one, and of the one before as
    large a part as the sliding span still covers, as if it had come evenly.
    """

    def __init__(self, most: int, span_s: float) -> None:
        self.most = most
        self._span_s = span_s
        self._number = 0
        self._present: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def wait(self, user: str, amount: int, now: float) -> float:
        """Seconds until so much more is allowed, 0 for at once."""
        gone = self._turn(now)
        before, present = self._before.get(user, 0), self._present.get(user, 0)
        if int(before * (1 - gone)) + present + amount <= self.most:
            return 0.0
        room = self.most - amount + 1  # what counts must become less than this
        if present < room:
            spans = 1 - gone - (room - present) / before
        else:
            spans = 2 - gone - room / present
        return math.floor(spans * self._span_s) + 1.0

    def count(self, user: str, amount: int) -> None:
        """Add to what counts."""
        self._present[user] = self._present.get(user, 0) + amount

    def _turn(self, now: float) -> float:
        """Go on to the present span; which part of it has gone."""
        number, gone = divmod(now / self._span_s, 1.0)
        if number != self._number:
            self._before = self._present if number == self._number + 1 else {}
            self._present = {}
            self._number = int(number)
        return gone
