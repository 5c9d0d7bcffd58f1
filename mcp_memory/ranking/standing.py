"""What a memory weighs by itself: bounded factors for its age and its importance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from mcp_memory.model import Memory, Type

RECENCY_SHARE = 0.15
IMPORTANCE_SHARE = 0.15

HalfLives = Mapping[Type, timedelta]


def recency_factor(memory: Memory, now: datetime, half_lives: HalfLives) -> float:
    """From 1 for what was just confirmed down to 1 - RECENCY_SHARE; 1 for pinned memories.

    Exponential decay with the half-life of the memory's type.
    """
    if memory.pinned:
        return 1.0
    age = max(timedelta(), now - memory.recorded_at)
    return 1 - RECENCY_SHARE * (1 - 0.5 ** (age / half_lives[memory.type]))


def importance_factor(memory: Memory) -> float:
    """From 1 - IMPORTANCE_SHARE to 1 + IMPORTANCE_SHARE over importance 0 to 1."""
    importance = 1.0 if memory.pinned else memory.importance
    return 1 + IMPORTANCE_SHARE * (2 * importance - 1)


def standing(memory: Memory, now: datetime, half_lives: HalfLives) -> float:
    """What a memory weighs without a query, in [0, 1]: half recency, half importance."""
    recency = (recency_factor(memory, now, half_lives) - (1 - RECENCY_SHARE)) / RECENCY_SHARE
    importance = 1.0 if memory.pinned else memory.importance
    return (recency + importance) / 2
