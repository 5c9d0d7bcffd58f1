"""What a conversation adds: a turn means what was said around it, and where it was said.

"Yes, in May" answers nothing by itself. A memory that its source puts into a conversation is
weighed with the turns beside it, and gains when the rest of that conversation speaks of the
same. A memory that belongs to none is weighed by itself and loses nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from mcp_memory.domain.conversation import place_of
from mcp_memory.domain.memory import Memory, Partition
from mcp_memory.ranking.bm25 import TermCounts

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONTEXT = {-1: 0.5, -2: 0.15, 1: 0.2, 2: 0.1}
"""What a word counts that was said so many places before (below 0) or after.

The question stands before its answer, so most comes from the turn before. Fields of unequal
weight are added up before saturation, as in BM25F: Robertson, Zaragoza and Taylor, "Simple
BM25 Extension to Multiple Weighted Fields" (2004).
"""

THREAD_SHARE = 0.7
"""What the conversation counts beside the turn itself, which counts 1."""
THREAD_BEST = 2
"""A conversation is as relevant as its best so many turns are on average."""

ALONE = -1
Spot = tuple[int, int]
"""The number of a conversation, ALONE for none, and the position in it."""


def spots_of(memories: Sequence[Memory]) -> list[Spot]:
    """Where each was said. A conversation lies within one partition."""
    numbers: dict[tuple[Partition, str], int] = {}
    spots: list[Spot] = []
    for memory in memories:
        place = place_of(memory.source)
        number = ALONE
        if place.thread:
            number = numbers.setdefault((memory.partition, place.thread), len(numbers))
        spots.append((number, place.position))
    return spots


def in_context(own: TermCounts, spots: Sequence[Spot]) -> TermCounts:
    """Each text with what was said around it; a length is that of the weighted mean.

    Statements of one position count as one on average.
    """
    rows_at: dict[Spot, list[int]] = {}
    for row, spot in enumerate(spots):
        if spot[0] != ALONE:
            rows_at.setdefault(spot, []).append(row)
    if not rows_at:
        return own
    counts, lengths = own.counts.copy(), own.lengths.copy()
    weights = np.ones(len(spots))
    for offset, weight in CONTEXT.items():
        pairs = [
            (row, other, weight / len(near))
            for (number, position), rows in rows_at.items()
            if (near := rows_at.get((number, position + offset)))
            for row in rows
            for other in near
        ]
        if not pairs:
            continue
        rows, others, shares = (np.array(column) for column in zip(*pairs, strict=True))
        np.add.at(counts, rows, shares[:, None] * own.counts[others])
        np.add.at(lengths, rows, shares * own.lengths[others])
        np.add.at(weights, rows, shares)
    return TermCounts(counts=counts, lengths=lengths / weights)


def with_threads(relevances: NDArray[np.float64], spots: Sequence[Spot]) -> NDArray[np.float64]:
    """Each relevance, averaged with that of the conversation it belongs to."""
    threads: dict[int, list[float]] = {}
    for relevance, (number, _) in zip(relevances.tolist(), spots, strict=True):
        threads.setdefault(number, []).append(relevance)
    worth = {n: fmean(heapq.nlargest(THREAD_BEST, found)) for n, found in threads.items()}
    whole = [
        relevance
        if number == ALONE
        else (relevance + THREAD_SHARE * worth[number]) / (1 + THREAD_SHARE)
        for relevance, (number, _) in zip(relevances.tolist(), spots, strict=True)
    ]
    return np.array(whole)
