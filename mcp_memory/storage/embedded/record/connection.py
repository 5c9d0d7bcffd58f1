"""One DuckDB connection to the live generation, locked down, and its salvage."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import duckdb

from mcp_memory.storage import queries
from mcp_memory.storage.embedded.shared import migrations
from mcp_memory.storage.embedded.shared.errors import is_full
from mcp_memory.storage.embedded.shared.files import (
    Generations,
    set_aside,
    shown,
    sync,
    sync_folders_above,
    wal_of,
)
from mcp_memory.storage.embedded.shared.repair_log import CheckResults, note, noted, repaired

SQL = Path(__file__).parent / "sql"
_Q = queries.load(SQL / "queries.sql")

_CUTS_MAX = 3
_DAMAGED_ENTRY = re.compile(r"entry at byte position (\d+)")
_DAMAGED_BLOCK = "Corrupt database file"
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "checkpoint_threshold": "1TB",
    "temp_directory": "",
}
_NOT_THE_FILE = (
    "permission denied",
    "could not set lock",
    "too many open files",
    "out of memory",
    "input/output error",
)


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """A connection that can reach nothing but `folder`, and never checkpoints by itself."""
    connection = duckdb.connect(config=_SETTINGS)
    connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    connection.execute("SET checkpoint_on_detach = 'DISABLED'")
    connection.execute(_Q["confine"], [[str(folder)]])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def attach(
    generations: Generations, damaged: Path, findings: CheckResults
) -> tuple[duckdb.DuckDBPyConnection, Path, bool]:
    """Open the live generation, or the next, or at last a new one; is one of its blocks damaged?

    A log damaged mid-way is copied to `damaged` and cut before the bad entry, which keeps
    every commit before it. What cannot be opened at all is moved there. Nothing is removed
    before one is open, so that a damaged CURRENT costs nothing. What a killed process had
    not yet forced to the disk is, for from here on it counts as done.
    """
    named = generations.named()
    for path in generations.candidates():
        connection, is_damaged = _salvaged(path, damaged, findings)
        if connection is None:
            kept = shown(set_aside(path, damaged))
            note(findings, repaired(f"the record's file {path.name} cannot be read; it is {kept}"))
            continue
        generations.sweep(path)
        if path.name != named:
            _point(generations, path, named, findings)
        return connection, path, is_damaged
    generations.sweep(None)
    path = _first(generations)
    if named is not None:
        note(findings, repaired(f"no file of the record could be opened; {path.name} is new"))
    return _connected(path), path, False


def _point(generations: Generations, path: Path, named: str | None, findings: CheckResults) -> None:
    """Right a CURRENT that names another file than the one that was opened."""
    generations.point_to(path)
    said = f"the record's CURRENT did not name its file; it names {path.name} now"
    note(findings, noted(said) if named is None else repaired(said))


def _salvaged(
    path: Path, damaged: Path, findings: CheckResults
) -> tuple[duckdb.DuckDBPyConnection | None, bool]:
    """A connection to this generation with as much of its log as can be read, None for none.

    And whether the log, which is laid over the blocks, met one that is damaged.
    """
    wal, cuts, is_damaged = wal_of(path), 0, False
    if wal.exists():
        sync(wal)
    while True:
        try:
            return _connected(path), is_damaged
        except duckdb.Error as error:
            if is_full(error) or any(word in str(error).lower() for word in _NOT_THE_FILE):
                raise
            if not wal.exists():
                return None, True
            is_damaged = is_damaged or _DAMAGED_BLOCK in str(error)
            found = _DAMAGED_ENTRY.search(str(error))
            size = int(found[1]) - 1 if found and cuts < _CUTS_MAX else 0
            cuts += 1
            if 0 < size < wal.stat().st_size:
                said = _cut(wal, size, damaged)
            else:
                said = f"the record's log cannot be read; it is {shown(set_aside(wal, damaged))}"
            note(findings, repaired(said), error)


def _connected(path: Path) -> duckdb.DuckDBPyConnection:
    connection = connect(path.parent)
    try:
        connection.execute(_Q["attach"], [str(path)])
        connection.execute("USE live")
    except BaseException:
        connection.close()
        raise
    return connection


def run(
    connection: duckdb.DuckDBPyConnection, work: Callable[[duckdb.DuckDBPyConnection], object]
) -> None:
    """Do `work` in one transaction."""
    connection.execute("BEGIN")
    try:
        work(connection)
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


class Schema:
    """A connection as something to migrate."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def version(self) -> int:
        """See `migrations.Database`."""
        if not _scalar(self._connection, _Q["has_meta"], []):
            return 0
        return migrations.number_of(_scalar(self._connection, _Q["meta"], ["schema_version"]))

    def advance(self, script: str, version: int) -> None:
        """See `migrations.Database`."""

        def work(connection: duckdb.DuckDBPyConnection) -> None:
            connection.execute(script)
            connection.execute(_Q["note_version"], [str(version)])

        run(self._connection, work)


def _first(generations: Generations) -> Path:
    connection = connect(generations.folder)
    try:
        connection.execute(_Q["attach_draft"], [str(generations.draft)])
        connection.execute("USE draft")
        migrations.migrate(Schema(connection), SQL)
        connection.execute("CHECKPOINT draft")
    finally:
        connection.close()
    sync_folders_above(generations.folder)
    return generations.publish()


def _cut(wal: Path, size: int, damaged: Path) -> str:
    kept = shown(set_aside(wal, damaged, keep=True))
    lost = wal.stat().st_size - size
    os.truncate(wal, size)
    sync(wal)
    return (
        f"the record's log was damaged at byte {size}; its last {lost} bytes were cut off,"
        f" a copy of it is {kept}"
    )


def _scalar(connection: duckdb.DuckDBPyConnection, query: str, values: list[str]) -> str | None:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None
