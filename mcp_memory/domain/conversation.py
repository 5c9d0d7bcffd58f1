"""Where in a conversation a memory was said, as its source tells: "slack/general#17"."""

from __future__ import annotations

import re
from typing import NamedTuple

CONTEXT_TURNS = 2
"""How many places before and after a memory belong to its context."""

_PLACED = re.compile(r"(?P<thread>.*\S)\s*#(?P<position>\d{1,15})", re.DOTALL)


class Place(NamedTuple):
    """A conversation, and which statement in it, counted by whoever tells of it."""

    thread: str
    position: int


NOWHERE = Place("", 0)
"""The place of a memory that belongs to no conversation."""


def place_of(source: str) -> Place:
    """The place that a source names as `thread#position`; NOWHERE for any other source."""
    found = _PLACED.fullmatch(source) if "#" in source else None
    return Place(found["thread"], int(found["position"])) if found else NOWHERE
