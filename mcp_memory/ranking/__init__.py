"""Ranking: pure functions from what a search proposes to what is worth reading."""

from mcp_memory.ranking.choice import Choice, choose
from mcp_memory.ranking.clash import tells
from mcp_memory.ranking.cutoff import clear
from mcp_memory.ranking.newest import contradict, may_conflict
from mcp_memory.ranking.order import Asked, rank
from mcp_memory.ranking.scored import Scored
from mcp_memory.ranking.second_look import LOOKED_AT, looked_at_again
from mcp_memory.ranking.standing import Window, names_time, standing, time_fit

__all__ = [
    "LOOKED_AT",
    "Asked",
    "Choice",
    "Scored",
    "Window",
    "choose",
    "clear",
    "contradict",
    "looked_at_again",
    "may_conflict",
    "names_time",
    "rank",
    "standing",
    "tells",
    "time_fit",
]
