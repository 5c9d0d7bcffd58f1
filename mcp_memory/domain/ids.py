"""Identifiers: UUID version 7, which sort by time and say nothing about scope."""

from __future__ import annotations

import re
import secrets
import threading
import time
import uuid

_AROUND = r"[\s\"'`\u201c\u201d\u2018\u2019()<>{}\[\]#*~@\u2026\u00b7.,;:!|=_-]*+"
_NAMED = re.compile(
    rf"{_AROUND}(?:memory://memories/|urn:uuid:)?+"
    rf"(?:mem(?:ory)?)?+{_AROUND}(?:id|uuid)?+{_AROUND}"
    r"([0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|[0-9a-f]{8})"
    rf"(?:/history)?+{_AROUND}",
    re.IGNORECASE,
)
_NAMED_CHARS_MAX = 128
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


def bare(text: str) -> str:
    """The id, or the end of one, in a text that says nothing else; "" if there is none.

    Left out is what stands around it where people and models write it: brackets, quotes,
    dots for what was cut off, "id:", `memory://memories/`; a UUID gets its dashes.
    """
    found = _NAMED.fullmatch(text) if len(text) <= _NAMED_CHARS_MAX else None
    if found is None:
        return ""
    name = found[1].lower()
    return name if len(name) == ENDING_CHARS else str(uuid.UUID(name))
