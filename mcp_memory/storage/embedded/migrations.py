"""Bringing a database to the newest schema.

`schema.sql` is what a new database gets; `migrations/NNNN_name.sql` lead every older one
to the same. A migration shares a transaction with the note that it was done.
"""

from __future__ import annotations

from pathlib import Path
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
    steps = {int(path.name[:4]): path for path in sorted((folder / "migrations").glob("*.sql"))}
    newest, version = max(steps), database.version()
    if version > newest:
        raise StoreTooNew(
            f"the store has schema version {version}, this mcp-memory knows up to {newest};"
            " upgrade mcp-memory to open it"
        )
    if version == 0:
        database.advance((folder / "schema.sql").read_text(encoding="utf-8"), newest)
        return
    for number in range(version + 1, newest + 1):
        try:
            database.advance(steps[number].read_text(encoding="utf-8"), number)
        except Exception as error:  # any engine's error means the same here
            raise MigrationFailed(
                f"the step {steps[number].stem} failed ({error}); the data is as it was:"
                " go back to the version before and report this"
            ) from error
