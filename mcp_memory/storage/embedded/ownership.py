"""That a store is still held: its lock, its folder, and every file of it in its place.

Looked at whenever the store is used, and again before a write is acknowledged, for what goes
into a file that was removed is gone with the process. Nine looks at files cost some ten
microseconds, a commit some milliseconds.
"""

from __future__ import annotations

from mcp_memory.errors import StoreDamaged
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.embedded.lock import Lock
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.repair import recovery
from mcp_memory.storage.embedded.shared.files import shown
from mcp_memory.storage.embedded.shared.repair_log import meddled, note
from mcp_memory.storage.embedded.sync import IndexSync


class Ownership:
    """What an open store holds. The store's guard must be held by whoever asks."""

    def __init__(self, lock: Lock, record: Record, index: Index, step: IndexSync) -> None:
        self._lock = lock
        self._record = record
        self._index = index
        self._step = step

    def assure(self) -> None:
        """See that all is in place, and put in place what is not.

        Raises StoreGone where the folder is not ours any more: nothing there may be touched.
        """
        retaken = self._lock.assure(self._record.path)
        self._assure_record()
        if retaken:  # somebody may have been at it meanwhile
            self._record.close()
            self._index.look_again()
        if changed := self._index.displaced():
            self._step.begin_again()
            detail = (
                f"{', '.join(changed)} of the index was removed or replaced while in use; the index"
                " was made anew from the record, its vectors are made behind"
            )
            note(self._index.findings, meddled(detail))

    def assure_written(self, head: bytes) -> None:
        """See that a commit that ended with this head of the chain lies where it will be found.

        Raises StoreGone, StoreDamaged; what became of it is then unknown.
        """
        self._lock.assure(self._record.path)
        self._assure_record()
        if self._record.head != head:
            raise StoreDamaged("the record was changed by somebody else meanwhile; try again")

    def _assure_record(self) -> None:
        changed = self._record.displaced()
        if not changed:
            return
        kept = self._record.move_on()
        recovery.secure(self._record, self._index)
        aside = f"; what lay there instead is {', '.join(map(shown, kept))}" if kept else ""
        detail = (
            f"{', '.join(changed)} of the record was removed or replaced while in use; all of"
            f" the record was written anew into {self._record.path.name}{aside}"
        )
        note(self._record.findings, meddled(detail))
