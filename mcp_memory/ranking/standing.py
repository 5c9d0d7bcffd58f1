"""What a memory weighs by itself: bounded factors for its age and its importance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mcp_memory.model import Memory, Type

RECENCY_SHARE = 0.15
IMPORTANCE_SHARE = 0.15
EVIDENCE_SHARE = 0.05

TIME_SHARE = 0.5
"""What share of its score a memory loses that is far from the time that was asked for."""
_DAY = timedelta(days=1)

HalfLives = Mapping[Type, timedelta]


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A period that was asked about; None is open. `end` is exclusive."""

    start: datetime | None
    end: datetime | None

    def fit(self, moment: datetime) -> float:
        """1 within, halved with every length of the window outside, at least a day each."""
        before = self.start - moment if self.start else timedelta()
        after = moment - self.end if self.end else timedelta()
        away = max(timedelta(), before, after)
        length = self.end - self.start if self.start and self.end else _DAY
        return 0.5 ** (away / max(length, _DAY))


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
    """1 for what holds since, or was recorded in, the time asked for, down to 1 - TIME_SHARE.

    It lifts and never hides: the time of a query is understood, not known.
    """
    if window is None:
        return 1.0
    fit = max(window.fit(memory.valid_from), window.fit(memory.created_at))
    return 1 - TIME_SHARE * (1 - fit)


def standing(memory: Memory, now: datetime, half_lives: HalfLives) -> float:
    """What a memory weighs without a query, in [0, 1]: half recency, half importance."""
    recency = (recency_factor(memory, now, half_lives) - (1 - RECENCY_SHARE)) / RECENCY_SHARE
    importance = 1.0 if memory.pinned else memory.importance
    return (recency + importance) / 2
