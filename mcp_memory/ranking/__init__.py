"""Ranking: pure functions from what a search proposes to what is worth reading."""

from mcp_memory.ranking.order import RELEVANCE_FLOOR, Asked, Scored, collapse, rank, relevant
from mcp_memory.ranking.standing import standing

__all__ = ["RELEVANCE_FLOOR", "Asked", "Scored", "collapse", "rank", "relevant", "standing"]
