"""Identifiers: UUID version 7, which sort by time and say nothing about scope."""

from __future__ import annotations

import secrets
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A UUIDv7 (RFC 9562, method 3): 60 bits of time, then random bits; never repeats a time.

    The 12 bits after the millisecond hold its fraction, so that ids made by one process
    sort in the order in which they were made.
    """
    global _last
    with _lock:
        _last = max(_last + 1, time.time_ns() * 4096 // 1_000_000)
        ticks = _last
    milliseconds, fraction = divmod(ticks, 4096)
    value = (milliseconds << 80) | (7 << 76) | (fraction << 64)
    return str(uuid.UUID(int=value | (0b10 << 62) | secrets.randbits(62)))


ENDING_CHARS = 8
"""How much of its end names an id in a text: 32 random bits, a third of a UUID's tokens."""


def ending(memory_id: str) -> str:
    """The end of an id, by which a text names it."""
    return memory_id[-ENDING_CHARS:]


def is_ending(text: str) -> bool:
    """Whether a text can be the end of an id."""
    return len(text) == ENDING_CHARS and all(c in "0123456789abcdef" for c in text)
