"""What the index has not taken in yet: what a read leaves out of its answer, and says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from mcp_memory.domain.memory import Memory
from mcp_memory.storage.contract import SearchResult

_MORE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """Which memories an index that is at change `number` shows as they no longer are.

    `last` is the last change about each memory that any is missing of, `newest` the newest
    of all. Without any the index is in step, or a write is on its way that nobody knows of.
    """

    last: Mapping[str, int] = field(default_factory=dict[str, int])
    newest: int = 0
    number: int = 0

    def at(self, number: int) -> Lag:
        """The same for somebody who sees the index at change `number`."""
        return replace(self, number=number)

    @property
    def note(self) -> str:
        """How far the index is, in words; "" when it is in step."""
        if self.number >= self.newest:
            return ""
        return (
            f"the index has taken in {self.number:,} of {self.newest:,} changes;"
            " what the others are about is left out"
        )

    def hides(self, memory_id: str) -> bool:
        """Whether a memory has changed since."""
        return self.last.get(memory_id, 0) > self.number

    def shown(self, find: Callable[[int], list[Memory]], limit: int) -> list[Memory]:
        """The first `limit` of what `find` finds that have not changed since."""
        asked = limit
        while True:
            found = find(asked)
            kept = [memory for memory in found if not self.hides(memory.id)]
            if len(kept) >= limit or len(found) < asked:
                return kept[:limit]
            asked *= _MORE

    def without(self, found: SearchResult) -> SearchResult:
        """A proposal without what has changed since, and a note that says so."""
        if not self.note:
            return found
        kept = tuple(c for c in found.candidates if not self.hides(c.memory.id))
        return replace(found, candidates=kept, notes=(*found.notes, self.note))


IN_STEP = Lag()
