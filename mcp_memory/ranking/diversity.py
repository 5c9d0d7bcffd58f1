"""Diversity: nothing twice, and what adds something before what repeats it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mcp_memory.likeness import same_statement
from mcp_memory.model import Memory
from mcp_memory.ranking.scored import Scored

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMPARED_MAX = 30
NEAR_IDENTICAL = 0.93
"""The cosine from which two statements may be one; their words decide whether they are."""
MMR_FROM = 0.8
"""The cosine up to which two statements merely share a subject, and neither loses anything."""
MMR_SHARE = 0.15
"""What share of its score a result loses that is as close to a better one as can be."""


def collapse(ranked: Sequence[Scored]) -> list[Scored]:
    """Fold results that say the same under the same key into the better one, counting them.

    Vectors alone decide nothing: they do not tell 3 May from 4 May.
    """
    near: dict[int, list[int]] = {}
    alike = np.triu(_cosines(ranked[:COMPARED_MAX]) >= NEAR_IDENTICAL, 1)
    for better, place in np.argwhere(alike).tolist():
        near.setdefault(place, []).append(better)
    copies: dict[int, int] = {}
    said: dict[str, int] = {}
    for place, item in enumerate(ranked):
        twin = said.get(item.memory.fingerprint)
        if twin is None:
            others = (k for k in near.get(place, ()) if k in copies)
            twin = next((k for k in others if _says_the_same(item.memory, ranked[k].memory)), place)
        said[item.memory.fingerprint] = twin
        copies[twin] = copies.get(twin, -1) + 1
    return [
        replace(ranked[place], copies=count) if count else ranked[place]
        for place, count in copies.items()
    ]


def diversified(ranked: Sequence[Scored]) -> list[Scored]:
    """The same results, by maximal marginal relevance: each next one is the best after what
    it repeats of those before it has been taken off.

    Carbonell and Goldstein, "The Use of MMR" (1998), with a product for their difference.
    Scores stay as they are.
    """
    head = list(ranked[:COMPARED_MAX])
    repeats = np.clip((_cosines(head) - MMR_FROM) / (1 - MMR_FROM), 0.0, 1.0)
    if not np.triu(repeats, 1).any():
        return list(ranked)
    scores = np.array([item.score for item in head])
    most = np.zeros(len(head))
    order: list[int] = []
    for _ in head:
        worth = scores * (1 - MMR_SHARE * most)
        worth[order] = -1.0
        order.append(int(worth.argmax()))
        most = np.maximum(most, repeats[order[-1]])
    return [*(head[place] for place in order), *ranked[COMPARED_MAX:]]


def _cosines(items: Sequence[Scored]) -> NDArray[np.float64]:
    """Of each with each, by their windows that lie nearest to the query; 0 without vectors."""
    vectors = [item.candidate.vector for item in items]
    known = next((vector for vector in vectors if vector is not None), None)
    if known is None:
        return np.zeros((len(items), len(items)))
    matrix = np.stack([np.zeros_like(known) if v is None else v for v in vectors])
    return (matrix @ matrix.T).astype(np.float64)


def _says_the_same(one: Memory, other: Memory) -> bool:
    return one.key == other.key and same_statement(one.content, other.content)
