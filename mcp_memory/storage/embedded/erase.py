"""Erasing for good: out of the record, the index, their logs, and what was put aside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mcp_memory.domain.results import EraseReceipt
from mcp_memory.storage import codec, filtering
from mcp_memory.storage.contract import Actor
from mcp_memory.storage.embedded.index import reads
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.shared import hash_chain
from mcp_memory.storage.embedded.shared.files import drop_damaged

_NOTHING = EraseReceipt(
    memories=0, revisions=0, journal_entries=0, traces=0, index_entries=0, vectors=0, files=()
)


def erase(
    home: Path, record: Record, index: Index, memory_ids: Sequence[str], actor: Actor
) -> EraseReceipt:
    """See `Store.erase`. Interrupted, it is finished at the next start or upkeep.

    One transaction of the record decides: it removes the rows and adds the entries that
    say so. From then on the rest can only be late.
    """
    current = index.current(memory_ids)
    if not current:
        return _NOTHING
    memories = index.revisions_of(current)
    known = [codec.trace_of(json.loads(document)) for document in record.traces()]
    traces, mentioning = filtering.traces_to_drop(known, memories)
    blanked = record.count_changes(list(current))
    entries = _entries(record, current, actor)
    record.erase(list(current), entries, traces)
    removed = index.apply(entries)  # first, so that no read waits for the compaction
    files = record.compact() + drop_damaged(home)
    index.scrub({term for one in removed for term in one.terms})
    reads.forget_texts()
    return EraseReceipt(
        memories=len(current),
        revisions=len(memories),
        journal_entries=blanked,
        traces=mentioning,
        index_entries=sum(one.revisions for one in removed),
        vectors=sum(one.vectors for one in removed),
        files=tuple(path.relative_to(home).as_posix() for path in files),
    )


def _entries(record: Record, current: dict[str, int], actor: Actor) -> list[hash_chain.Entry]:
    now, head = datetime.now(UTC), record.head
    entries: list[hash_chain.Entry] = []
    for number, (memory_id, revision) in enumerate(current.items(), start=record.number + 1):
        change = codec.erased(memory_id, revision, actor, number, now)
        entries.append(hash_chain.entry(change, None, "", head))
        head = entries[-1].head
    return entries
