"""A result on its way: a candidate, its score, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcp_memory.domain.memory import Memory
from mcp_memory.storage.contract import Candidate


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A candidate with its score and the named parts that make it up.

    `relevance` is its own, in [0, 1]; the score counts its conversation as well.
    `outdated_by` is the id of a newer result that says something else of the same.
    """

    candidate: Candidate
    score: float
    relevance: float
    parts: Mapping[str, float]
    copies: int = 0
    outdated_by: str = ""

    @property
    def memory(self) -> Memory:
        """The candidate's memory."""
        return self.candidate.memory
