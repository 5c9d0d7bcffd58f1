"""Bringing record and index into step: at the start, and after an index that failed.

The record is the truth. Yet when its log was lost, the index, which holds the whole
documents, knows more; comparing change numbers and heads of the chain tells which.
"""

from __future__ import annotations

from pathlib import Path

from mcp_memory.storage.contract import Finding
from mcp_memory.storage.embedded import selection
from mcp_memory.storage.embedded.erase import drop_damaged
from mcp_memory.storage.embedded.findings import noted, repaired
from mcp_memory.storage.embedded.index import Index
from mcp_memory.storage.embedded.record import Record

AT_ONCE_MAX = 200
"""Changes that anybody may wait for, well under a second; more are caught up with behind."""
_BATCH = 1_000


def reconcile(record: Record, index: Index) -> list[Finding]:
    """Bring both into step, but for an index that is far behind; what that took."""
    if index.number > record.number and index.head_at(record.number) == record.head:
        return [repaired(_refill(record, index))]
    if record.head_at(index.number) != index.head:
        index.renew("the index told of changes that the record does not know")
    behind = record.number - index.number
    if behind > AT_ONCE_MAX:
        return [noted(f"the index was {behind} changes behind, to be caught up with by and by")]
    catch_up(record, index)
    return [noted(f"the index was {behind} changes behind and caught up")] if behind else []


def catch_up(record: Record, index: Index, changes_max: int | None = None) -> None:
    """Apply to the index what it has not seen, or so much of it.

    Its vectors are to be made afterwards.
    """
    record.open_again()
    index.open_again()
    end = record.number if changes_max is None else index.number + changes_max
    while index.number < min(end, record.number):
        index.apply(record.entries(index.number, min(_BATCH, end - index.number)))


def finish_erasures(home: Path, record: Record, index: Index) -> None:
    """Remove from the files what an interrupted erasure left in them.

    A file that was put aside may hold it too, and is dropped before anything says that all
    is done. An index made anew knows of no erasure that was finished.
    """
    catch_up(record, index)
    if record.holds_erased():
        drop_damaged(home)
        record.compact()
    if index.needs_scrubbing():
        drop_damaged(home)
        index.scrub(None)
        selection.forget_texts()


def _refill(record: Record, index: Index) -> str:
    lost = index.number - record.number
    while record.number < index.number:
        record.append(index.entries(record.number, _BATCH))
    return (
        f"the record had lost its last {lost} changes, as when its log is removed or"
        " damaged; they were restored from the index"
    )
