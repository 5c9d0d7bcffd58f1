"""The order of what a search proposes: relevance, times recency, times importance.

The factors are bounded, so that a fresh triviality never beats the answer. The same
candidates always give the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from mcp_memory.ranking.bm25 import bm25_share, said, term_weights
from mcp_memory.ranking.conversation import in_context, spots_of, with_threads
from mcp_memory.ranking.factors import (
    HalfLives,
    Window,
    importance_factor,
    recency_factor,
    time_factor,
)
from mcp_memory.ranking.scored import Scored
from mcp_memory.storage.contract import Candidate, Corpus

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT_WEIGHT = 0.6
"""Share of the text half where both halves can speak; the rest is the vector half's."""
TEXT_WEIGHT_EXACT = 0.8
"""The same when the query names something exactly: an identifier, a number, quoted words."""
TEXT_WEIGHT_LEAST = 0.3
"""The same when no memory has any of the words, so that only the meaning can tell."""
TEXT_ENOUGH = 0.4
"""The best text share from which the text half has its full weight."""
COSINE_FLOOR = 0.10
"""Cosine of texts that have nothing in common, for the bundled model's family."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RankingQuery:
    """What ranking knows of the query. `terms` are distinct.

    `exact` if it names something exactly; `window` if it names a time. Unless `in_context`,
    every memory is weighed by itself alone.
    """

    terms: tuple[str, ...]
    now: datetime
    half_lives: HalfLives
    window: Window | None = None
    exact: bool = False
    in_context: bool = True


def rank(candidates: Sequence[Candidate], corpus: Corpus, asked: RankingQuery) -> list[Scored]:
    """All candidates, best first; equal scores by newest, then by id."""
    if not candidates:
        return []
    weights = term_weights(asked.terms, corpus)
    texts = said([candidate.terms for candidate in candidates], weights)
    spots = spots_of([candidate.memory for candidate in candidates])
    if asked.in_context:
        texts = in_context(texts, spots)
    text = bm25_share(texts, weights, corpus)
    vector = cosine_shares(candidates)
    own = fuse(text, vector, asked)
    whole = with_threads(own, spots) if asked.in_context else own
    parts = zip(own.tolist(), whole.tolist(), text.tolist(), vector.tolist(), strict=True)
    scored = [_scored(c, *part, asked) for c, part in zip(candidates, parts, strict=True)]
    return sorted(scored, key=order_of)


def cosine_shares(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """The cosine of each to the query, moved so that unrelated texts get 0 and equal ones 1;
    NaN where there is none. Shape (candidates,).
    """
    cosines = np.array([c.similarity for c in candidates], dtype=np.float64)
    return np.clip((cosines - COSINE_FLOOR) / (1 - COSINE_FLOOR), 0.0, 1.0)


def fuse(
    text: NDArray[np.float64], vector: NDArray[np.float64], asked: RankingQuery
) -> NDArray[np.float64]:
    """One relevance from both halves: a weighted mean; one half alone speaks for itself.

    The weight follows the query: words that are said, and more so exact names, lean on the
    text; where hardly a word is found it was put in other words, and vectors decide.
    """
    if not asked.terms:
        return np.where(np.isnan(vector), text, vector)
    most = TEXT_WEIGHT_EXACT if asked.exact else TEXT_WEIGHT
    found = min(1.0, float(text.max()) / TEXT_ENOUGH)
    weight = TEXT_WEIGHT_LEAST + (most - TEXT_WEIGHT_LEAST) * found
    return np.where(np.isnan(vector), text, weight * text + (1 - weight) * vector)


def _scored(
    candidate: Candidate, own: float, whole: float, text: float, vector: float, asked: RankingQuery
) -> Scored:
    recency = recency_factor(candidate.memory, asked.now, asked.half_lives)
    importance = importance_factor(candidate.memory)
    time = time_factor(candidate.memory, asked.window)
    parts = {"text": text, "recency": recency, "importance": importance}
    if candidate.similarity is not None:
        parts["vector"] = vector
    if asked.window is not None:
        parts["time"] = time
    if whole != own:
        parts["conversation"] = whole
    return Scored(
        candidate=candidate,
        score=min(1.0, whole * recency * importance * time),
        relevance=own,
        parts=parts,
    )


def order_of(item: Scored) -> tuple[float, float, str]:
    """Sorts the best first, of equals the newest."""
    return (-round(item.score, 9), -item.memory.recorded_at.timestamp(), item.memory.id)
