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
