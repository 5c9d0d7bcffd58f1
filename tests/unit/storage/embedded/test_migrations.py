"""Schemas: every way leads to the same one, and a step that fails changes nothing."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from mcp_memory.errors import MigrationFailed, StoreTooNew
from mcp_memory.storage.embedded.record import connection as duck
from mcp_memory.storage.embedded.shared.migrations import migrate
from tests.support.factories import memory, open_store, put, revised, where, windows

STEPS = sorted((duck.SQL / "migrations").glob("*.sql"))
BROKEN = """
ALTER TABLE revisions ADD COLUMN mood VARCHAR DEFAULT 'fine';
UPDATE revisions SET content = 'overwritten';
DELETE FROM changes;
SELECT * FROM a_table_that_is_not_there;
"""


def schema_of(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    """Every table, view, index, column and constraint of the database in use."""
    return connection.execute(
        """
        SELECT 'table', table_name, '', sql FROM duckdb_tables()
            WHERE database_name = current_database()
        UNION ALL SELECT 'view', view_name, '', sql FROM duckdb_views()
            WHERE database_name = current_database() AND NOT internal
        UNION ALL SELECT 'index', index_name, table_name, sql FROM duckdb_indexes()
            WHERE database_name = current_database()
        UNION ALL SELECT 'column', table_name, column_name,
                concat_ws(' ', column_index, data_type, is_nullable, column_default)
            FROM duckdb_columns() WHERE database_name = current_database() AND NOT internal
        UNION ALL SELECT 'constraint', table_name, constraint_type, constraint_text
            FROM duckdb_constraints() WHERE database_name = current_database()
        ORDER BY ALL
        """
    ).fetchall()


def with_step(folder: Path, script: str) -> tuple[Path, int]:
    """A copy of the schema's folder with one more step, and the number of that step."""
    copy = folder / "sql"
    shutil.copytree(duck.SQL, copy)
    number = int(STEPS[-1].name[:4]) + 1
    (copy / "migrations" / f"{number:04}_next.sql").write_text(script, encoding="utf-8")
    return copy, number


def live_file(home: Path) -> Path:
    """The database file that holds the record of the closed store in `home`."""
    (pointer,) = home.rglob("CURRENT")
    return pointer.parent / pointer.read_text(encoding="ascii").strip()


@contextmanager
def opened(home: Path) -> Generator[duckdb.DuckDBPyConnection, None, None]:
    """A connection to the record of the closed store in `home`."""
    with duckdb.connect(str(live_file(home))) as connection:
        yield connection


def digests(home: Path) -> dict[str, str]:
    """A digest of each file of the store but its lock, which names who held it."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def test_a_fresh_schema_equals_a_migrated_one() -> None:
    with duckdb.connect() as fresh, duckdb.connect() as migrated:
        migrate(duck.Schema(fresh), duck.SQL)
        first, *_ = STEPS
        duck.Schema(migrated).advance(first.read_text(encoding="utf-8"), int(first.name[:4]))
        migrate(duck.Schema(migrated), duck.SQL)
        assert schema_of(fresh) == schema_of(migrated)
        assert len(schema_of(fresh)) > 10
        assert duck.Schema(fresh).version() == duck.Schema(migrated).version() == len(STEPS)


def test_steps_are_numbered_from_one_without_gaps() -> None:
    assert [int(step.name[:4]) for step in STEPS] == list(range(1, len(STEPS) + 1))


def test_migrating_twice_changes_nothing() -> None:
    with duckdb.connect() as connection:
        migrate(duck.Schema(connection), duck.SQL)
        before = schema_of(connection)
        migrate(duck.Schema(connection), duck.SQL)
        assert schema_of(connection) == before


def test_an_older_store_is_brought_up_to_date_with_its_data(tmp_path: Path) -> None:
    store = open_store("embedded", tmp_path / "home")
    kept = memory("Alice drinks tea.")
    put(store, kept)
    store.close()
    folder, number = with_step(tmp_path, "ALTER TABLE revisions ADD COLUMN mood VARCHAR;")
    with opened(tmp_path / "home") as connection:
        migrate(duck.Schema(connection), folder)
        assert duck.Schema(connection).version() == number
        found = connection.execute("SELECT memory_id, content, mood FROM revisions").fetchall()
    assert found == [(kept.id, kept.content, None)]


def test_a_failing_step_leaves_schema_and_data_as_they_were(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = open_store("embedded", home)
    first = memory("Alice drinks tea.")
    second = revised(first, content="Alice drinks coffee.")
    put(store, first, second, vectors=[windows(1), windows(2)])
    store.close()
    folder, number = with_step(tmp_path, BROKEN)
    with opened(home) as connection:
        before = schema_of(connection)
        with pytest.raises(MigrationFailed, match=f"{number:04}_next"):
            migrate(duck.Schema(connection), folder)
        assert schema_of(connection) == before
        assert duck.Schema(connection).version() == number - 1
    again = open_store("embedded", home)
    assert again.select(where()) == [second]
    assert [finding for finding in again.check() if not finding.ok] == []
    again.close()


def test_a_store_of_a_newer_version_is_refused_and_untouched(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = open_store("embedded", home)
    kept = memory("Alice drinks tea.")
    put(store, kept)
    store.close()
    newer = len(STEPS) + 1
    with opened(home) as connection:
        duck.Schema(connection).advance("SELECT 1", newer)
    before = digests(home)
    for _ in range(2):
        with pytest.raises(StoreTooNew, match=str(newer)):
            open_store("embedded", home)
    assert digests(home) == before
    with opened(home) as connection:
        duck.Schema(connection).advance("SELECT 1", len(STEPS))
    again = open_store("embedded", home)
    assert again.select(where()) == [kept]
    again.close()
