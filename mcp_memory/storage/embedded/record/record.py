"""The record: the truth, in DuckDB. Not thread-safe; the store's lock guards it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from mcp_memory.domain.memory import ChangeKind
from mcp_memory.errors import StoreDamaged
from mcp_memory.storage import queries
from mcp_memory.storage.embedded.record import connection as duck
from mcp_memory.storage.embedded.record import rows as record_rows
from mcp_memory.storage.embedded.shared import migrations
from mcp_memory.storage.embedded.shared.errors import is_full, is_record_damage, mapped
from mcp_memory.storage.embedded.shared.file_identity import FileIdentity
from mcp_memory.storage.embedded.shared.files import Generations, set_aside, sync_folder, wal_of
from mcp_memory.storage.embedded.shared.hash_chain import GENESIS, Entry, follows
from mcp_memory.storage.embedded.shared.repair_log import CheckResults, note, repaired

_Q = queries.load(duck.SQL / "queries.sql")

_COMPACT_AFTER_BYTES = 32 << 20
"""Of the log, which is held in memory too, and is read again after a kill (0.8 s of it)."""

_Work = Callable[[duckdb.DuckDBPyConnection], object]


class Record:
    """The journal, the revisions, traces and settings, in the live generation."""

    number: int
    """The newest change, 0 when there is none."""
    head: bytes
    """The head of the chain after it."""
    is_suspect: bool
    """Whether something in it could not be read, or does not add up: it is to be mended."""
    mend: Callable[[], None]
    """What mends it, with the help of the index; nothing until the store has opened both."""
    compact_after_changes = 5_000
    """How long the log may grow; one with long texts is cut by its bytes before."""

    def __init__(self, folder: Path, damaged: Path) -> None:
        """Open or create the record. Raises StoreTooNew, MigrationFailed.

        Damaged files are put aside in the folder `damaged`; `findings` says which and why.
        """
        self.findings = CheckResults(damaged.parent)
        self.generations = Generations(folder)
        self.damaged = damaged
        self.is_suspect = False
        self.mend: Callable[[], None] = lambda: None
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._is_in_doubt = False
        with mapped("opening the record"):
            self._open()

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

        erased = [e.change.memory_id for e in entries if e.change.verb is ChangeKind.ERASE]

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

    def changed_after(self, number: int) -> dict[str, int]:
        """The memories that changes after this one were about, each with the last of them."""
        return dict(self._rows("changed_after", [number]))

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

    def rehearse(self, entry: Entry) -> None:
        """Add an entry and take it back: scans do without the keys that a write needs."""
        with mapped("trying to write to the record"):
            connection = self._live()
            connection.execute("BEGIN")
            try:
                _insert(connection, "change", [record_rows.change_row(entry)])
                if entry.memory is not None:
                    row = record_rows.revision_row(entry.memory, entry.change.number)
                    _insert(connection, "revision", [row])
            except duckdb.Error as error:
                self.suspect(error)
                raise
            finally:
                with contextlib.suppress(duckdb.Error):
                    connection.execute("ROLLBACK")

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

        self.open_again()
        self._commit(work, ())

    def settings(self) -> list[tuple[str, str]]:
        """Every setting and its value."""
        return self._rows("settings", [])

    def trace(self, trace_id: str) -> str | None:
        """The JSON text of a trace."""
        rows = self._rows("trace", [trace_id])
        return rows[0][0] if rows else None

    def traces_of(self, of: str, seen: list[str], limit: int) -> list[str]:
        """The JSON texts of the newest traces that have a partition, and none but `seen`."""
        return [text for (text,) in self._rows("traces_of", [of, seen, limit])]

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

    def suspect(self, error: BaseException) -> None:
        """Take note of an error that may tell of a damaged file."""
        if is_record_damage(error) or is_record_damage(error.__context__):
            self.is_suspect = True

    def adopt(self, made: Record, *, keep: bool) -> list[Path]:
        """Go on with what another record holds, in a generation of its own.

        That one is closed. The files there were are put aside if they may be kept; where
        they are now.
        """
        made.compact()
        made.close()
        self.close()
        old = [path for path in (self.path, wal_of(self.path)) if path.exists()]
        os.replace(made.path, self.generations.draft)
        self.generations.publish()
        self._is_in_doubt = False
        kept = [set_aside(path, self.damaged) for path in old if keep]
        self.is_suspect = False
        self._open()
        return kept

    def is_due(self) -> bool:
        """Whether the log is long enough to be compacted."""
        wal = wal_of(self.path)
        is_big = wal.exists() and wal.stat().st_size > _COMPACT_AFTER_BYTES
        return is_big or self.number - self.compacted_at() > self.compact_after_changes

    def holds_erased(self) -> bool:
        """Whether the files hold what was erased since the last compaction."""
        return self.last_erasure() > self.compacted_at()

    def last_erasure(self) -> int:
        """The number of the newest erasure, 0 when there is none."""
        return self._rows("last_erasure", [])[0][0]

    def compact(self) -> list[Path]:
        """Write everything into a new generation; the files of the old, which are gone."""
        with mapped("compacting the record"):
            return self._compact()

    def displaced(self) -> list[str]:
        """The names of its files that somebody else removed, replaced or wrote to."""
        return [] if self._connection is None else self._identity.changes()

    def move_on(self) -> list[Path]:
        """Write everything that is open into a new generation, whatever became of the files.

        Those that somebody else put there are put aside; where they are now.
        """
        with mapped("writing the record anew"):
            self.generations.folder.mkdir(mode=0o700, exist_ok=True)
            strangers = self.generations.strangers(self._identity)
            kept = [set_aside(path, self.damaged) for path in strangers]
            self._compact()
            return kept

    def close(self) -> None:
        """Let go of the files."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def compacted_at(self) -> int:
        """The change at which the live generation was made."""
        rows = self._rows("meta", ["compacted_at"])
        return int(rows[0][0]) if rows else 0

    def _compact(self) -> list[Path]:
        connection, old = self._live(), self.path
        self.generations.sweep(old)
        try:
            connection.execute(_Q["attach_draft"], [str(self.generations.draft)])
            try:
                connection.execute(_Q["copy_to_draft"])
                connection.execute(_Q["note_compaction"], [str(self.number)])
                connection.execute("CHECKPOINT draft")
            finally:
                connection.execute("DETACH draft")
        except duckdb.Error as error:
            self.suspect(error)
            if not self.displaced():  # else nothing has what is open but this connection
                self._open()
            raise
        self.generations.publish(old)
        self._is_in_doubt = False
        self._open()
        return [path for path in (old, wal_of(old)) if not path.exists()]

    def _open(self) -> None:
        self.close()
        connection, self.path, is_damaged = duck.attach(
            self.generations, self.damaged, self.findings
        )
        self.is_suspect = self.is_suspect or is_damaged
        self.number, self.head = 0, GENESIS
        try:
            self._migrate(connection)
            if last := connection.execute(_Q["last_change"]).fetchone():
                self.number, self.head, count = last
                self.is_suspect = self.is_suspect or count != self.number
        except BaseException as error:
            if not is_record_damage(error):
                connection.close()
                raise
            self.is_suspect = True  # what can be read of it is saved when it is mended
        self._connection = connection
        self._log_is_kept = False
        whole = (self.path, self.generations.pointer)
        self._identity = FileIdentity(whole=whole, growing=[wal_of(self.path)])

    def _migrate(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Bring it to the newest schema; what has no number is read as if it were of that."""
        try:
            migrations.migrate(duck.Schema(connection), duck.SQL)
        except migrations.Unnumbered as error:
            self.is_suspect = True
            said = "the record has a schema number that is none; each change in it was verified"
            note(self.findings, repaired(said), error)

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
                self.suspect(error)
                self._is_in_doubt = True
                self._open()
                if entries and self.head == entries[-1].head:
                    self._compact()  # after a sync that failed, only what is written anew is safe
                    return
                self._is_in_doubt = False
                if is_full(error):
                    raise
                if self.is_suspect and entries:
                    self._mend(entries)
                self._once_more(work)
        if entries:
            self.number, self.head = entries[-1].change.number, entries[-1].head

    def _mend(self, entries: Sequence[Entry]) -> None:
        """Have a damaged record mended before a write is tried once more, if it still fits."""
        self.mend()
        if not follows(entries[0], self.head):
            raise StoreDamaged("the record was damaged and has lost changes; try again")

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
        if not self._log_is_kept:
            sync_folder(self.path.parent)
            self._log_is_kept = True
            with contextlib.suppress(OSError):
                os.chmod(wal_of(self.path), 0o600)
        self._identity.note_one(wal_of(self.path))

    def _rows(self, name: str, values: list[Any]) -> list[Any]:
        with mapped("reading the record"):
            try:
                return self._live().execute(_Q[name], values).fetchall()
            except (duckdb.FatalException, duckdb.InternalException):
                self._open()  # the instance died, e.g. of a full disk; its files did not
                return self._live().execute(_Q[name], values).fetchall()
            except duckdb.Error as error:
                self.suspect(error)
                raise


def _insert(connection: duckdb.DuckDBPyConnection, noun: str, rows: Sequence[list[Any]]) -> None:
    # One row is fastest as values; many as columns, ten times faster than one by one.
    if len(rows) == 1:
        connection.execute(_Q[f"add_{noun}"], rows[0])
    elif rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(_Q[f"add_{noun}s"], columns)
