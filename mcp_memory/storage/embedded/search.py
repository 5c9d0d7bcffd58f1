"""Proposing memories: full text and vectors, each within the filter.

The text half ranks by the rarest terms, the vector half scans one-bit codes and scores
what is near with the half-float vectors. Both see only the parts that the filter allows.
"""

from __future__ import annotations

import heapq
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apsw
import numpy as np

from mcp_memory import text
from mcp_memory.model import Status
from mcp_memory.storage import codec, matching, queries
from mcp_memory.storage.contract import Candidate, Corpus, Filter, Proposal
from mcp_memory.storage.embedded import selection, vectors
from mcp_memory.storage.embedded.schema import SQL
from mcp_memory.storage.embedded.sqlite import rows

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Vector

_Q = queries.load(SQL / "queries.sql")

_POSTINGS_MAX = 2_000
_POSTINGS_WITHIN_MAX = 20_000
_ROWS_READ_MAX = 1_000
_TEXT_DEADLINE_S = 0.25
_DEADLINE_STEPS = 2_000
# A code scan that keeps its k nearest costs k times the rows, unless a distance bounds it;
# so a small partition can afford to look at more, and the smallest at all, exactly.
_NEAREST = 64
_NEAREST_MAX = 300
_SELECTIONS = 300_000
_HIDDEN_MAX = 200
_LONG_SCAN = 20_000
_NEAR_SHARE = 0.42
_NEAR_MAX = 200
_NEAREST_OF_LONG = 32


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


def propose(
    connection: apsw.Connection,
    where: Filter,
    *,
    terms: Sequence[str],
    vector: Vector | None,
    limit: int,
) -> Proposal:
    """See `Store.propose`."""
    space = _space(connection, where)
    asked = tuple(dict.fromkeys(terms[: text.QUERY_TERMS_MAX]))
    postings = _postings(connection, space, asked)
    corpus, notes = _corpus(space, asked, postings), ()
    if space.is_small:
        said = _by_reading(connection, space, corpus, limit)
    else:
        said, notes = _by_text(connection, space, postings, limit)
    near = _by_vector(connection, space, vector, limit)
    return Proposal(
        candidates=_candidates(connection, said, near, vector, limit),
        corpus=corpus,
        unembedded=_unembedded(connection, space),
        notes=notes,
    )


def _space(connection: apsw.Connection, where: Filter) -> _Space:
    names = {"names": json.dumps([str(partition) for partition in where.partitions])}
    found = rows(connection, _Q["partitions"], names)
    live = tuple(2 * number for number, *_ in found)
    is_past = where.as_of is not None or where.statuses != (Status.ACTIVE,)
    hidden = _overdue(connection, where, [number for number, *_ in found])
    is_filtered = is_past or len(hidden) > _HIDDEN_MAX or _has_labels(where)
    if is_filtered:
        hidden = []
    return _Space(
        live=live,
        parts=tuple(sorted((*live, *(part + 1 for part in live)))) if is_past else live,
        rows=selection.matching_rows(connection, where) if is_filtered else None,
        hidden=frozenset(hidden),
        hidden_windows=_count_windows(connection, hidden),
        memories=sum(memories for _, memories, _ in found),
        terms=sum(terms for *_, terms in found),
    )


def _has_labels(where: Filter) -> bool:
    labels = where.types or where.tags or where.metadata
    return bool(selection.is_named(where) or labels or where.since or where.until)


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
) -> Mapping[str, int]:
    """In how many revisions each term occurs, by `part~term`."""
    names = json.dumps([f"{part}~{term}" for part in space.parts for term in asked])
    return dict(rows(connection, _Q["frequencies"], {"terms": names}))


def _corpus(space: _Space, asked: Sequence[str], postings: Mapping[str, int]) -> Corpus:
    return Corpus(
        memories=space.memories,
        terms=space.terms,
        frequencies={
            term: sum(postings.get(f"{part}~{term}", 0) for part in space.live) for term in asked
        },
    )


def _by_reading(
    connection: apsw.Connection, space: _Space, corpus: Corpus, limit: int
) -> list[int]:
    """The best of a few rows by text, exactly."""
    if not corpus.frequencies or not space.rows:
        return []
    asked = tuple(corpus.frequencies)
    found: list[tuple[float, int]] = []
    for row, *_, terms in rows(connection, _Q["documents"], {"rows": json.dumps(space.rows)}):
        score = matching.text_score(asked, Counter(selection.bare(terms)), corpus)
        if score:
            found.append((score, row))
    return [row for _, row in heapq.nlargest(limit, found)]


def _by_text(
    connection: apsw.Connection, space: _Space, postings: Mapping[str, int], limit: int
) -> tuple[list[int], tuple[str, ...]]:
    """The best rows by text, and a note when time ran out."""
    query = _text_query(postings, _POSTINGS_MAX if space.rows is None else _POSTINGS_WITHIN_MAX)
    if not query or limit < 1:
        return [], ()
    deadline = time.monotonic() + _TEXT_DEADLINE_S
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _DEADLINE_STEPS)
    try:
        if space.rows is None:
            asked = {"query": query, "limit": limit + len(space.hidden)}
            found = rows(connection, _Q["match"], asked)
        else:
            asked = {"query": query, "limit": limit, "rows": json.dumps(space.rows)}
            found = rows(connection, _Q["match_within"], asked)
    except apsw.InterruptError:
        return [], ("the text search ran out of time; these come from the vector search alone",)
    finally:
        connection.set_progress_handler(None)
    return [row for (row,) in found if row not in space.hidden][:limit], ()


def _text_query(postings: Mapping[str, int], postings_max: int) -> str:
    """The rarest terms, quoted, as long as together they occur seldom enough."""
    chosen: list[str] = []
    total = 0
    for term, count in sorted(postings.items(), key=lambda item: item[1]):
        total += count
        if chosen and total > postings_max:
            break
        chosen.append(f'"{term}"')
    return " OR ".join(chosen)


def _by_vector(
    connection: apsw.Connection, space: _Space, vector: Vector | None, limit: int
) -> list[int]:
    """Rows near the query by their codes, more than `limit` of them, in no order."""
    if vector is None or limit < 1 or not space.parts:
        return []
    if space.is_small:
        return list(space.rows or ())
    asked: dict[str, Any] = {"code": vectors.query_code(vector), "parts": json.dumps(space.parts)}
    k = max(limit, min(_NEAREST_MAX, max(_NEAREST, _SELECTIONS // max(space.memories, 1))))
    if space.rows is not None:
        found = rows(
            connection, _Q["nearest_within"], {**asked, "k": k, "rows": json.dumps(space.rows)}
        )
    elif space.memories > _LONG_SCAN:
        asked["distance"] = int(_NEAR_SHARE * len(vector))
        found = _near_in_long_scan(connection, asked, space.hidden_windows)
    else:
        found = rows(connection, _Q["nearest"], {**asked, "k": k + space.hidden_windows})
    return list({place // vectors.WINDOWS_MAX for place, _ in found} - space.hidden)


def _near_in_long_scan(connection: apsw.Connection, asked: dict[str, Any], more: int) -> list[Any]:
    found = rows(connection, _Q["nearest_bounded"], {**asked, "k": _NEAR_MAX + more})
    if len(found) >= _NEAREST_OF_LONG + more:
        return found
    del asked["distance"]
    return rows(connection, _Q["nearest"], {**asked, "k": _NEAREST_OF_LONG + more})


def _candidates(
    connection: apsw.Connection,
    said: list[int],
    near: list[int],
    vector: Vector | None,
    limit: int,
) -> tuple[Candidate, ...]:
    """The rows found by text and the `limit` nearest by exact cosine, each once."""
    scores = {} if vector is None else _best_windows(connection, {*said, *near}, vector)
    embedded = [row for row in near if row in scores]
    nearest = heapq.nlargest(limit, embedded, key=lambda row: scores[row][0])
    chosen = list(dict.fromkeys([*said, *nearest]))
    return tuple(
        Candidate(
            memory=memory,
            terms=said_terms,
            similarity=scores[row][0] if row in scores else None,
            vector=scores[row][1] if row in scores else None,
        )
        for row, (memory, said_terms) in zip(
            chosen, selection.texts(connection, chosen), strict=True
        )
    )


def _best_windows(
    connection: apsw.Connection, found: set[int], vector: Vector
) -> dict[int, tuple[float, Vector]]:
    """The cosine of each row's best window, and that window."""
    windows = rows(connection, _Q["windows"], {"rows": json.dumps(list(found))})
    if not windows:
        return {}
    matrix = vectors.unpack((blob for _, blob in windows), len(vector))
    # Half floats leave the length a little off one; a cosine must not exceed 1.
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    cosines = (matrix @ vector).tolist()
    best: dict[int, int] = {}
    for place, (number, _) in enumerate(windows):
        row = number // vectors.WINDOWS_MAX
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
