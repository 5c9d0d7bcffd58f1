"""What a cross-encoder changes: the best results anew, by half of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mcp_memory.ranking.score import order_of
from mcp_memory.ranking.scored import Scored

LOOKED_AT = 20
RERANK_SHARE = 0.5
"""The reranker's share of relevance and score. It has read the text but knows neither the
conversation nor the time it belongs to."""


def looked_at_again(ranked: Sequence[Scored], answers: Sequence[float]) -> list[Scored]:
    """All results, best first. `answers` are in (0, 1), for the first of `ranked`; the others
    count as if they answered nothing, and stay behind.
    """
    scored = [
        _again(item, answers[n] if n < len(answers) else 0.0) for n, item in enumerate(ranked)
    ]
    return sorted(scored, key=order_of)


def _again(item: Scored, answer: float) -> Scored:
    own = 1 - RERANK_SHARE
    factors = (
        item.score / whole if (whole := item.parts.get("conversation", item.relevance)) else 1.0
    )
    return replace(
        item,
        score=min(1.0, own * item.score + RERANK_SHARE * answer * min(1.0, factors)),
        relevance=own * item.relevance + RERANK_SHARE * answer,
        parts={**item.parts, "rerank": answer},
    )
