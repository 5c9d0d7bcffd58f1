"""What a query asks: its words, the text to embed, the time it names, whether it is exact."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from mcp_memory.domain.dates import without_figures
from mcp_memory.domain.text import query_terms, terms
from mcp_memory.ranking import Window
from mcp_memory.service.periods.mentions import timed

LONG_WORDS = 64
"""A longer query has a page pasted into it; what it asks stands at one of its ends."""
_LONG_CHARS = 600
_END_WORDS = 40
_END_CHARS = 240
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])|\n+")
_QUESTION_MARKS = ("?", "\uff1f", "\u061f", "\u037e")
_EXACT_CHARS_MAX = 80
_QUOTED = re.compile(r"\"[^\"\n]+\"|`[^`\n]+`")
# snake_case; src/app.py, a@b.c; --flag; CVE-2026-1, v2.3, 3fa9; long numbers.
_EXACT = re.compile(
    r"[^\W_]_\w|\w+[./:@\\]\w+|--\w+|[a-z]+-?\d[\w.-]*"
    r"|\d+(?!st\b|nd\b|rd\b|th\b)[a-z]\w*|\b(?!(?:19|20)\d\d\b)\d{3,}\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A query as it is searched for.

    `text` is what is embedded, `words` all its terms, `terms` the distinct ones to find, at
    most 64; `window` the period it names, if any; `is_exact`: whether it names something by
    identifier or in quotes; `is_bare`: whether it asks about nothing but the period; `note`
    how a date in it was read that may mean two days.
    """

    text: str
    words: tuple[str, ...]
    terms: tuple[str, ...]
    window: Window | None
    is_exact: bool
    is_bare: bool
    note: str


def question_of(query: str, now: datetime) -> Question:
    """Read a query; `now` is in the time zone of who asks."""
    asked = timed(_focus(query), now)
    return Question(
        text=asked.text,
        words=tuple(terms(asked.words)),
        terms=tuple(query_terms(asked.words)),
        window=asked.window,
        is_exact=_is_exact(without_figures(asked.rest)),
        is_bare=asked.is_bare,
        note=asked.note,
    )


def _is_exact(text: str) -> bool:
    """Whether a text names something exactly. No name is endless, so no search for one is."""
    quoted = _QUOTED.search(text[:_LONG_CHARS]) is not None
    return quoted or any(_EXACT.search(word[:_EXACT_CHARS_MAX]) for word in text.split())


def _focus(query: str) -> str:
    """The question in a query with a pasted page; a query of ordinary length as it is.

    The question at one of the ends: of the first two sentences and the last three, those that
    end with a question mark, the very last and the very first before the others; without one,
    the first and the last sentence.
    """
    if len(query) <= _LONG_CHARS and len(query.split(maxsplit=LONG_WORDS)) <= LONG_WORDS:
        return query
    sentences = [s.strip() for s in _SENTENCE.split(query) if s.strip()]
    first, last = sentences[:2], sentences[2:][-3:]
    asked = [s for s in (*first, *last) if s.endswith(_QUESTION_MARKS)]
    if asked and sentences[-1] not in asked and sentences[0] in asked:
        chosen = [sentences[0]]
    elif asked:
        chosen = list(dict.fromkeys([asked[0], asked[-1]]))
    else:
        chosen = list(dict.fromkeys([sentences[0], sentences[-1]]))
    return " ".join(" ".join(s.split()[-_END_WORDS:])[-_END_CHARS:] for s in chosen)
