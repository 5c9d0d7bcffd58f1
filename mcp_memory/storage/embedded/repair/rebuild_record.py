"""Making the record anew from what is intact in it and in the index.

Each change is taken from whichever side still has it as it was written; which, the salted
digests tell. What neither has is lost: where the journal knows the change it stays there
without its content, as after an erasure; where even that is gone, the changes after it
move up and are sealed anew.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from mcp_memory.domain.memory import ChangeKind
from mcp_memory.errors import StoreError
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.shared import hash_chain
from mcp_memory.storage.embedded.shared.errors import is_record_damage, may_be_index_damage
from mcp_memory.storage.embedded.shared.files import MENDING, shown
from mcp_memory.storage.embedded.shared.hash_chain import GENESIS, Entry
from mcp_memory.storage.embedded.shared.repair_log import lost, note, repaired

_BATCH = 1_000
_TRACES_MAX = 1_000


class _Source(Protocol):
    def entries(self, after: int, limit: int) -> list[Entry]: ...


def mend(record: Record, index: Index, *, is_foreign: bool = False) -> None:
    """Make the record anew of what is intact; one that `is_foreign`, of the index alone.

    The files there were are put aside, unless they may hold what was erased.
    """
    merging = _Merging(record=None if is_foreign else record, index=index)
    folder = record.generations.folder / MENDING
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    made = Record(folder, record.damaged)
    try:
        for batch in merging.batches(_top(record, index, is_foreign=is_foreign)):
            made.append(batch)
        if merging.lost:  # before anything is moved, so that a kill hides nothing
            note(record.findings, lost(_told_of_loss(merging)))
        kept_rest = not is_foreign and _copy_rest(record, made, merging.erasure)
        files = record.adopt(made, keep=is_foreign or _is_clean(record, index, merging.erasure))
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
    index.watermark_file.see(record.number, record.head, record.head_at(1) or b"")
    what = "was of another store" if is_foreign else "was damaged"
    told = (
        f"the record {what}; {merging.restored} of its {record.number} changes were taken from"
        f" the index{'' if kept_rest else ', the traces of recalls are gone'}; the files there"
        f" were {', '.join(map(shown, files)) or 'may have held what was erased and are gone'}"
    )
    note(record.findings, repaired(told))


@dataclass(kw_only=True, slots=True)
class _Merging:
    """Goes through both sides, change by change, and keeps count."""

    record: Record | None
    index: Index
    restored: int = 0
    lost: int = 0
    unnamed: int = 0
    erasure: int = 0
    memories: set[str] = field(default_factory=set[str])
    _number: int = 0
    _head: bytes = GENESIS
    _is_cut: bool = False

    def batches(self, top: int) -> Iterator[list[Entry]]:
        """The entries of the new record, up to what was change `top`."""
        for after in range(0, top, _BATCH):
            until = min(after + _BATCH, top)
            ours = {} if self.record is None else _salvaged(self.record, after, until)
            theirs = _salvaged(self.index, after, until)
            chosen = [
                entry
                for number in range(after + 1, until + 1)
                if (entry := self._next(ours.get(number), theirs.get(number)))
            ]
            erased = {e.change.memory_id for e in chosen if e.change.verb is ChangeKind.ERASE}
            if chosen:
                yield [_without_erased(entry, erased) for entry in chosen]

    def _next(self, ours: Entry | None, theirs: Entry | None) -> Entry | None:
        """The next entry of the new record, from one side or the other; None when lost."""
        sides = [
            e for e in (ours, theirs) if e and (self._is_cut or hash_chain.follows(e, self._head))
        ]
        whole = [e for e in sides if hash_chain.is_intact(e)]
        whole.sort(key=lambda entry: entry.memory is None)
        if not sides:
            self.lost += 1
            self.unnamed += 1
            self._is_cut = True
            return None
        found = whole[0] if whole else hash_chain.without_content(sides[0])
        if not whole and found.change.verb is not ChangeKind.ERASE:
            self.lost += 1
            self.memories.add(found.change.memory_id)
        self.restored += found is theirs
        if found.change.verb is ChangeKind.ERASE:
            self.erasure = found.change.number
        self._number += 1
        if self._is_cut:
            found = hash_chain.moved(found, self._number, self._head)
        self._head = found.head
        return found


def _top(record: Record, index: Index, *, is_foreign: bool) -> int:
    """The newest change that anybody knows of."""
    seen = index.watermark_file.number
    return max(index.number, seen) if is_foreign else max(record.number, index.number, seen)


def _salvaged(source: _Source, after: int, until: int) -> dict[int, Entry]:
    """The entries that can be read; where many at once cannot, fewer are tried."""
    try:
        found = source.entries(after, until - after)
        return {e.change.number: e for e in found if after < e.change.number <= until}
    except Exception as error:  # whatever a damaged row makes of itself
        if not (is_record_damage(error) or may_be_index_damage(error)):
            raise
    if until - after == 1:
        return {}
    middle = (after + until) // 2
    return _salvaged(source, after, middle) | _salvaged(source, middle, until)


def _without_erased(entry: Entry, erased: set[str]) -> Entry:
    """The entry, blanked if a side that had not heard of an erasure still had the text."""
    if entry.memory is None or entry.change.memory_id not in erased:
        return entry
    return hash_chain.without_content(entry)


def _copy_rest(record: Record, made: Record, erasure: int) -> bool:
    """Take over settings and traces; whether the traces could be, and may.

    They may when the record knew of every erasure, for the last removed what spoke of it.
    """
    try:
        for name, value in record.settings():
            made.setting(name, value)
        if record.last_erasure() < erasure:
            return False
        traces = record.traces()
        names = [json.loads(trace)["id"] for trace in traces]
        made.save_traces(names, f"[{','.join(traces)}]", _TRACES_MAX)
        return True
    except StoreError as error:
        if not is_record_damage(error):
            raise
        return False


def _is_clean(record: Record, index: Index, erasure: int) -> bool:
    """Whether no file there is can hold what was erased."""
    try:
        return record.compacted_at() >= erasure
    except StoreError:
        return index.watermark_file.scrubbed >= erasure


def _told_of_loss(merging: _Merging) -> str:
    named = f"{len(merging.memories)} memories" if merging.memories else ""
    unnamed = f"{merging.unnamed} changes of which nothing is known" if merging.unnamed else ""
    about = " and ".join(filter(None, (named, unnamed)))
    return (
        f"{merging.lost} changes could be read neither in the record nor in the index and are"
        f" lost: of {about}; what was put aside is in the folder damaged"
    )
