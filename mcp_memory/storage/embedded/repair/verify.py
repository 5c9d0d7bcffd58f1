"""Whether record and index hold what was written: every row against the chain of digests.

DuckDB's blocks have checksums and SQLite's pages have none; neither can tell that a row is
missing, or is one of last week. Both sides keep the journal with its chain, so each is
looked through by itself.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

import apsw
import numpy as np

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Status
from mcp_memory.errors import StoreError
from mcp_memory.storage import queries
from mcp_memory.storage.embedded.index import projection, reads, schema, vector_format
from mcp_memory.storage.embedded.index.connection import rows
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.shared import hash_chain
from mcp_memory.storage.embedded.shared.errors import is_record_damage, may_be_index_damage

_Q = queries.load(schema.SQL / "queries.sql")
NONSENSE = (ValueError, KeyError, TypeError, AttributeError, AssertionError)
"""What comes of reading a row that is not what was written."""
_BATCH = 2_000
_LENGTH_OFF_MAX = 0.01
"""How far the length of a vector of half floats may be from one."""


class _Journal(Protocol):
    number: int

    def entries(self, after: int, limit: int) -> list[hash_chain.Entry]: ...
    def head_at(self, number: int) -> bytes | None: ...


def record_fault(record: Record) -> str:
    """What is wrong with the record, "" for nothing."""
    try:
        changes, _, strays = record.counts()
        if changes != record.number:
            return f"there are {changes} changes, and the newest has number {record.number}"
        record.traces()
        record.settings()
        _rehearse(record)
        return f"{strays} revisions have no change" if strays else _chain_fault(record)
    except StoreError as error:
        if not is_record_damage(error):
            raise
        return "a part of its file cannot be read"
    except NONSENSE:
        return "a row of it makes no sense"


def index_fault(index: Index) -> str:
    """What is wrong with the index, "" for nothing."""
    try:
        if found := index.faults():
            return "; ".join(found)
        with index.reading() as connection:
            found = itertools.chain(_row_faults(connection), _vector_faults(connection))
            return next(found, "") or _chain_fault(index)
    except Exception as error:  # whatever a damaged row makes of itself
        if not may_be_index_damage(error):
            raise
        return str(error) or type(error).__name__


def _rehearse(record: Record) -> None:
    """Try a write like the last one, of another memory."""
    for last in record.entries(record.number - 1, 1):
        number, memory_id = record.number + 1, new_id()
        change = replace(last.change, number=number, memory_id=memory_id)
        memory = last.memory and replace(last.memory, id=memory_id)
        record.rehearse(hash_chain.entry(change, memory, "", record.head))


def _chain_fault(journal: _Journal) -> str:
    head, after = hash_chain.GENESIS, 0
    while batch := journal.entries(after, _BATCH):
        if broken := hash_chain.first_break(batch, head):
            return f"change {broken} is not what was written"
        head, after = batch[-1].head, batch[-1].change.number
        if journal.head_at(after) != head:  # found by its key, which scans do without
            return f"change {after} is not found by its number"
    return "" if after == journal.number else f"change {after + 1} is missing"


def _row_faults(connection: apsw.Connection) -> Iterator[str]:
    ((ends, counts, parts),) = rows(connection, _Q["count_wrong"])
    if ends:
        yield f"{ends} revisions do not end where the next begins"
    if counts:
        yield f"{counts} partitions are miscounted"
    if parts:
        yield f"{parts} revisions or texts lack their other half"
    after = 0
    while found := rows(connection, _Q["every_revision"], {"after": after, "limit": _BATCH}):
        for row in found:
            if not _is_right(*row[1:]):
                yield f"the revision in row {row[0]} is not what was written"
        after = found[-1][0]


def _is_right(name: str, live: int, count: int, *rest: Any) -> bool:
    """Whether the columns to filter by are those of the document."""
    recorded_to, document, terms, checksum, part, *columns, labels = rest
    memory, bare = reads.read(recorded_to, document, terms, checksum)
    is_live = memory.status is Status.ACTIVE and recorded_to is None
    *known, known_labels = projection.revision_values(memory).values()
    return (
        (name, bool(live), count) == (str(memory.partition), is_live, len(bare))
        and known == columns
        # They come in the order in which a caller gave them, which a document does not keep.
        and sorted(json.loads(known_labels)) == sorted(json.loads(labels))
        and (not terms or terms.startswith(f"{part}~"))
    )


def _vector_faults(connection: apsw.Connection) -> Iterator[str]:
    parts = dict(rows(connection, _Q["parts"]))
    codes = {place: (part, code) for place, part, code in rows(connection, _Q["every_code"])}
    after = -1
    while found := rows(connection, _Q["every_window"], {"after": after, "limit": _BATCH}):
        for place, blob in found:
            part = parts.get(place // vector_format.WINDOWS_MAX)
            if codes.get(place) != (part, vector_format.code(blob)) or not _is_unit(blob):
                yield f"the vector {place} is not what was written"
        after = found[-1][0]


def _is_unit(blob: bytes) -> bool:
    length = float(np.linalg.norm(np.frombuffer(blob, dtype="<f2").astype(np.float32)))
    return abs(length - 1) <= _LENGTH_OFF_MAX
