"""How much a JSON text holds, told from its signs alone, before anything is made of it."""

from __future__ import annotations

import re
from itertools import accumulate

VALUES_MAX = 20_000
"""Values in one message, by its commas and brackets: walking them keeps everybody waiting."""

_APART = re.compile(r'"(?:[^"\\]|\\.)*+"?|[^"\[\]{},]+', re.DOTALL)
"""A string, whole or without its end so that each character is looked at once, or other text."""
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1, ",": 0}


def holds_too_much(text: str) -> bool:
    """Whether a JSON text holds more than 20,000 values, by its commas and brackets."""
    # Those within strings included there are no more, and that is counted quickly.
    return _values(text) > VALUES_MAX and _values(_APART.sub("", text)) > VALUES_MAX


def depth(text: str) -> int:
    """How deep brackets are nested, those within strings left out."""
    return max(accumulate(map(_STEP.__getitem__, _APART.sub("", text))), default=0)


def _values(signs: str) -> int:
    return signs.count(",") + signs.count("[") + signs.count("{")
