"""What is recalled where nothing in particular is looked for: the newest and weightiest, of
all times or of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from mcp_memory import ranking
from mcp_memory.domain.memory import Memory
from mcp_memory.domain.text import query_terms
from mcp_memory.ranking import Window
from mcp_memory.service.core import Core
from mcp_memory.storage.contract import Filter, Order

LISTED_MAX = 100
_SPELT_OUT_DAYS = 7
"""Of a longer period the months are looked for in texts, not the days."""


def by_standing(core: Core, where: Filter) -> list[Memory]:
    """The newest and the weightiest, those that are more of both first."""
    return _sorted(core, where, _selected(core, where))


def of_the_time(core: Core, where: Filter, window: Window) -> list[Memory]:
    """The same of a period: what names a day of it, or holds since then.

    What was only written down then, and says itself that it is of another time, comes last.
    """
    found: list[Memory] = []
    for part in window.parts():
        began = replace(where, begins_since=part.start, begins_until=part.end)
        found += _selected(core, began)
        found += _naming(core, where, part)
    found = _sorted(core, where, found)
    return sorted(found, key=lambda memory: -ranking.time_fit(memory, window))


def _selected(core: Core, where: Filter) -> Iterator[Memory]:
    yield from core.store.select(where, order=Order.NEWEST, limit=LISTED_MAX)
    yield from core.store.select(where, order=Order.IMPORTANT, limit=LISTED_MAX)


def _naming(core: Core, where: Filter, window: Window) -> list[Memory]:
    """What names a day or a month of a period, as far as its words can be looked for."""
    if window.start is None or window.end is None:
        return []
    terms = tuple(query_terms(" ".join(_spellings(window))))
    found = core.store.propose(where, terms=terms, vector=None, limit=LISTED_MAX, reach=0)
    memories = [candidate.memory for candidate in found.candidates]
    memories += core.store.select(where, limit=LISTED_MAX)  # no words are those of metadata
    return [memory for memory in memories if ranking.names_time(memory, window)]


def _spellings(window: Window) -> Iterator[str]:
    assert window.start is not None and window.end is not None
    first, last = (
        moment.astimezone(window.zone).date()
        for moment in (window.start, window.end - timedelta(microseconds=1))
    )
    days = [first + timedelta(days=n) for n in range(min((last - first).days + 1, 400))]
    if len(days) <= _SPELT_OUT_DAYS:
        yield from (f"{day.isoformat()} {day.day}" for day in days)
    yield from dict.fromkeys(f"{day:%B %Y}" for day in days)


def _sorted(core: Core, where: Filter, found: Iterable[Memory]) -> list[Memory]:
    lives, then = core.policy.half_lives, where.as_of or where.now
    return sorted(
        {memory.id: memory for memory in found}.values(),
        key=lambda m: (-ranking.standing(m, then, lives), -m.recorded_at.timestamp(), m.id),
    )
