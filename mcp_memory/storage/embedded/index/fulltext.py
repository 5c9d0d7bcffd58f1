"""The text half of a search: which rows say most of the rarest terms.

Only as many postings are read as take a millisecond, the rarest terms first; what a
common term adds, the ranking sees in the candidates' own terms.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager

import apsw

from mcp_memory.storage import queries
from mcp_memory.storage.embedded.index.connection import rows
from mcp_memory.storage.embedded.index.schema import SQL

_Q = queries.load(SQL / "queries.sql")

Postings = Mapping[str, int]
"""In how many revisions a term occurs, by `part~term`."""

_POSTINGS_MAX = 2_000
_POSTINGS_WITHIN_MAX = 20_000
_RANKED_MAX = 300
_DEADLINE_S = 0.25
_DEADLINE_STEPS = 2_000
OUT_OF_TIME = "the text search ran out of time; these come from the vector search alone"


def best(
    connection: apsw.Connection, postings: Postings, limit: int, hidden: Collection[int]
) -> list[int]:
    """The rows that say most.

    Full text ranks them when they are few, or have but one term to tell them apart; it
    costs three times as much as adding up the rarity of the terms each row says.

    Raises apsw.InterruptError when time runs out.
    """
    chosen = _rarest(postings, _POSTINGS_MAX)
    with _deadline(connection):
        if len(chosen) == 1 or sum(postings[term] for term in chosen) <= _RANKED_MAX:
            asked = {"query": _any(chosen), "limit": limit + len(hidden)}
            found = rows(connection, _Q["match"], asked)
            return [row for (row,) in found if row not in hidden][:limit]
        weights: dict[int, float] = defaultdict(float)
        most = max(postings.values(), default=0)
        for term in chosen:
            weight = math.log(1 + most / postings[term])
            for (row,) in rows(connection, _Q["saying"], {"query": f'"{term}"'}):
                weights[row] += weight
    said = sorted((row for row in weights if row not in hidden), reverse=True)
    said.sort(key=weights.__getitem__, reverse=True)
    return said[:limit]


def best_within(
    connection: apsw.Connection, postings: Postings, limit: int, allowed: str
) -> list[int]:
    """The same, only of the rows in `allowed`, a JSON array, as full text ranks them.

    Raises apsw.InterruptError when time runs out.
    """
    chosen = _rarest(postings, _POSTINGS_WITHIN_MAX)
    if not chosen:
        return []
    with _deadline(connection):
        asked = {"query": _any(chosen), "limit": limit, "rows": allowed}
        return [row for (row,) in rows(connection, _Q["match_within"], asked)]


def _rarest(postings: Postings, postings_max: int) -> list[str]:
    """The rarest terms, as long as together they occur seldom enough; always one."""
    chosen: list[str] = []
    total = 0
    for term, count in sorted(postings.items(), key=lambda item: item[1]):
        total += count
        if chosen and total > postings_max:
            break
        chosen.append(term)
    return chosen


def _any(terms: list[str]) -> str:
    """A full-text query for any of the terms, which are quoted: none is ever syntax."""
    return " OR ".join(f'"{term}"' for term in terms)


@contextmanager
def _deadline(connection: apsw.Connection) -> Generator[None]:
    end = time.monotonic() + _DEADLINE_S
    connection.set_progress_handler(lambda: time.monotonic() > end, _DEADLINE_STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None)
