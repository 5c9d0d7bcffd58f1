"""Bringing a database to the newest schema.

`schema.sql` is what a new database gets; `migrations/NNNN_name.sql` lead every older one
to the same. A migration shares a transaction with the note that it was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from mcp_memory.errors import MigrationFailed, StoreDamaged, StoreTooNew

_NUMBER_MAX = 9999
"""Steps are numbered in four digits: whatever is above was written by no version."""


class Unnumbered(StoreDamaged):
    """A database with tables, whose schema number is none that anybody ever wrote."""


class Database(Protocol):
    """What a database has to offer to be migrated."""

    def version(self) -> int:
        """The number of the last migration, 0 for an empty database."""
        ...

    def advance(self, script: str, version: int) -> None:
        """Run a script and note the version, in one transaction."""
        ...


def number_of(noted: str | None) -> int:
    """The schema number that a database with tables notes. Raises Unnumbered."""
    said = noted or ""
    if said.isascii() and said.isdecimal() and len(said) < 19 and 1 <= int(said) <= _NUMBER_MAX:
        return int(said)
    raise Unnumbered("the schema number is none; run: mcp-memory doctor")


def migrate(database: Database, folder: Path) -> None:
    """Bring the database to the newest schema in `folder`.

    Raises StoreTooNew when a newer mcp-memory wrote it, Unnumbered when nobody did,
    MigrationFailed when a step did not work; the data is then as before that step.
    """
    schema, steps = _scripts(folder)
    newest, version = max(steps), database.version()
    if version > newest:
        raise StoreTooNew(
            f"the store has schema version {version}, this mcp-memory knows up to {newest};"
            " upgrade mcp-memory to open it"
        )
    if version == 0:
        database.advance(schema, newest)
        return
    for number in range(version + 1, newest + 1):
        name, script = steps[number]
        try:
            database.advance(script, number)
        except Exception as error:  # any engine's error means the same here
            raise MigrationFailed(
                f"the step {name} failed ({error}); the data is as it was:"
                " go back to the version before and report this"
            ) from error


@cache
def _scripts(folder: Path) -> tuple[str, Mapping[int, tuple[str, str]]]:
    """The schema, and by number each step with its name; read once, for the files may go."""
    files = sorted((folder / "migrations").glob("*.sql"))
    steps = {int(file.name[:4]): (file.stem, file.read_text(encoding="utf-8")) for file in files}
    return (folder / "schema.sql").read_text(encoding="utf-8"), MappingProxyType(steps)
