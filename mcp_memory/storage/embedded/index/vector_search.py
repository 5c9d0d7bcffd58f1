"""The vector half of a search: which windows have the signs nearest to the query's.

sqlite-vec keeps the k nearest of a scan by going over the rows k times, unless a distance
keeps most of them out: 100,000 codes cost 10 ms for k = 64, and 2 ms within a distance that
lets a hundred pass. So a long scan begins with the distance that was right the last time.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import apsw

from mcp_memory.storage import queries
from mcp_memory.storage.embedded.index import vector_format
from mcp_memory.storage.embedded.index.connection import rows
from mcp_memory.storage.embedded.index.schema import SQL

_Q = queries.load(SQL / "queries.sql")

_LONG_SCAN = 2_000
_SHARES = (0.22, 0.26, 0.30, 0.34, 0.38, 0.42)
"""Shares of signs that differ: a cosine of 0.77 (0.22) to 0.25 (0.42) for random signs."""
_FIRST = 3
_CHANCE = 0.05
"""Two deviations of the share of 384 signs that differ."""
_BEYOND_MAX = 32
_MOST = 300
_SELECTIONS = 300_000
"""Places times rows that a short scan may cost, about a millisecond."""
_REMEMBERED_MAX = 4_096
_PATIENCE = 16
_Search = tuple[tuple[int, ...], int]
"""Parts, and how many are wanted of them."""
_K_MAX = 4_096
"""More neighbours than this sqlite-vec refuses to look for."""


@dataclass(slots=True)
class DistanceCache:
    """How far searches had to look the last times, by where and for how many.

    A step that found enough at once may be longer than needed; a shorter one is tried
    every so often, for when it fails the scan is made twice.
    """

    _steps: dict[_Search, tuple[int, int]] = field(default_factory=dict["_Search", tuple[int, int]])

    def first(self, search: _Search) -> int:
        """The step to begin with."""
        step, times = self._steps.get(search, (_FIRST, 0))
        return step - 1 if times >= _PATIENCE and step else step

    def note(self, search: _Search, began: int, ended: int, *, is_full: bool) -> None:
        """Which step a search began with, and which one found enough."""
        if len(self._steps) >= _REMEMBERED_MAX:
            self._steps.clear()
        _, times = self._steps.get(search, (_FIRST, 0))
        self._steps[search] = ended, times + 1 if is_full and ended == began else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """What to scan for: the packed code of a query, in some parts of about `size` windows.

    What is less similar than a cosine of `least` may be left out.
    """

    code: bytes
    parts: tuple[int, ...]
    size: int
    least: float = -1.0

    def nearest(self, connection: apsw.Connection, wanted: int, reach: DistanceCache) -> set[int]:
        """The rows of the nearest windows, at least `wanted` if there are as many."""
        most = 2 * wanted
        if self.size <= _LONG_SCAN:
            most = max(most, min(_MOST, _SELECTIONS // max(self.size, 1)))
            return self._rows(connection, "nearest", k=most)
        search = (self.parts, wanted)
        steps = max(1, sum(share <= self._share_max for share in _SHARES))
        began = step = min(reach.first(search), steps - 1)
        found = set[int]()
        while len(found) < wanted and step < steps:
            distance = int(_SHARES[step] * 8 * len(self.code))
            windows = self._windows(connection, "nearest_bounded", k=most, distance=distance)
            found = rows_of(windows)
            is_full = len(windows) >= most
            reach.note(search, began, step, is_full=is_full)
            if not is_full:
                step += 1
            elif len(found) < wanted and most < _MOST:  # a few long texts fill the places
                most = _MOST
            else:
                break
        if len(found) < min(wanted, _BEYOND_MAX) and self._share_max > _SHARES[-1]:
            found |= self._rows(connection, "nearest", k=min(wanted, _BEYOND_MAX))
        return found

    @property
    def _share_max(self) -> float:
        """The share of signs that may differ at `least`: the angle's, and some for chance."""
        return math.acos(max(-1.0, min(1.0, self.least))) / math.pi + _CHANCE

    def within(self, connection: apsw.Connection, wanted: int, allowed: str) -> set[int]:
        """The same, only of the rows in `allowed`, a JSON array."""
        return self._rows(connection, "nearest_within", k=max(2 * wanted, _MOST), rows=allowed)

    def _rows(self, connection: apsw.Connection, query: str, *, k: int, **values: Any) -> set[int]:
        return rows_of(self._windows(connection, query, k=k, **values))

    def _windows(
        self, connection: apsw.Connection, query: str, *, k: int, **values: Any
    ) -> list[int]:
        asked = {"code": self.code, "parts": json.dumps(self.parts), "k": min(k, _K_MAX), **values}
        return [place for place, _ in rows(connection, _Q[query], asked)]


def rows_of(places: list[int]) -> set[int]:
    """The rows that some windows belong to."""
    return {place // vector_format.WINDOWS_MAX for place in places}
