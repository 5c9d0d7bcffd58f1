"""How many tokens a text takes of a model's budget, never less than it will be.

The pieces of the bundled model are nearly as many as the tokens of a chat model. They are fewer
where that model does not look: at spaces, capitals, signs, and at scripts that it does not know.
So much is added there that the sum is not below o200k, the vocabulary of recent chat models; a
data file of the tests has its counts of texts of many kinds.
"""

from __future__ import annotations

import re
from collections.abc import Callable

CountTokens = Callable[[str], int]

_SPACES = re.compile(r"[^\S ]+|  +| (?=\d)")
_CAPITALS = re.compile(r"[A-Z]{4}")
_MARKS = re.compile("[\u02b0-\u036f]")
_SIGNS = re.compile(
    "[\u0080-\u00bf\u00d7\u00f7\u2000-\u2bff\u2e00-\u2e7f\u3000-\u303f\ufb00-\uffef]"
)
# Armenian, Syriac to Arabic extended, Lao to Myanmar, jamo to Greek extended, and so on.
_RARE = re.compile(
    "[\u0530-\u058f\u0700-\u08ff\u0e80-\u109f\u1100-\u1fff\u2c00-\u2dff\u3100-\u4dff\ua000-\uabff"
    "\ud7b0-\ud7ff\ue000-\ufaff\U00010000-\U0010ffff]"
)
_ENDS = 2


def at_most(count_pieces: CountTokens) -> CountTokens:
    """Counts the tokens of a text, at the most, by what counts its pieces."""

    def count(text: str) -> int:
        return count_pieces(text) + _unseen(text) if text else 0

    return count


def surely_within(text: str) -> int:
    """Tokens that a text does not exceed, told without its pieces: each has a byte or more."""
    return len(text.encode()) + _unseen(text)


def _unseen(text: str) -> int:
    found = _ENDS + len(_SPACES.findall(text)) + len(_CAPITALS.findall(text))
    if text.isascii():
        return found
    doubled = len(_MARKS.findall(text)) + len(_RARE.findall(text))
    return found + len(_SIGNS.findall(text)) + 2 * doubled
