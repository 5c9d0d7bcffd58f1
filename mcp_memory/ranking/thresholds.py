"""Where results end: whether anything answers at all, and where noise begins."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_memory.ranking.scored import Scored

CLEAR = 0.28
"""The relevance of a clear match. Of the questions on LoCoMo, 98 in 100 have a better one; of
questions about somebody else's conversations, 15 in 100."""
COSINE_LEAST = 0.28
"""The cosine at which a memory in wholly other words may still be meant: answers to indirect
questions ("Which herb can't she stand?") go down to it."""
TEXT_LEAST = 0.2
"""The least share of the words for a memory that has no vector to speak for it."""
NOISE = 0.15
"""The relevance that unrelated memories have by chance."""
TAIL_SHARE = 0.4
"""What scores less than this share of the best is no answer beside it."""


def clear(ranked: Sequence[Scored]) -> list[Scored]:
    """Those that clearly say something about the query."""
    return [item for item in ranked if item.relevance >= CLEAR]


def meant(ranked: Sequence[Scored]) -> list[Scored]:
    """Those that may, in other words."""
    return [item for item in ranked if _may_be_meant(item)]


def relevant(ranked: Sequence[Scored]) -> list[Scored]:
    """Those that are worth reading beside the best, a clear match."""
    least = TAIL_SHARE * max((item.score for item in ranked), default=0.0)
    return [item for item in ranked if item.score >= least and item.relevance >= NOISE]


def _may_be_meant(item: Scored) -> bool:
    similarity = item.candidate.similarity
    if similarity is None:
        return item.relevance >= TEXT_LEAST
    return similarity >= COSINE_LEAST or item.relevance >= CLEAR
