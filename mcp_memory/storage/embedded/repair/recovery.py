"""Bringing record and index into step: at the start, and after one of them failed.

The record is the truth. Yet when it was damaged, the index, which holds the whole
documents, may know more; comparing change numbers and heads of the chain tells which.
"""

from __future__ import annotations

import bisect
from pathlib import Path

from mcp_memory.errors import StoreDamaged
from mcp_memory.storage.embedded.index import reads
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.repair import rebuild_record, verify
from mcp_memory.storage.embedded.shared import hash_chain
from mcp_memory.storage.embedded.shared.errors import may_be_index_damage
from mcp_memory.storage.embedded.shared.files import drop_damaged
from mcp_memory.storage.embedded.shared.repair_log import lost, note, noted, repaired

AT_ONCE_MAX = 200
"""Changes that anybody may wait for, well under a second; more are caught up with behind."""
_BATCH = 1_000
_TRIES = 4


def put_right(home: Path, record: Record, index: Index) -> None:
    """Bring both in step, and finish what was begun, whatever was damaged."""
    for _ in range(_TRIES):
        try:
            _bring_together(home, record, index)
            return
        except Exception as error:
            if not may_be_index_damage(error):
                if record.is_suspect:
                    continue
                raise
            if record.is_suspect:  # mended first, for the index may still help
                rebuild_record.mend(record, index)
            else:
                secure(record, index)
            index.renew("the index was damaged", error)
    _bring_together(home, record, index)


def secure(record: Record, index: Index) -> str:
    """See that the record is whole before the index, which may still help, is put aside.

    Returns what is wrong with it all the same, "" for nothing.
    """
    if not verify.record_fault(record):
        return ""
    rebuild_record.mend(record, index)
    return verify.record_fault(record)


def reconcile(record: Record, index: Index) -> None:
    """Bring both into step, but for an index that is far behind; findings say what that took."""
    if _is_foreign(index, index) and not _are_born_alike(record, index):
        _dismiss(record, index)
    if record.is_suspect:
        rebuild_record.mend(record, index)
    if not _agree(record, index):
        _part(record, index)
    elif index.number > record.number:
        _refill(record, index)
    _heed_watermark_file(record, index)
    behind = record.number - index.number
    if behind > AT_ONCE_MAX:
        said = f"the index was {behind} changes behind, to be caught up with by and by"
        note(index.findings, noted(said))
    elif behind:
        catch_up(record, index)
        note(index.findings, noted(f"the index was {behind} changes behind and caught up"))


def catch_up(record: Record, index: Index, changes_max: int | None = None) -> None:
    """Apply to the index what it has not seen, or so much of it.

    Its vectors are to be made afterwards.
    """
    record.open_again()
    index.open_again()
    end = record.number if changes_max is None else index.number + changes_max
    while index.number < min(end, record.number):
        index.apply(_following(record, index, min(_BATCH, end - index.number)))


def _following(record: Record, index: Index, limit: int) -> list[hash_chain.Entry]:
    """The next entries that the index has not seen. Raises StoreDamaged if they are altered."""
    try:
        entries = record.entries(index.number, limit)
        if entries and not hash_chain.first_break(entries, index.head):
            return entries
    except verify.NONSENSE:
        pass
    record.is_suspect = True
    raise StoreDamaged("a change in the record is not what was written; try again")


def finish_erasures(home: Path, record: Record, index: Index) -> None:
    """Remove from the files what an interrupted erasure left in them.

    A file that was put aside may hold it too, and is dropped before anything says that all
    is done. A record or an index made anew knows of no erasure that was finished; the
    witness does.
    """
    catch_up(record, index)
    if index.watermark_file.scrubbed < record.last_erasure() and drop_damaged(home):
        detail = "what was put aside is gone, for it may have held what was erased"
        note(record.findings, noted(detail))
    if record.holds_erased():
        record.compact()
    if index.needs_scrubbing():
        index.scrub(None)
        reads.forget_texts()


def _bring_together(home: Path, record: Record, index: Index) -> None:
    reconcile(record, index)
    if index.number == record.number:  # else upkeep does it once they are in step
        finish_erasures(home, record, index)


def _agree(record: Record, index: Index) -> bool:
    """Whether both tell one history, as far as both go."""
    number = min(record.number, index.number)
    return record.head_at(number) == index.head_at(number)


def _is_foreign(side: Record | Index, index: Index) -> bool:
    """Whether a history has another beginning than the one that the witness saw."""
    return (
        bool(index.watermark_file.number and side.number)
        and side.head_at(1) != index.watermark_file.birth
    )


def _dismiss(record: Record, index: Index) -> None:
    """Put aside an index that the witness does not know; where it may be the witness that is
    of another store, and no record is left to tell, what only the index knew is counted."""
    if not record.number:
        detail = (
            f"{index.number} changes that only the index knew of, perhaps of another store,"
            " are lost; see the folder damaged"
        )
        note(index.findings, lost(detail))
    index.renew("the index was of another store")


def _are_born_alike(record: Record, index: Index) -> bool:
    """Whether both histories begin with one change; a witness that saw another is foreign."""
    try:
        return record.head_at(1) == index.head_at(1)
    except StoreDamaged:
        return False


def _common(record: Record, index: Index) -> int:
    """How many changes both histories begin with."""
    numbers = range(1, min(record.number, index.number) + 1)
    return bisect.bisect_left(numbers, True, key=lambda n: record.head_at(n) != index.head_at(n))


def _part(record: Record, index: Index) -> None:
    """Put aside the one of two histories that is not ours; in doubt, the record is."""
    if _is_ours(index, index) and not _is_ours(record, index):
        rebuild_record.mend(record, index, is_foreign=True)
        return
    if not _is_ours(record, index):
        alone = index.number - _common(record, index)
        detail = f"{alone} changes that only the index knew of are lost; see the folder damaged"
        note(index.findings, lost(detail))
    index.renew("the index told of changes that the record does not know")


def _is_ours(side: Record | Index, index: Index) -> bool:
    """Whether a history is the one that the witness saw."""
    watermark_file = index.watermark_file
    if not watermark_file.number:
        return False
    if side.number < watermark_file.number:
        return side.number > 0 and side.head_at(1) == watermark_file.birth
    return side.head_at(watermark_file.number) == watermark_file.head


def _refill(record: Record, index: Index) -> None:
    """Give the record back what it lost of its end."""
    count = index.number - record.number
    while record.number < index.number:
        entries = index.entries(record.number, _BATCH)
        if not entries or hash_chain.first_break(entries, record.head):
            rebuild_record.mend(record, index)
            index.renew("the index was damaged")
            return
        record.append(entries)
    detail = (
        f"the record had lost its last {count} changes, as when its log is removed or"
        " damaged; they were restored from the index"
    )
    note(index.findings, repaired(detail))


def _heed_watermark_file(record: Record, index: Index) -> None:
    """Tell of changes that were seen once and that neither side has any more."""
    watermark_file, first = index.watermark_file, record.head_at(1) or b""
    missing = watermark_file.number - record.number
    if _is_foreign(record, index):
        # Somebody may have put it here, so it stays. Nothing is told if the index knows it:
        # then it is the witness that is of another store.
        if not index.number:
            detail = (
                f"{watermark_file.number} changes are lost, for the record is of another store now"
            )
            note(record.findings, lost(detail))
    elif missing > 0:
        detail = (
            f"the newest {missing} of {watermark_file.number} changes are neither in the record nor"
            " in the index and are lost; what was put aside is in the folder damaged"
        )
        note(record.findings, lost(detail))
    watermark_file.see(record.number, record.head, first)
