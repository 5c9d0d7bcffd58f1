"""What a memory weighs by itself: bounded factors for its age and its importance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from mcp_memory.domain import dates
from mcp_memory.domain.dates import Span
from mcp_memory.domain.memory import Memory, Type

RECENCY_SHARE = 0.15
IMPORTANCE_SHARE = 0.15
EVIDENCE_SHARE = 0.05

TIME_SHARE = 0.7
"""What share of its score a memory loses that is far from the time that was asked for."""
OUTSIDE = 0.5
"""How well what lies just outside of a period fits into it."""
WRITTEN_SHARE = 0.5
"""What it counts to have been written down then, for what says itself when it happened."""
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_DATE_CHARS = 64
"""A member of the metadata that is longer is no date."""

HalfLives = Mapping[Type, timedelta]


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A period that was asked about, or two of them (`also`); None is open.

    `end` is exclusive; `zone` is the time zone of who asks, in which a date in a text is a day.
    """

    start: datetime | None
    end: datetime | None
    zone: tzinfo = UTC
    also: Window | None = None

    def fit(self, moment: datetime) -> float:
        """1 within; outside at most OUTSIDE, halved with every length of the window that it is
        away, at least a day each.
        """
        own = self._fit(moment)
        return max(own, self.also.fit(moment)) if self.also else own

    def _fit(self, moment: datetime) -> float:
        if (not self.start or moment >= self.start) and (not self.end or moment < self.end):
            return 1.0
        before = self.start - moment if self.start else timedelta()
        after = moment - self.end if self.end else timedelta()
        length = self.end - self.start if self.start and self.end else _DAY
        return OUTSIDE * 0.5 ** (max(before, after) / max(length, _DAY))

    def fit_of_days(self, days: Span) -> float:
        """The same for days that a text names: 1 where one of them touches the window."""
        try:
            start, end = (datetime.combine(day, time(), self.zone).astimezone(UTC) for day in days)
        except OverflowError:
            return 0.0
        return max(self._touch(start, end), self.also._touch(start, end) if self.also else 0.0)

    def _touch(self, start: datetime, end: datetime) -> float:
        is_within = (not self.start or end > self.start) and (not self.end or start < self.end)
        return 1.0 if is_within else max(self._fit(start), self._fit(end - _INSTANT))

    def parts(self) -> Iterator[Window]:
        """Each period by itself."""
        yield self
        if self.also is not None:
            yield from self.also.parts()


def recency_factor(memory: Memory, now: datetime, half_lives: HalfLives) -> float:
    """From 1 for what was just confirmed down to 1 - RECENCY_SHARE; 1 for pinned memories.

    Exponential decay with the half-life of the memory's type.
    """
    if memory.pinned:
        return 1.0
    age = max(timedelta(), now - memory.recorded_at)
    return 1 - RECENCY_SHARE * (1 - 0.5 ** (age / half_lives[memory.type]))


def importance_factor(memory: Memory) -> float:
    """From 1 - IMPORTANCE_SHARE to 1 + IMPORTANCE_SHARE over importance 0 to 1; what was said
    again gains up to EVIDENCE_SHARE more, half of it the first time.
    """
    importance = 1.0 if memory.pinned else memory.importance
    confirmed = EVIDENCE_SHARE * (1 - 1 / max(1, memory.evidence))
    return 1 + IMPORTANCE_SHARE * (2 * importance - 1) + confirmed


def time_factor(memory: Memory, window: Window | None) -> float:
    """1 for what is of the time asked for, down to 1 - TIME_SHARE for what is far from it.

    It lifts and never hides: the time of a query is understood, not known.
    """
    return 1.0 if window is None else 1 - TIME_SHARE * (1 - time_fit(memory, window))


def time_fit(memory: Memory, window: Window) -> float:
    """How well a memory fits into a period, from 0 to 1.

    What tells when something happened is the time since when it holds, and the dates that
    the text or the metadata names. When it was written down tells as much only where nothing
    else does, and else a part of it.
    """
    told = [window.fit_of_days(days) for days in _days_told(memory)]
    if memory.valid_from != memory.created_at:
        told.append(window.fit(memory.valid_from))
    written = window.fit(memory.created_at)
    return max(*told, WRITTEN_SHARE * written) if told else written


def names_time(memory: Memory, window: Window) -> bool:
    """Whether the text or the metadata of a memory names a day of a period."""
    return any(window.fit_of_days(days) == 1 for days in _days_told(memory))


def _days_told(memory: Memory) -> list[Span]:
    texts = [v for v in memory.metadata.values() if isinstance(v, str) and len(v) <= _DATE_CHARS]
    return [days for text in (memory.content, *texts) for days in dates.in_text(text)]


def standing(memory: Memory, now: datetime, half_lives: HalfLives) -> float:
    """What a memory weighs without a query, in [0, 1]: half recency, half importance."""
    recency = (recency_factor(memory, now, half_lives) - (1 - RECENCY_SHARE)) / RECENCY_SHARE
    importance = 1.0 if memory.pinned else memory.importance
    return (recency + importance) / 2
