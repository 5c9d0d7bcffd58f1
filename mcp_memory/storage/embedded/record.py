"""The record: the truth, in DuckDB. Not thread-safe; the store's lock guards it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from mcp_memory.model import Verb
from mcp_memory.storage import queries
from mcp_memory.storage.contract import Finding
from mcp_memory.storage.embedded import duck, migrations, record_rows
from mcp_memory.storage.embedded.chain import GENESIS, Entry
from mcp_memory.storage.embedded.faults import is_full, mapped
from mcp_memory.storage.embedded.generation import Generations, sync_folder, wal_of

_Q = queries.load(duck.SQL / "queries.sql")

_COMPACT_AFTER_BYTES = 16 << 20

_Work = Callable[[duckdb.DuckDBPyConnection], object]


class Record:
    """The journal, the revisions, traces and settings, in the live generation."""

    number: int
    """The newest change, 0 when there is none."""
    head: bytes
    """The head of the chain after it."""
    compact_after_changes = 5_000
    """How long the log may grow; one with long texts is cut by its bytes before."""

    def __init__(self, folder: Path, damaged: Path) -> None:
        """Open or create the record. Raises StoreDamaged, StoreTooNew, MigrationFailed.

        Damaged files are put aside in the folder `damaged`; `findings` says which and why.
        """
        self.findings: list[Finding] = []
        self._generations = Generations(folder)
        self._damaged = damaged
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._is_in_doubt = False
        with mapped("opening the record"):
            self._open()

    @staticmethod
    def retire(folder: Path, damaged: Path) -> str:
        """Put a record that cannot be opened aside; where it is now, in words."""
        return ", ".join(map(str, Generations(folder).retire(damaged))) or "gone"

    # --- the journal -----------------------------------------------------------------

    def append(self, entries: Sequence[Entry]) -> None:
        """Make entries durable, all or none. Raises StoreFull or StoreError.

        What they erase goes, and with it every trace, for nobody knows which to keep.

        An error at commit leaves open whether it happened, so the record is read again
        from the disk: what is there counts as done, what is not is tried once more.
        """
        changes = [record_rows.change_row(entry) for entry in entries]
        revisions = [
            record_rows.revision_row(entry.memory, entry.change.number)
            for entry in entries
            if entry.memory is not None
        ]

        erased = [e.change.memory_id for e in entries if e.change.verb is Verb.ERASE]

        def work(connection: duckdb.DuckDBPyConnection) -> None:
            if erased:
                connection.execute(_Q["erase_revisions"], [erased])
                connection.execute(_Q["blank_changes"], [erased])
                connection.execute(_Q["keep_traces"], [0])
            _insert(connection, "change", changes)
            _insert(connection, "revision", revisions)

        self._commit(work, entries)

    def erase(
        self, memory_ids: Sequence[str], entries: Sequence[Entry], traces: Sequence[str]
    ) -> None:
        """Remove memories and traces and add the entries that say so, in one transaction."""
        ids, changes = list(memory_ids), [record_rows.change_row(entry) for entry in entries]

        def work(connection: duckdb.DuckDBPyConnection) -> None:
            connection.execute(_Q["erase_revisions"], [ids])
            connection.execute(_Q["blank_changes"], [ids])
            connection.execute(_Q["drop_traces"], [list(traces)])
            _insert(connection, "change", changes)

        self._commit(work, entries)

    def entries(self, after: int, limit: int) -> list[Entry]:
        """Entries `after` a number, in order, at most `limit`."""
        return [record_rows.entry_of(row) for row in self._rows("entries", [after, after + limit])]

    def changed_after(self, number: int) -> frozenset[str]:
        """The memories that changes after this one were about."""
        return frozenset(memory_id for (memory_id,) in self._rows("changed_after", [number]))

    def head_at(self, number: int) -> bytes | None:
        """The head after change `number`, None where there is no such change."""
        if number == 0:
            return GENESIS
        rows = self._rows("head_at", [number])
        return rows[0][0] if rows else None

    def counts(self) -> tuple[int, int, int]:
        """Journal entries, revisions, and revisions without a journal entry."""
        changes, revisions, strays = self._rows("counts", [])[0]
        return changes, revisions, strays

    def count_changes(self, memory_ids: Sequence[str]) -> int:
        """Journal entries of some memories."""
        return self._rows("count_changes", [list(memory_ids)])[0][0]

    # --- traces and settings ----------------------------------------------------------

    def save_traces(self, ids: Sequence[str], documents: str, keep: int) -> None:
        """Add traces (a JSON array) in place of those with the same ids; keep the newest."""

        def work(connection: duckdb.DuckDBPyConnection) -> None:
            connection.execute(_Q["drop_traces"], [list(ids)])
            connection.execute(_Q["add_traces"], [documents])
            connection.execute(_Q["keep_traces"], [keep])

        self._commit(work, ())

    def trace(self, trace_id: str) -> str | None:
        """The JSON text of a trace."""
        rows = self._rows("trace", [trace_id])
        return rows[0][0] if rows else None

    def traces(self) -> list[str]:
        """The JSON texts of all traces."""
        return [text for (text,) in self._rows("traces", [])]

    def setting(self, name: str, default: str) -> str:
        """The value of a setting, stored as `default` if there was none."""
        self.open_again()
        rows = self._rows("setting", [name])
        if rows:
            return rows[0][0]
        self._commit(lambda connection: connection.execute(_Q["add_setting"], [name, default]), ())
        return default

    # --- generations -------------------------------------------------------------------

    def open_again(self) -> None:
        """Read `number` and `head` from the disk if an error left them uncertain.

        What is there and may not be durable is written anew before it counts as done.
        """
        with mapped("opening the record"):
            self._live()
            if self._is_in_doubt:
                self._compact()

    def is_due(self) -> bool:
        """Whether the log is long enough to be compacted."""
        live = self._generations.current()
        wal = wal_of(live) if live else None
        is_big = wal is not None and wal.exists() and wal.stat().st_size > _COMPACT_AFTER_BYTES
        return is_big or self.number - self._compacted_at() > self.compact_after_changes

    def holds_erased(self) -> bool:
        """Whether the files hold what was erased since the last compaction."""
        return self._rows("last_erasure", [])[0][0] > self._compacted_at()

    def compact(self) -> list[Path]:
        """Write everything into a new generation; the files of the old, which are gone."""
        with mapped("compacting the record"):
            return self._compact()

    def close(self) -> None:
        """Let go of the files."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _compacted_at(self) -> int:
        rows = self._rows("meta", ["compacted_at"])
        return int(rows[0][0]) if rows else 0

    def _compact(self) -> list[Path]:
        connection, old = self._live(), self._generations.current()
        self._generations.sweep()
        try:
            connection.execute(_Q["attach_draft"], [str(self._generations.draft)])
            try:
                connection.execute(_Q["copy_to_draft"])
                connection.execute(_Q["note_compaction"], [str(self.number)])
                connection.execute("CHECKPOINT draft")
            finally:
                connection.execute("DETACH draft")
            self.close()
            self._generations.publish()
            self._is_in_doubt = False
        finally:
            self._open()
        return [path for path in (old, wal_of(old)) if old and not path.exists()] if old else []

    def _open(self) -> None:
        self.close()
        connection = duck.attach(self._generations, self._damaged, self.findings)
        try:
            migrations.migrate(duck.Schema(connection), duck.SQL)
            last = connection.execute(_Q["last_change"]).fetchone()
        except BaseException:
            connection.close()
            raise
        self.number, self.head = last or (0, GENESIS)
        self._connection = connection
        self._log_is_kept = False

    def _live(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            self._open()
        assert self._connection is not None
        return self._connection

    def _commit(self, work: _Work, entries: Sequence[Entry]) -> None:
        with mapped("writing to the record"):
            try:
                self._run(work)
            except (duckdb.Error, OSError) as error:
                self._is_in_doubt = True
                self._open()
                if entries and self.head == entries[-1].head:
                    self._compact()  # after a sync that failed, only what is written anew is safe
                    return
                self._is_in_doubt = False
                if is_full(error):
                    raise
                self._once_more(work)
        if entries:
            self.number, self.head = entries[-1].change.number, entries[-1].head

    def _once_more(self, work: _Work) -> None:
        try:
            self._run(work)
        except (duckdb.Error, OSError):
            self.close()  # whether it happened shows at the next use
            self._is_in_doubt = True
            raise

    def _run(self, work: _Work) -> None:
        duck.run(self._live(), work)
        self._keep_log()

    def _keep_log(self) -> None:
        # DuckDB makes its log with the first commit: for everybody to read, and without
        # forcing its name to the disk.
        if not self._log_is_kept and (live := self._generations.current()):
            sync_folder(live.parent)
            self._log_is_kept = True
            with contextlib.suppress(OSError):
                os.chmod(wal_of(live), 0o600)

    def _rows(self, name: str, values: list[Any]) -> list[Any]:
        with mapped("reading the record"):
            try:
                return self._live().execute(_Q[name], values).fetchall()
            except (duckdb.FatalException, duckdb.InternalException):
                self._open()  # the instance died, e.g. of a full disk; its files did not
                return self._live().execute(_Q[name], values).fetchall()


def _insert(connection: duckdb.DuckDBPyConnection, noun: str, rows: Sequence[list[Any]]) -> None:
    # One row is fastest as values; many as columns, ten times faster than one by one.
    if len(rows) == 1:
        connection.execute(_Q[f"add_{noun}"], rows[0])
    elif rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(_Q[f"add_{noun}s"], columns)
