"""Relevance by words: BM25 of a statement, or of the best passage of a long one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mcp_memory.storage.contract import Corpus

if TYPE_CHECKING:
    from numpy.typing import NDArray

BM25_K1 = 0.8
BM25_B = 0.2
"""Lower than for documents (1.2, 0.75): a statement that says a word twice is seldom twice as
apt, and a longer one is not worse for it."""

PASSAGE_TERMS = 160
"""The longest passage that is weighed as a whole; of a longer text its best one counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TermCounts:
    """What some texts say of the asked terms.

    `counts`: how often each text says each term, shape (texts, terms). `lengths`: how many
    terms each has in all, shape (texts,).
    """

    counts: NDArray[np.float64]
    lengths: NDArray[np.float64]


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


def said(texts: Sequence[Sequence[str]], weights: dict[str, float]) -> TermCounts:
    """What each text, given as its terms, says of the asked ones."""
    places = {term: place for place, term in enumerate(weights)}
    counts = np.zeros((len(texts), len(places)))
    lengths = np.zeros(len(texts))
    for row, whole in enumerate(texts):
        terms = whole if len(whole) <= PASSAGE_TERMS else _best_passage(whole, weights)
        lengths[row] = len(terms)
        for term in places.keys() & terms:
            counts[row, places[term]] = terms.count(term)
    return TermCounts(counts=counts, lengths=lengths)


def bm25_share(said: TermCounts, weights: dict[str, float], corpus: Corpus) -> NDArray[np.float64]:
    """BM25 as a share of what a text of average length with every term once would get, cut at
    1: how much of what was asked each text speaks of, shape (texts,).
    """
    best = sum(weights.values())
    if not best:
        return np.zeros(len(said.lengths))
    length = BM25_K1 * (1 - BM25_B + BM25_B * said.lengths / _average(corpus))
    gains = said.counts * (BM25_K1 + 1) / (said.counts + length[:, None])
    return np.minimum(1.0, gains @ np.array(list(weights.values())) / best)


def _average(corpus: Corpus) -> float:
    """Terms of a memory on average: at least 1, and at most a passage's."""
    mean = corpus.terms / corpus.memories if corpus.memories else 1.0
    return min(float(PASSAGE_TERMS), max(1.0, mean))


def _best_passage(terms: Sequence[str], weights: dict[str, float]) -> Sequence[str]:
    """The stretch of PASSAGE_TERMS terms that says most of the weightiest asked ones.

    It may be taken to begin with an asked term.
    """
    hits = [(place, term) for place, term in enumerate(terms) if term in weights]
    best, begin, end = 0.0, 0, 0
    within = Counter[str]()
    for start, first in hits:
        while end < len(hits) and hits[end][0] < start + PASSAGE_TERMS:
            within[hits[end][1]] += 1
            end += 1
        worth = math.fsum(weights[term] for term in within)
        if worth > best:
            best, begin = worth, start
        within[first] -= 1
        if not within[first]:
            del within[first]
    return terms[begin : begin + PASSAGE_TERMS]
