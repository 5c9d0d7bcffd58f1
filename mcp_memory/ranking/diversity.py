"""Diversity: nothing twice, and what adds something before what repeats it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mcp_memory.ranking.scored import Scored

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMPARED_MAX = 30
MMR_FROM = 0.8
"""The cosine up to which two statements merely share a subject, and neither loses anything."""
MMR_SHARE = 0.15
"""What share of its score a result loses that is as close to a better one as can be."""


def collapse(ranked: Sequence[Scored]) -> list[Scored]:
    """Fold results that say the same under the same key into the better one, counting them.

    Vectors decide nothing: they do not tell 3 May from 4 May.
    """
    copies: dict[str, int] = {}
    better: dict[str, Scored] = {}
    for item in ranked:
        said = item.memory.fingerprint
        better.setdefault(said, item)
        copies[said] = copies.get(said, -1) + 1
    return [
        replace(item, copies=copies[said]) if copies[said] else item
        for said, item in better.items()
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
