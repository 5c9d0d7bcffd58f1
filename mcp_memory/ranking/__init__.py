"""Ranking: pure functions from what a search proposes to what is worth reading."""

from mcp_memory.ranking.contradictions import contradict, may_conflict
from mcp_memory.ranking.factors import Window, names_time, standing, time_fit
from mcp_memory.ranking.rerank import LOOKED_AT, looked_at_again
from mcp_memory.ranking.score import RankingQuery, rank
from mcp_memory.ranking.scored import Scored
from mcp_memory.ranking.selection import Choice, choose
from mcp_memory.ranking.supersession import tells
from mcp_memory.ranking.thresholds import clear

__all__ = [
    "LOOKED_AT",
    "Choice",
    "RankingQuery",
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
