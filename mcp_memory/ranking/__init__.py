"""Ranking: pure functions from what a search proposes to what is worth reading."""

from mcp_memory.ranking.choice import Choice, choose
from mcp_memory.ranking.cutoff import clear
from mcp_memory.ranking.newest import contradict
from mcp_memory.ranking.order import Asked, rank
from mcp_memory.ranking.scored import Scored
from mcp_memory.ranking.standing import Window, standing

__all__ = [
    "Asked",
    "Choice",
    "Scored",
    "Window",
    "choose",
    "clear",
    "contradict",
    "rank",
    "standing",
]
