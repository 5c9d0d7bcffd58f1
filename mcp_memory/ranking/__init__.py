"""Ranking: pure functions from what a search proposes to what is worth reading."""

from mcp_memory.ranking.newest import contradict, newest_first
from mcp_memory.ranking.order import RELEVANCE_FLOOR, Asked, collapse, rank, relevant
from mcp_memory.ranking.scored import Scored
from mcp_memory.ranking.standing import standing

__all__ = [
    "RELEVANCE_FLOOR",
    "Asked",
    "Scored",
    "collapse",
    "contradict",
    "newest_first",
    "rank",
    "relevant",
    "standing",
]
