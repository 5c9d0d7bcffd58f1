"""Reading memories from the index by what they are: filters, orders, history, counts."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import apsw

from mcp_memory.domain.memory import Change, ChangeKind, Memory, Partition, Revision, Status
from mcp_memory.domain.statements import slot_of
from mcp_memory.storage import codec, filtering, queries
from mcp_memory.storage.contract import Filter, Order, Stats, StoreMetrics
from mcp_memory.storage.embedded.index import schema
from mcp_memory.storage.embedded.index.connection import rows, seal
from mcp_memory.storage.embedded.index.schema import SQL

_Q = queries.load(SQL / "queries.sql")

_QUERIES = {Order.NEWEST: "newest", Order.IMPORTANT: "weightiest"}
_NO_CURSOR = {"after_id": "", "after_at": 0, "after_pinned": 0, "after_importance": 0.0}
_ALL = -1
_REMEMBERED_CHARS_MAX = 4_096

Terms = tuple[str, ...]


def select(
    connection: apsw.Connection, where: Filter, order: Order, limit: int, after: str
) -> list[Memory]:
    """See `Store.select`."""
    cursor = _cursor(connection, where, after)
    if cursor is None:
        return []
    if is_named(where):
        found = [m for m in named(connection, where) if _before(m, order, cursor)]
        found.sort(key=lambda m: filtering.sort_key(m, order), reverse=True)
        return found[:limit]
    partitions = partition_ids(connection, where.partitions)
    values = parameters(where, partitions) | cursor | {"limit": limit}
    found = [
        row
        for partition in partitions
        for row in rows(connection, _Q[_QUERIES[order]], values | {"partition": partition})
    ]
    best = heapq.nlargest(limit, found, key=lambda row: row[1:])
    return memories(connection, [row[0] for row in best])


def is_named(where: Filter) -> bool:
    """Whether a filter names memories, so that few can pass and an index finds them."""
    return bool(where.ids or where.endings or where.fingerprints or where.key)


def named(connection: apsw.Connection, where: Filter) -> list[Memory]:
    """All that a filter with ids, fingerprints or a key lets through, in no order."""
    partitions = json.dumps(partition_ids(connection, where.partitions))
    query, values = _names(where)
    asked = {"partitions": partitions, "values": json.dumps(list(values))}
    found = rows(connection, _Q[query], asked)
    candidates = memories(connection, [row for (row,) in found])
    passed = [memory for memory in candidates if filtering.matches(memory, where)]
    if where.as_of is None:
        return passed
    asked = {"ids": json.dumps([memory.id for memory in passed]), "partitions": partitions}
    in_sight = {memory_id for (memory_id,) in rows(connection, _Q["current_in"], asked)}
    return [memory for memory in passed if memory.id in in_sight]


def _names(where: Filter) -> tuple[str, Iterable[str]]:
    """By what a filter names memories: the query, and its values."""
    if where.ids:
        return "rows_by_name", dict.fromkeys(where.ids)
    if where.endings:
        return "rows_by_ending", dict.fromkeys(where.endings)
    if where.fingerprints:
        return "rows_by_text", where.fingerprints
    return "rows_by_key", [slot_of(where.key)]


def matching_rows(connection: apsw.Connection, where: Filter) -> list[int]:
    """Every row that a filter lets through."""
    partitions = partition_ids(connection, where.partitions)
    values = parameters(where, partitions) | _NO_CURSOR | {"limit": _ALL}
    return [
        row
        for partition in partitions
        for row, *_ in rows(connection, _Q["newest"], values | {"partition": partition})
    ]


def memories(connection: apsw.Connection, found: Sequence[int]) -> list[Memory]:
    """The memories in some rows, in the same order."""
    return [memory for memory, _ in texts(connection, found)]


def texts(connection: apsw.Connection, found: Sequence[int]) -> list[tuple[Memory, Terms]]:
    """The memories in some rows with the terms of their texts, in the same order."""
    asked = {"rows": json.dumps(found)}
    return [read(*row) for _, *row in rows(connection, _Q["documents"], asked)]


def forget_texts() -> None:
    """Drop what is remembered of texts, before they are erased."""
    _remembered.cache_clear()


def remembered_count() -> int:
    """How many texts are remembered."""
    return _remembered.cache_info().currsize


def bare(terms: str) -> Terms:
    """Terms without the number of their part; none of them contains a tilde."""
    prefix = terms[: terms.find("~") + 1]
    return tuple(terms.replace(prefix, "").split(" ")) if terms else ()


def read(recorded_to: int | None, document: str, terms: str, checksum: int) -> tuple[Memory, Terms]:
    """A revision and its terms. Raises apsw.CorruptError unless it is what was written."""
    is_short = len(document) + len(terms) <= _REMEMBERED_CHARS_MAX
    return (_remembered if is_short else _decoded)(document, recorded_to, terms, checksum)


def _decoded(
    document: str, recorded_to: int | None, terms: str, checksum: int
) -> tuple[Memory, Terms]:
    if checksum != seal(recorded_to, document, terms):
        raise apsw.CorruptError("a text of the index is not what was written")
    memory = codec.memory_of(json.loads(document), _moment(recorded_to))
    return filtering.up_to_date(memory), bare(terms)


# The same memories come back again and again, and decoding is a third of a search.
_remembered = lru_cache(maxsize=3072)(_decoded)


def history(
    connection: apsw.Connection, memory_id: str, partitions: Sequence[Partition]
) -> list[Revision]:
    """See `Store.history`."""
    found = [
        Revision(
            memory=read(recorded_to, document, terms, checksum)[0],
            change=change_of(change),
        )
        for recorded_to, document, terms, checksum, *change in rows(
            connection, _Q["history"], {"memory_id": memory_id}
        )
    ]
    if not found or found[-1].memory.partition not in partitions:
        return []
    return [revision for revision in found if revision.memory.partition in partitions]


def reasons(
    connection: apsw.Connection, partitions: Sequence[Partition], after: int, limit: int
) -> list[Change]:
    """See `Store.reasons`."""
    asked = {
        "partitions": json.dumps(partition_ids(connection, partitions)),
        "after": after,
        "limit": limit,
    }
    return [change_of(row) for row in rows(connection, _Q["reasons"], asked)]


def stats(connection: apsw.Connection, partitions: Sequence[Partition]) -> Stats:
    """See `Store.stats`."""
    names = {"names": json.dumps([str(partition) for partition in partitions])}
    statuses, types, scopes = Counter[str](), Counter[str](), Counter[str]()
    unembedded = 0
    for status, kind, name, count, waiting in rows(connection, _Q["tally"], names):
        statuses[status] += count
        types[kind] += count
        scopes[str(codec.partition_of(name).scope)] += count
        unembedded += waiting
    ((revisions,),) = rows(connection, _Q["count_revisions"], names)
    return Stats(
        by_status=statuses,
        by_type=types,
        by_scope=scopes,
        revisions=revisions,
        unembedded=unembedded,
    )


def held(connection: apsw.Connection) -> dict[Partition, int]:
    """See `Store.held`."""
    return {codec.partition_of(name): count for name, count in rows(connection, _Q["held"])}


def figures(connection: apsw.Connection, changes: int) -> StoreMetrics:
    """See `Store.figures`; `changes` are those of the record."""
    ((memories, waiting),) = rows(connection, _Q["figures"])
    read = schema.watermark(connection)[0]
    return StoreMetrics(memories=memories, unembedded=waiting, changes=changes, changes_read=read)


def unembedded(connection: apsw.Connection, limit: int) -> list[Memory]:
    """See `Store.unembedded`."""
    found = rows(connection, _Q["waiting"], {"limit": limit})
    return memories(connection, [row for (row,) in found])


def overdue(connection: apsw.Connection, now: datetime, limit: int) -> list[Memory]:
    """See `Store.overdue`."""
    found = rows(connection, _Q["overdue"], {"now": codec.micros(now), "limit": limit})
    return memories(connection, [row for (row,) in found])


def change_of(row: Sequence[Any]) -> Change:
    """The journal entry in a row of number, verb, memory, revision, time, actor, reason."""
    number, verb, memory_id, revision, made_at, user, agent, client, reason = row
    return Change(
        number=number,
        verb=ChangeKind(verb),
        memory_id=memory_id,
        revision=revision,
        at=codec.from_micros(made_at),
        user=user,
        agent=agent,
        client=client,
        reason=reason,
    )


def partition_ids(connection: apsw.Connection, partitions: Iterable[Partition]) -> list[int]:
    """The numbers of those partitions that anything was ever written to."""
    names = json.dumps([str(partition) for partition in partitions])
    return [number for number, *_ in rows(connection, _Q["partitions"], {"names": names})]


def parameters(where: Filter, partitions: Sequence[int]) -> dict[str, Any]:
    """A filter as the parameters of the queries `newest` and `weightiest`."""
    return {
        "partitions": json.dumps(partitions),
        "statuses": json.dumps(where.statuses),
        "shows_expired": not where.statuses or Status.EXPIRED in where.statuses,
        "now": codec.micros(where.now),
        "as_of": _micros(where.as_of),
        "since": _micros(where.since),
        "until": _micros(where.until),
        "begins_since": _micros(where.begins_since),
        "begins_until": _micros(where.begins_until),
        "ids": json.dumps(where.ids),
        "endings": json.dumps(where.endings),
        "fingerprints": json.dumps(where.fingerprints),
        "key": slot_of(where.key),
        "types": json.dumps(where.types),
        "labels": codec.canonical(codec.labels(where.tags, where.metadata)),
    }


def _cursor(connection: apsw.Connection, where: Filter, after: str) -> dict[str, Any] | None:
    """Where the memory `after` stands, as parameters; None when it is out of sight."""
    if not after:
        return _NO_CURSOR
    found = rows(connection, _Q["revisions_of"], {"memory_id": after})
    seen = filtering.last_seen(memories(connection, [row for (row,) in found]), where)
    return seen and {
        "after_id": after,
        "after_at": codec.micros(seen.recorded_at),
        "after_pinned": seen.pinned,
        "after_importance": seen.importance,
    }


def _before(memory: Memory, order: Order, cursor: dict[str, Any]) -> bool:
    """Whether a memory comes after the cursor in a list that runs downwards."""
    if not cursor["after_id"]:
        return True
    seen = (codec.from_micros(cursor["after_at"]), cursor["after_id"])
    weight = (False, 0.0)
    if order is Order.IMPORTANT:
        weight = (bool(cursor["after_pinned"]), cursor["after_importance"])
    return filtering.sort_key(memory, order) < (*weight, *seen)


def _moment(count: int | None) -> datetime | None:
    return None if count is None else codec.from_micros(count)


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else codec.micros(moment)
