"""Applying the journal to the index: each entry, once, in order.

All functions work inside the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from mcp_memory.domain import text
from mcp_memory.domain.conversation import place_of
from mcp_memory.domain.memory import ChangeKind, Memory, Status
from mcp_memory.domain.statements import slot_of
from mcp_memory.storage import codec, filtering, queries
from mcp_memory.storage.embedded.index import vector_format as vectors
from mcp_memory.storage.embedded.index.connection import rows
from mcp_memory.storage.embedded.index.schema import SQL
from mcp_memory.storage.embedded.shared.hash_chain import Entry

_Q = queries.load(SQL / "queries.sql")


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """What erasing took out of the index: rows, vectors, and the terms they were found by."""

    revisions: int
    vectors: int
    terms: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Previous:
    """The revision that another one follows."""

    row: int
    partition: int
    live: bool
    terms_count: int
    embedded: bool
    content: str
    terms: str

    @property
    def part(self) -> int:
        return 2 * self.partition + (not self.live)


def apply(
    connection: apsw.Connection, entry: Entry, windows: Sequence[bytes] | None
) -> list[Removed]:
    """Take in one entry; `windows` are its packed vectors, None when not embedded.

    Returns what it removed, if it is an erasure.
    """
    change = entry.change
    removed: list[Removed] = []
    if change.verb is ChangeKind.ERASE:
        removed.append(remove(connection, change.memory_id))
    elif entry.memory is not None:
        previous = _previous(connection, change.memory_id)
        if previous is not None:
            _retire(connection, previous, codec.micros(entry.memory.recorded_at))
        windows = _windows(connection, entry.memory, previous, windows)
        _add(connection, entry.memory, change.number, windows)
    connection.execute(
        _Q["add_change"],
        {
            **codec.change_document(change),
            "made_at": codec.micros(change.at),
            "request": entry.request,
            "salt": entry.salt,
            "digest": entry.digest,
            "head": entry.head,
        },
    )
    return removed


def remove(connection: apsw.Connection, memory_id: str) -> Removed:
    """Take a memory out with every revision, and blank its journal."""
    found = rows(connection, _Q["rows_of_memory"], {"memory_id": memory_id})
    connection.execute(_Q["blank_changes"], {"memory_id": memory_id})
    terms: set[str] = set()
    vectors_count = 0
    for row, partition, live, count, said in found:
        connection.execute(_Q["drop_words"], {"row": row, "terms": said})
        connection.execute(_Q["drop_document"], {"row": row})
        vectors_count += drop_vectors(connection, row)
        connection.execute(_Q["drop_revision"], {"row": row})
        if live:
            _count_live(connection, partition, -1, -count)
        terms.update(said.split(" "))
    return Removed(revisions=len(found), vectors=vectors_count, terms=frozenset(terms - {""}))


def add_vectors(connection: apsw.Connection, row: int, part: int, windows: Sequence[bytes]) -> None:
    """Give a revision its vectors."""
    for place, blob in enumerate(windows, start=row * vectors.WINDOWS_MAX):
        connection.execute(_Q["add_window"], {"id": place, "vector": blob})
        _add_code(connection, place, part, blob)


def drop_vectors(connection: apsw.Connection, row: int) -> int:
    """Take a revision's vectors away; how many there were."""
    found = rows(connection, _Q["windows"], {"rows": json.dumps([row])})
    for place, _ in found:
        connection.execute(_Q["drop_code"], {"id": place})
    connection.execute(_Q["drop_windows"], {"row": row})
    return len(found)


def _previous(connection: apsw.Connection, memory_id: str) -> _Previous | None:
    found = connection.execute(_Q["newest_revision"], {"memory_id": memory_id}).fetchone()
    if found is None:
        return None
    row, partition, live, terms_count, embedded, document, terms = found
    return _Previous(
        row=row,
        partition=partition,
        live=bool(live),
        terms_count=terms_count,
        embedded=bool(embedded),
        content=json.loads(document)["content"],
        terms=terms,
    )


def _windows(
    connection: apsw.Connection,
    memory: Memory,
    previous: _Previous | None,
    windows: Sequence[bytes] | None,
) -> Sequence[bytes] | None:
    """The vectors given, or those of the revision before when the content is the same."""
    if windows is not None or previous is None or not previous.embedded:
        return windows
    if previous.content != memory.content:
        return None
    found = rows(connection, _Q["windows"], {"rows": json.dumps([previous.row])})
    return [blob for _, blob in found]


def _retire(connection: apsw.Connection, revision: _Previous, recorded_to: int) -> None:
    """Move what was current into the past part of its partition."""
    row, terms, past = revision.row, revision.terms, revision.part
    if revision.live:
        past += 1
        terms = terms.replace(f"{revision.part}~", f"{past}~")
    ended = {"row": row, "recorded_to": recorded_to}
    connection.execute(_Q["end_revision"], ended)
    if revision.live:
        connection.execute(_Q["drop_words"], {"row": row, "terms": revision.terms})
    connection.execute(_Q["end_document"], {**ended, "terms": terms})
    if not revision.live:
        return
    _count_live(connection, revision.partition, -1, -revision.terms_count)
    connection.execute(_Q["add_words"], {"row": row, "terms": terms})
    for place, blob in rows(connection, _Q["windows"], {"rows": json.dumps([row])}):
        connection.execute(_Q["drop_code"], {"id": place})
        _add_code(connection, place, past, blob)


def _add(
    connection: apsw.Connection, memory: Memory, change: int, windows: Sequence[bytes] | None
) -> None:
    partition = _partition(connection, str(memory.partition))
    live = memory.status is Status.ACTIVE
    part = 2 * partition + (not live)
    terms = text.terms(memory.searched)
    said = " ".join(f"{part}~{term}" for term in terms)
    values = revision_values(memory)
    values |= {"change": change, "partition": partition, "live": live, "terms": len(terms)}
    values["embedded"] = windows is not None
    ((row,),) = rows(connection, _Q["add_revision"], values)
    document = codec.canonical(codec.memory_document(memory))
    connection.execute(_Q["add_document"], {"row": row, "document": document, "terms": said})
    connection.execute(_Q["add_words"], {"row": row, "terms": said})
    add_vectors(connection, row, part, windows or ())
    if live:
        _count_live(connection, partition, 1, len(terms))


def revision_values(memory: Memory) -> dict[str, Any]:
    """The columns that searches filter and sort by."""
    place = place_of(memory.source)
    return {
        "memory_id": memory.id,
        "revision": memory.revision,
        "status": str(memory.status),
        "type": str(memory.type),
        "key": slot_of(memory.key),
        "fingerprint": filtering.up_to_date(memory).fingerprint,
        "importance": memory.importance,
        "pinned": memory.pinned,
        "recorded_at": codec.micros(memory.recorded_at),
        "valid_from": codec.micros(memory.valid_from),
        "valid_to": codec.micros(memory.valid_to) if memory.valid_to else None,
        "expires_at": codec.micros(memory.expires_at) if memory.expires_at else None,
        "thread": place.thread,
        "position": place.position,
        "labels": codec.canonical(codec.labels(memory.tags, memory.metadata)),
    }


def _partition(connection: apsw.Connection, name: str) -> int:
    query = {"name": name}
    found = rows(connection, _Q["partition"], query)
    return (found or rows(connection, _Q["add_partition"], query))[0][0]


def _count_live(connection: apsw.Connection, partition: int, memories: int, terms: int) -> None:
    values = {"id": partition, "memories": memories, "terms": terms}
    connection.execute(_Q["count_live"], values)


def _add_code(connection: apsw.Connection, place: int, part: int, blob: bytes) -> None:
    values = {"id": place, "part": part, "code": vectors.code(blob)}
    connection.execute(_Q["add_code"], values)
