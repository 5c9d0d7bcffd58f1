"""The order of what a search proposes: relevance, times recency, times importance.

The factors are bounded, so that a fresh triviality never beats the answer. The same
candidates always give the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from mcp_memory.ranking.conversation import in_context, spots_of, with_threads
from mcp_memory.ranking.scored import Scored
from mcp_memory.ranking.standing import HalfLives, importance_factor, recency_factor
from mcp_memory.ranking.words import bm25_share, said, term_weights
from mcp_memory.storage.contract import Candidate, Corpus

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT_WEIGHT = 0.6
"""Share of the text half where both halves can speak; the rest is the vector half's."""
COSINE_FLOOR = 0.10
"""Cosine of texts that have nothing in common, for the bundled model's family."""
RELEVANCE_FLOOR = 0.18
"""Below it a memory has nothing to say about the query; recall abstains rather than pad."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What ranking knows of the query. `terms` are distinct.

    Unless `in_context`, every memory is weighed by itself alone.
    """

    terms: tuple[str, ...]
    now: datetime
    half_lives: HalfLives
    in_context: bool = True


def rank(candidates: Sequence[Candidate], corpus: Corpus, asked: Asked) -> list[Scored]:
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
    own = fuse(text, vector, has_terms=bool(weights))
    whole = with_threads(own, spots) if asked.in_context else own
    parts = zip(own.tolist(), whole.tolist(), text.tolist(), vector.tolist(), strict=True)
    scored = [_scored(c, *part, asked) for c, part in zip(candidates, parts, strict=True)]
    return sorted(scored, key=_order)


def cosine_shares(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """The cosine of each to the query, moved so that unrelated texts get 0 and equal ones 1;
    NaN where there is none. Shape (candidates,).
    """
    cosines = np.array([c.similarity for c in candidates], dtype=np.float64)
    return np.clip((cosines - COSINE_FLOOR) / (1 - COSINE_FLOOR), 0.0, 1.0)


def fuse(
    text: NDArray[np.float64], vector: NDArray[np.float64], *, has_terms: bool
) -> NDArray[np.float64]:
    """One relevance from both halves: a weighted mean; one half alone speaks for itself."""
    both = TEXT_WEIGHT * text + (1 - TEXT_WEIGHT) * vector if has_terms else vector
    return np.where(np.isnan(vector), text, both)


def relevant(scored: Sequence[Scored]) -> list[Scored]:
    """Those that say something about the query."""
    return [item for item in scored if item.relevance >= RELEVANCE_FLOOR]


def collapse(scored: Sequence[Scored]) -> list[Scored]:
    """Fold results that say the same under the same key into the better one, counting them.

    Vectors play no part in it: they do not tell 3 May from 4 May.
    """
    kept: dict[str, Scored] = {}
    for item in scored:
        first = kept.setdefault(item.memory.fingerprint, item)
        if first is not item:
            kept[item.memory.fingerprint] = replace(first, copies=first.copies + 1)
    return list(kept.values())


def _scored(
    candidate: Candidate, own: float, whole: float, text: float, vector: float, asked: Asked
) -> Scored:
    recency = recency_factor(candidate.memory, asked.now, asked.half_lives)
    importance = importance_factor(candidate.memory)
    parts = {"text": text, "recency": recency, "importance": importance}
    if candidate.similarity is not None:
        parts["vector"] = vector
    if whole != own:
        parts["conversation"] = whole
    return Scored(
        candidate=candidate,
        score=min(1.0, whole * recency * importance),
        relevance=own,
        parts=parts,
    )


def _order(item: Scored) -> tuple[float, float, str]:
    return (-round(item.score, 9), -item.memory.recorded_at.timestamp(), item.memory.id)
