"""What is worth reading of all that was ranked, and why the rest is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mcp_memory.ranking.contradictions import newest_first, with_later
from mcp_memory.ranking.diversity import collapse, diversified
from mcp_memory.ranking.scored import Scored
from mcp_memory.ranking.thresholds import clear, meant, relevant

WEAK_MAX = 5
"""Where nothing is a clear match, so many that may be meant are shown, and no more."""

_FLOOR = "below the relevance floor"
_TWIN = "the same as a better one"
_WEAK = "only a weak match, and not among the best of them"
_OVER = "over the limit or the token budget"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The results, best first. `is_weak`: none of them is a clear match."""

    results: Sequence[Scored] = ()
    is_weak: bool = False
    dropped: Mapping[str, str] = field(default_factory=dict[str, str])

    def fate(self, memory_id: str) -> str:
        """Why a candidate was not returned."""
        return self.dropped.get(memory_id, _OVER)


def choose(ranked: Sequence[Scored], asked: Sequence[str], at: datetime) -> Choice:
    """Choose among all candidates, best first.

    `asked` are all terms of the query, `at` the moment whose truth is asked for.
    """
    is_clear = bool(clear(ranked))
    near = with_later(relevant(ranked) if is_clear else meant(ranked), ranked, at)
    # Before repeats fold, for the newest copy tells how new a statement is; and after.
    single = collapse(newest_first(near, asked, at))
    results = newest_first(diversified(single), asked, at)
    shown = results if is_clear else results[:WEAK_MAX]
    dropped = {
        **_told(ranked, near, _FLOOR),
        **_told(near, single, _TWIN),
        **_told(results, shown, _WEAK),
    }
    return Choice(results=shown, is_weak=bool(shown) and not is_clear, dropped=dropped)


def _told(before: Iterable[Scored], after: Iterable[Scored], why: str) -> dict[str, str]:
    left = {item.memory.id for item in after}
    return {item.memory.id: why for item in before if item.memory.id not in left}
