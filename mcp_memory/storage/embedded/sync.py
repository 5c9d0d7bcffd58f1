"""Keeping the index in step with the record. The store's lock guards all of it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from mcp_memory.errors import StoreError
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.embedded.lag import IN_STEP, Lag
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.repair import recovery
from mcp_memory.storage.embedded.shared import hash_chain
from mcp_memory.storage.embedded.shared.errors import is_index_damage, translate
from mcp_memory.storage.embedded.shared.repair_log import note, noted


class IndexSync:
    """Tells the index what the record holds: with each write, and what it missed.

    `lag` is what it has missed so far; anybody may read it.
    """

    def __init__(self, home: Path, record: Record, index: Index) -> None:
        self._home = home
        self._record = record
        self._index = index
        self.lag = self._lag()

    @property
    def behind(self) -> int:
        """How many changes the index has not taken in; also those on their way."""
        return self._record.number - self._index.number

    def project(
        self, entries: Sequence[hash_chain.Entry], packed: Sequence[list[bytes] | None]
    ) -> None:
        """Tell the index of what the record just took in. Should that fail, nothing is lost.

        The index is then behind and catches up before the next use of it.
        """
        try:
            self._index.apply(entries, packed)
        except Exception as error:  # the write is durable: nothing here may say it failed
            missed = {entry.change.memory_id: entry.change.number for entry in entries}
            self.lag = Lag(last={**self.lag.last, **missed}, newest=self._record.number)
            self.note(error)

    def catch_up(self, changes_max: int | None = None) -> int:
        """Take in what was missed, or so much of it; how many changes are left."""
        self._record.open_again()
        if self._record.is_suspect or self.behind < 0:
            self._put_right()
        if self.behind:
            if not self.lag.last or self.lag.newest != self._record.number:
                self.lag = self._lag()
            try:
                self._take_in(changes_max)
            except Exception as error:  # a fault of ours, too, is an error of the store
                if isinstance(error, StoreError):
                    raise
                raise translate("bringing the index up to date", error) from error
        if not self.behind:
            self.lag = IN_STEP
        return self.behind

    def try_to_catch_up(self) -> None:
        """The same for a read, which can go on without, e.g. where there is no room for it."""
        try:
            self.catch_up()
        except Exception as error:  # whatever it is, what the index has can be read
            self.note(error)

    def begin_again(self, fault: str = "") -> None:
        """Go on with an empty index; the file of one with a `fault` is put aside."""
        self._record.open_again()
        recovery.secure(self._record, self._index)
        self.lag = self._lag(after=0)
        if fault:
            self._index.renew("the index was damaged", fault)
        else:
            self._index.empty()
        if not self.behind:
            self.lag = IN_STEP

    def finish_erasures(self) -> None:
        """See `recovery.finish_erasures`."""
        recovery.finish_erasures(self._home, self._record, self._index)

    def note(self, error: Exception) -> None:
        """Note that the index could not follow."""
        note(self._index.findings, noted(f"the index fell behind for a while ({error})"))

    def _put_right(self) -> None:
        """Mend the record, with what the index holds, which may then have to begin again."""
        with contextlib.suppress(StoreError):  # what cannot be read yet is known afterwards
            self.lag = self._lag(after=0)  # for who reads meanwhile
        recovery.put_right(self._home, self._record, self._index)
        self.lag = self._lag()

    def _take_in(self, changes_max: int | None) -> None:
        try:
            recovery.catch_up(self._record, self._index, changes_max)
        except Exception as error:
            if self._record.is_suspect:
                self._put_right()
            elif is_index_damage(error):
                self.begin_again(str(error))
            else:
                raise
            recovery.catch_up(self._record, self._index, changes_max)

    def _lag(self, after: int | None = None) -> Lag:
        number = self._index.number if after is None else after
        if number == self._record.number:
            return IN_STEP
        return Lag(last=self._record.changed_after(number), newest=self._record.number)
