"""Ranking: pure functions from what a search proposes to what is worth reading.

A score is a relevance in [0, 1] times bounded factors for recency and importance, so that
a fresh triviality never beats the answer. The same candidates always give the same order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mcp_memory.model import Memory, Type
from mcp_memory.storage.contract import Candidate, Corpus

BM25_K1 = 1.2
BM25_B = 0.75
TEXT_WEIGHT = 0.55
"""Share of the text half where both halves can speak; the rest is the vector half's."""
COSINE_FLOOR = 0.10
"""Cosine of texts that have nothing in common, for the bundled model's family."""
RELEVANCE_FLOOR = 0.18
"""Below it a memory has nothing to say about the query; recall abstains rather than pad."""
RECENCY_SHARE = 0.15
IMPORTANCE_SHARE = 0.15


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What ranking knows of the query. `terms` are distinct."""

    terms: tuple[str, ...]
    now: datetime
    half_lives: Mapping[Type, timedelta]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A candidate with its score and the named parts that make it up."""

    candidate: Candidate
    score: float
    relevance: float
    parts: Mapping[str, float]
    copies: int = 0

    @property
    def memory(self) -> Memory:
        """The candidate's memory."""
        return self.candidate.memory


def rank(candidates: Sequence[Candidate], corpus: Corpus, asked: Asked) -> list[Scored]:
    """All candidates, best first; equal scores by newest, then by id."""
    weights = term_weights(asked.terms, corpus)
    scored = [score(candidate, weights, corpus, asked) for candidate in candidates]
    return sorted(scored, key=_order)


def score(
    candidate: Candidate, weights: Mapping[str, float], corpus: Corpus, asked: Asked
) -> Scored:
    """One candidate's score: relevance, times recency, times importance."""
    memory = candidate.memory
    text = bm25_share(candidate.terms, weights, corpus)
    vector = cosine_share(candidate.similarity)
    relevance = fuse(text, vector, has_terms=bool(weights))
    recency = recency_factor(memory, asked.now, asked.half_lives)
    importance = importance_factor(memory)
    parts = {"text": text, "recency": recency, "importance": importance}
    if vector is not None:
        parts["vector"] = vector
    return Scored(
        candidate=candidate,
        score=min(1.0, relevance * recency * importance),
        relevance=relevance,
        parts=parts,
    )


def term_weights(terms: Sequence[str], corpus: Corpus) -> dict[str, float]:
    """The inverse document frequency of each term: ln(1 + (N - n + 0.5) / (n + 0.5)).

    Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond"
    (2009), with the 1 added inside the logarithm so that no weight is negative. A term
    never seen counts as seen once: what a small store lacks must not drown what it has.
    """
    count = corpus.memories
    weights: dict[str, float] = {}
    for term in terms:
        seen = min(max(1, corpus.frequencies.get(term, 0)), count)
        weights[term] = math.log(1 + (count - seen + 0.5) / (seen + 0.5))
    return weights


def bm25_share(terms: Sequence[str], weights: Mapping[str, float], corpus: Corpus) -> float:
    """BM25 (k1 = 1.2, b = 0.75) as a share of what a text of average length with every
    term once would get, cut at 1: how much of what was asked the text speaks of.
    """
    best = sum(weights.values())
    if not best:
        return 0.0
    average = max(1.0, corpus.terms / corpus.memories) if corpus.memories else 1.0
    length = BM25_K1 * (1 - BM25_B + BM25_B * len(terms) / average)
    total = 0.0
    for term, weight in weights.items():
        if count := terms.count(term):  # faster than counting all terms: a query has few
            total += weight * count * (BM25_K1 + 1) / (count + length)
    return min(1.0, total / best)


def cosine_share(similarity: float | None) -> float | None:
    """A cosine, moved so that unrelated texts get 0 and equal ones 1; None stays None."""
    if similarity is None:
        return None
    return min(1.0, max(0.0, (similarity - COSINE_FLOOR) / (1 - COSINE_FLOOR)))


def fuse(text: float, vector: float | None, *, has_terms: bool) -> float:
    """One relevance from both halves: a weighted mean; one half alone speaks for itself."""
    if vector is None:
        return text
    if not has_terms:
        return vector
    return TEXT_WEIGHT * text + (1 - TEXT_WEIGHT) * vector


def recency_factor(memory: Memory, now: datetime, half_lives: Mapping[Type, timedelta]) -> float:
    """From 1 for what was just confirmed down to 1 - RECENCY_SHARE; 1 for pinned memories.

    Exponential decay with the half-life of the memory's type.
    """
    if memory.pinned:
        return 1.0
    age = max(timedelta(), now - memory.recorded_at)
    return 1 - RECENCY_SHARE * (1 - 0.5 ** (age / half_lives[memory.type]))


def importance_factor(memory: Memory) -> float:
    """From 1 - IMPORTANCE_SHARE to 1 + IMPORTANCE_SHARE over importance 0 to 1."""
    importance = 1.0 if memory.pinned else memory.importance
    return 1 + IMPORTANCE_SHARE * (2 * importance - 1)


def standing(memory: Memory, now: datetime, half_lives: Mapping[Type, timedelta]) -> float:
    """What a memory weighs without a query, in [0, 1]: half recency, half importance."""
    recency = (recency_factor(memory, now, half_lives) - (1 - RECENCY_SHARE)) / RECENCY_SHARE
    importance = 1.0 if memory.pinned else memory.importance
    return (recency + importance) / 2


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


def _order(item: Scored) -> tuple[float, float, str]:
    return (-round(item.score, 9), -item.memory.recorded_at.timestamp(), item.memory.id)
