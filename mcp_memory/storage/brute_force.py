"""Searching by looking at every row: what the in-memory store keeps, and how it is compared."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_memory.domain.memory import Memory
from mcp_memory.storage.contract import Candidate, Corpus
from mcp_memory.storage.filtering import best_window, text_score

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Vector, Windows


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One revision, the number of the change that made it, and what a search needs."""

    memory: Memory
    change: int
    terms: tuple[str, ...]
    windows: Windows | None


def text_scorer(asked: Sequence[str], corpus: Corpus) -> Callable[[Row], float | None]:
    """What scores a row by the asked terms; None stands for no match at all, unlike 0.0."""
    return lambda row: text_score(asked, Counter(row.terms), corpus) or None


def vector_scorer(vector: Vector | None) -> Callable[[Row], float | None]:
    """What scores a row by the nearest of its windows."""
    return lambda row: best_window(row.windows, vector)[0]


def top(rows: Sequence[Row], score: Callable[[Row], float | None], limit: int) -> list[Row]:
    """The best rows of those that match."""
    scored = [(value, row.memory.id, row) for row in rows if (value := score(row)) is not None]
    return [row for *_, row in heapq.nlargest(limit, scored, key=lambda found: found[:2])]


def candidate(row: Row, vector: Vector | None) -> Candidate:
    """A row as a search proposes it."""
    similarity, window = best_window(row.windows, vector)
    return Candidate(memory=row.memory, terms=row.terms, similarity=similarity, vector=window)
