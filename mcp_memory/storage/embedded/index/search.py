"""Proposing memories: full text and vectors, each within the filter.

The text half ranks by the rarest terms, the vector half scans one-bit codes and scores
what is near with the half-float vectors. Both see only the parts that the filter allows.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw
import numpy as np

from mcp_memory.domain import text
from mcp_memory.domain.memory import Status
from mcp_memory.storage import codec, filtering, queries
from mcp_memory.storage.contract import Candidate, Corpus, Filter, SearchResult
from mcp_memory.storage.embedded.index import fulltext, reads, vector_format
from mcp_memory.storage.embedded.index.connection import rows
from mcp_memory.storage.embedded.index.schema import SQL
from mcp_memory.storage.embedded.index.vector_search import DistanceCache, Scan

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Vector

_Q = queries.load(SQL / "queries.sql")

_ROWS_READ_MAX = 1_000
_HIDDEN_MAX = 200
_HIDDEN_WINDOWS_MAX = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Space:
    """Where to search: parts by number, and what may come back.

    `rows` are the only rows that may, None for all but those `hidden`, which are few and
    have `hidden_windows` in all: asking for so many more makes up for them.
    """

    live: tuple[int, ...]
    parts: tuple[int, ...]
    rows: Sequence[int] | None
    hidden: frozenset[int]
    hidden_windows: int
    memories: int
    terms: int

    @property
    def is_small(self) -> bool:
        """Whether so few rows may come back that looking at each is quicker than a search."""
        return self.rows is not None and len(self.rows) <= _ROWS_READ_MAX


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchRequest:
    """What to search for by vector, if there is one; see `Store.propose`."""

    vector: Vector | None
    limit: int
    least: float
    reach: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TextHits:
    """What the search by text gave, which holds while the index stays as it is."""

    space: _Space
    corpus: Corpus
    said: list[int]
    notes: tuple[str, ...]


def listen(
    connection: apsw.Connection, where: Filter, asked_terms: Sequence[str], limit: int
) -> TextHits:
    """The half of `propose` that needs no vector."""
    space = _space(connection, where)
    terms = tuple(dict.fromkeys(asked_terms[: text.QUERY_TERMS_MAX]))
    postings = _postings(connection, space, terms)
    corpus = _corpus(space, terms, postings)
    said, notes = _by_text(connection, space, postings, corpus, limit)
    return TextHits(space=space, corpus=corpus, said=said, notes=notes)


def propose(
    connection: apsw.Connection, heard: TextHits, asked: SearchRequest, reach: DistanceCache
) -> SearchResult:
    """See `Store.propose`."""
    near = _by_vector(connection, heard.space, asked, reach)
    return SearchResult(
        candidates=_candidates(connection, heard, near, asked),
        corpus=heard.corpus,
        unembedded=_unembedded(connection, heard.space),
        notes=heard.notes,
    )


def _space(connection: apsw.Connection, where: Filter) -> _Space:
    names = {"names": json.dumps([str(partition) for partition in where.partitions])}
    found = rows(connection, _Q["partitions"], names)
    live = tuple(2 * number for number, *_ in found)
    is_past = where.as_of is not None or where.statuses != (Status.ACTIVE,)
    hidden = _overdue(connection, where, [number for number, *_ in found])
    hidden_windows = _count_windows(connection, hidden)
    is_much = len(hidden) > _HIDDEN_MAX or hidden_windows > _HIDDEN_WINDOWS_MAX
    is_filtered = is_past or is_much or _has_labels(where)
    return _Space(
        live=live,
        parts=tuple(sorted((*live, *(part + 1 for part in live)))) if is_past else live,
        rows=reads.matching_rows(connection, where) if is_filtered else None,
        hidden=frozenset(() if is_filtered else hidden),
        hidden_windows=0 if is_filtered else hidden_windows,
        memories=sum(memories for _, memories, _ in found),
        terms=sum(terms for *_, terms in found),
    )


def _has_labels(where: Filter) -> bool:
    labels = where.types or where.tags or where.metadata
    spans = where.since or where.until or where.begins_since or where.begins_until
    return bool(reads.is_named(where) or labels or spans)


def _overdue(connection: apsw.Connection, where: Filter, partitions: list[int]) -> list[int]:
    """Live rows that have expired but were not swept yet; at most one too many to hide."""
    asked = {
        "now": codec.micros(where.now),
        "partitions": json.dumps(partitions),
        "limit": _HIDDEN_MAX + 1,
    }
    return [row for (row,) in rows(connection, _Q["overdue_in"], asked)]


def _count_windows(connection: apsw.Connection, found: list[int]) -> int:
    return len(rows(connection, _Q["windows"], {"rows": json.dumps(found)})) if found else 0


def _postings(
    connection: apsw.Connection, space: _Space, asked: Sequence[str]
) -> fulltext.Postings:
    """In how many revisions each term occurs, by `part~term`."""
    names = json.dumps([f"{part}~{term}" for part in space.parts for term in asked])
    return dict(rows(connection, _Q["frequencies"], {"terms": names}))


def _corpus(space: _Space, asked: Sequence[str], postings: fulltext.Postings) -> Corpus:
    return Corpus(
        memories=space.memories,
        terms=space.terms,
        frequencies={
            term: sum(postings.get(f"{part}~{term}", 0) for part in space.live) for term in asked
        },
    )


def _by_reading(
    connection: apsw.Connection, few: Sequence[int], corpus: Corpus, limit: int
) -> list[int]:
    """The best of a few rows by text, exactly."""
    asked = tuple(corpus.frequencies)
    found: list[tuple[float, int]] = []
    for row, *_, terms, _ in rows(connection, _Q["documents"], {"rows": json.dumps(few)}):
        score = filtering.text_score(asked, Counter(reads.bare(terms)), corpus)
        if score:
            found.append((score, row))
    return [row for _, row in heapq.nlargest(limit, found)]


def _by_text(
    connection: apsw.Connection,
    space: _Space,
    postings: fulltext.Postings,
    corpus: Corpus,
    limit: int,
) -> tuple[list[int], tuple[str, ...]]:
    """The best rows by text, and a note when time ran out."""
    if limit < 1 or not postings:
        return [], ()
    try:
        if space.rows is None:
            return fulltext.best(connection, postings, limit, space.hidden), ()
        if space.is_small:
            return _by_reading(connection, space.rows, corpus, limit), ()
        return fulltext.best_within(connection, postings, limit, json.dumps(space.rows)), ()
    except apsw.InterruptError:
        return [], (fulltext.OUT_OF_TIME,)


def _by_vector(
    connection: apsw.Connection, space: _Space, asked: SearchRequest, reach: DistanceCache
) -> Collection[int]:
    """Rows near the query by their codes, `limit` or more of them, in no order."""
    if asked.vector is None or asked.limit < 1 or not space.parts:
        return ()
    if space.is_small:
        return space.rows or ()
    code = vector_format.query_code(asked.vector)
    scan = Scan(code=code, parts=space.parts, size=space.memories, least=asked.least)
    if space.rows is not None:
        return scan.within(connection, asked.limit, json.dumps(space.rows))
    return scan.nearest(connection, asked.limit + space.hidden_windows, reach) - space.hidden


def _candidates(
    connection: apsw.Connection, heard: TextHits, near: Collection[int], asked: SearchRequest
) -> tuple[Candidate, ...]:
    """The rows found by text, the `limit` nearest by exact cosine, and what was said around
    any of them, each once."""
    vector = asked.vector
    scores = {} if vector is None else _best_windows(connection, {*heard.said, *near}, vector)
    embedded = [row for row in near if row in scores]
    nearest = heapq.nlargest(asked.limit, embedded, key=lambda row: scores[row][0])
    chosen = list(dict.fromkeys([*heard.said, *nearest]))
    around = _around(connection, heard.space, chosen, asked.reach)
    if vector is not None:
        scores |= _best_windows(connection, around - scores.keys(), vector)
    chosen += sorted(around)
    return tuple(
        Candidate(
            memory=memory,
            terms=said_terms,
            similarity=scores[row][0] if row in scores else None,
            vector=scores[row][1] if row in scores else None,
        )
        for row, (memory, said_terms) in zip(chosen, reads.texts(connection, chosen), strict=True)
    )


def _around(connection: apsw.Connection, space: _Space, found: list[int], reach: int) -> set[int]:
    """What was said at most `reach` places before or after, but for what was found already."""
    if not (reach and found):
        return set()
    partitions = json.dumps([part // 2 for part in space.parts])
    ((has_any,),) = rows(connection, _Q["has_threads"], {"partitions": partitions})
    if not has_any:
        return set()
    asked = {"rows": json.dumps(found), "reach": reach}
    if space.rows is None:
        around = rows(connection, _Q["around"], asked)
    else:
        around = rows(connection, _Q["around_within"], {**asked, "allowed": json.dumps(space.rows)})
    return {row for (row,) in around} - space.hidden - set(found)


def _best_windows(
    connection: apsw.Connection, found: set[int], vector: Vector
) -> dict[int, tuple[float, Vector]]:
    """The cosine of each row's best window, and that window."""
    windows = rows(connection, _Q["windows"], {"rows": json.dumps(list(found))})
    if not windows:
        return {}
    matrix = vector_format.unpack((blob for _, blob in windows), len(vector))
    # Half floats leave the length a little off one; a cosine must not exceed 1.
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not vector_format.are_lengths(lengths):
        raise apsw.CorruptError("a vector of the index is not what was written")
    matrix /= lengths
    cosines = (matrix @ vector).tolist()
    best: dict[int, int] = {}
    for place, (number, _) in enumerate(windows):
        row = number // vector_format.WINDOWS_MAX
        if row not in best or cosines[place] > cosines[best[row]]:
            best[row] = place
    return {row: (cosines[place], matrix[place]) for row, place in best.items()}


def _unembedded(connection: apsw.Connection, space: _Space) -> int:
    if space.rows is None:
        asked = {"partitions": json.dumps([part // 2 for part in space.live])}
        ((count,),) = rows(connection, _Q["count_waiting"], asked)
    else:
        ((count,),) = rows(connection, _Q["count_waiting_of"], {"rows": json.dumps(space.rows)})
    return count
