"""One DuckDB connection to the live generation, locked down, and its salvage."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import duckdb

from mcp_memory.errors import StoreDamaged
from mcp_memory.storage import queries
from mcp_memory.storage.contract import Finding
from mcp_memory.storage.embedded import migrations
from mcp_memory.storage.embedded.faults import is_full
from mcp_memory.storage.embedded.findings import note, repaired
from mcp_memory.storage.embedded.generation import (
    Generations,
    set_aside,
    sync,
    sync_folders_above,
    wal_of,
)

SQL = Path(__file__).parent / "sql" / "record"
_Q = queries.load(SQL / "queries.sql")

_SALVAGES_MAX = 3
_DAMAGED_ENTRY = re.compile(r"entry at byte position (\d+)")
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "checkpoint_threshold": "1TB",
    "temp_directory": "",
}
_ABOUT_ACCESS = ("permission denied", "could not set lock", "too many open files")


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
    generations: Generations, damaged: Path, findings: list[Finding]
) -> duckdb.DuckDBPyConnection:
    """Open the live generation, salvaging its log if need be; a new one when there is none.

    A log damaged mid-way is copied to `damaged` and cut before the bad entry, which keeps
    every commit before it. What a killed process had not yet forced to the disk is, for
    from here on it counts as done. Raises StoreDamaged when the generation cannot be opened.
    """
    generations.sweep()
    path = generations.current() or _first(generations)
    if not path.exists():
        raise StoreDamaged(f"{path} is missing, and no other file holds the record")
    if wal_of(path).exists():
        sync(wal_of(path))
    for _ in range(_SALVAGES_MAX):
        connection = connect(generations.folder)
        try:
            connection.execute(_Q["attach"], [str(path)])
            connection.execute("USE live")
            return connection
        except duckdb.Error as error:
            connection.close()
            if is_full(error) or any(word in str(error).lower() for word in _ABOUT_ACCESS):
                raise
            found = _DAMAGED_ENTRY.search(str(error))
            if not found:
                raise StoreDamaged(f"{path} cannot be opened ({error})") from error
            note(findings, repaired(_cut(wal_of(path), int(found[1]) - 1, damaged)))
    raise StoreDamaged(f"{wal_of(path)} is damaged in too many places")


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
        return int(_scalar(self._connection, _Q["meta"], ["schema_version"]) or 0)

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
    kept = set_aside(wal, damaged, keep=True)
    lost = wal.stat().st_size - size
    os.truncate(wal, size)
    sync(wal)
    return (
        f"the record's log was damaged at byte {size}; its last {lost} bytes were cut off,"
        f" a copy is {kept}"
    )


def _scalar(connection: duckdb.DuckDBPyConnection, query: str, values: list[str]) -> str | None:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None
