"""What a query asks: its words, the text to embed, the time it names, whether it is exact."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from mcp_memory.ranking import Window
from mcp_memory.service.moments import timed
from mcp_memory.text import query_terms

LONG_WORDS = 64
"""A longer query has a page pasted into it; what it asks stands at one of its ends."""
_END_WORDS = 40
_SENTENCE = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n+")
_QUESTION_MARKS = ("?", "\uff1f", "\u061f", "\u037e")
# Quoted words; snake_case; src/app.py, a@b.c; --flag; CVE-2026-1, v2.3, 3fa9; long numbers.
_EXACT = re.compile(
    r"\"[^\"\n]+\"|`[^`\n]+`|\w*[^\W_]_\w+|\w+[./:@\\]\w+|--\w+|[a-z]+-?\d[\w.-]*"
    r"|\d+(?!st\b|nd\b|rd\b|th\b)[a-z]\w*|\b(?!(?:19|20)\d\d\b)\d{3,}\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A query as it is searched for.

    `text` is what is embedded, `terms` the distinct words to find, at most 64; `window` the
    period it names, if any; `is_exact`: whether it names something by identifier or in quotes.
    """

    text: str
    terms: tuple[str, ...]
    window: Window | None
    is_exact: bool


def question_of(query: str, now: datetime) -> Question:
    """Read a query."""
    asked = timed(_focus(query), now)
    return Question(
        text=asked.text,
        terms=tuple(query_terms(asked.words)),
        window=asked.window,
        is_exact=_EXACT.search(asked.text) is not None,
    )


def _focus(query: str) -> str:
    """The question in a query with a pasted page; a query of ordinary length as it is.

    Questions among the first two and last three sentences; without one, the sentences at
    both ends.
    """
    if len(query.split(maxsplit=LONG_WORDS)) <= LONG_WORDS:
        return query
    sentences = [s for s in _SENTENCE.split(query) if s.strip()]
    ends = [*sentences[:2], *sentences[2:][-3:]]
    asked = [s for s in ends if s.rstrip().endswith(_QUESTION_MARKS)]
    chosen = asked[-2:] or [sentences[0], sentences[-1]]
    return " ".join(dict.fromkeys(" ".join(s.split()[-_END_WORDS:]) for s in chosen))
