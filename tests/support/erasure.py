"""What is left of a text in a store's folder: in the bytes, and in what the databases say.

From some thousand rows on DuckDB keeps strings in a dictionary of their pieces, so that a
text which is there is in no run of bytes. So each database is read too, through a copy of
it with its log, each column of each table.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apsw
import duckdb


def left_in(home: Path, traces: Iterable[bytes]) -> dict[str, set[bytes]]:
    """Which of these bytes are in which file."""
    sought = set(traces)
    found: dict[str, set[bytes]] = {}
    for path in _files(home):
        said = path.read_bytes()
        found[path.name] = {trace for trace in sought if trace in said}
    for name, said in read(home).items():
        found.setdefault(name, set()).update(trace for trace in sought if trace in said)
    return {name: there for name, there in found.items() if there}


def read(home: Path) -> dict[str, bytes]:
    """What the databases in a folder say, by the names of their files."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns("socket"))
        return {
            path.name: b"\n".join(map(_as_bytes, cells))
            for path in _files(copy)
            if (cells := list(_cells(path)))
        }


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _cells(path: Path) -> Iterator[Any]:
    """Every value in a database; nothing of a file that is none."""
    head = path.read_bytes()[:16] if path.exists() else b""  # a log ends with its database
    if head[8:12] == b"DUCK":
        yield from _duck(path)
    elif head.startswith(b"SQLite format 3"):
        yield from _sqlite(path)


def _duck(path: Path) -> Iterator[Any]:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS copy")
        tables = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'copy'"
        ).fetchall()
        assert tables, f"{path} holds no table"
        for schema, table in tables:
            for row in connection.execute(f'SELECT * FROM copy."{schema}"."{table}"').fetchall():
                yield from row


def _sqlite(path: Path) -> Iterator[Any]:
    """The tables that are stored: those that full text and vectors are made of, too."""
    connection = apsw.Connection(str(path))
    try:
        stored = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0"
        for (table,) in connection.execute(stored).fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from row
    finally:
        connection.close()


def _as_bytes(cell: Any) -> bytes:
    return cell if isinstance(cell, bytes) else str(cell).encode("utf-8", "surrogatepass")
