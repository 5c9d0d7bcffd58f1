"""The index's schema and the small facts it keeps about itself."""

from __future__ import annotations

from pathlib import Path

import apsw

from mcp_memory.storage import queries
from mcp_memory.storage.contract import VectorSpace
from mcp_memory.storage.embedded.index.connection import transaction
from mcp_memory.storage.embedded.shared import migrations
from mcp_memory.storage.embedded.shared.hash_chain import GENESIS

SQL = Path(__file__).parent / "sql"
_Q = queries.load(SQL / "queries.sql")


class Schema:
    """A connection as something to migrate."""

    def __init__(self, connection: apsw.Connection, dimensions: int) -> None:
        self._connection = connection
        self._dimensions = dimensions

    def version(self) -> int:
        """See `migrations.Database`."""
        (there,) = self._connection.execute(_Q["has_meta"]).fetchall()[0]
        if not there:
            return 0
        return migrations.number_of(str(meta(self._connection, "schema_version", "")))

    def advance(self, script: str, version: int) -> None:
        """See `migrations.Database`. A definition cannot take parameters, hence the replace."""
        with transaction(self._connection):
            self._connection.execute(script.replace("$dimensions", str(self._dimensions)))
            set_meta(self._connection, "schema_version", str(version))


def meta(connection: apsw.Connection, name: str, default: str) -> str:
    """What the index knows about itself."""
    found = connection.execute(_Q["meta"], {"name": name}).fetchone()
    return found[0] if found else default


def set_meta(connection: apsw.Connection, name: str, value: str) -> None:
    """Note something about the index itself."""
    connection.execute(_Q["set_meta"], {"name": name, "value": value})


def watermark(connection: apsw.Connection) -> tuple[int, bytes]:
    """The change up to which the index is true, and the head of the chain there."""
    number = int(meta(connection, "number", "0"))
    return number, bytes.fromhex(meta(connection, "head", GENESIS.hex()))


def set_watermark(connection: apsw.Connection, number: int, head: bytes) -> None:
    """Move the watermark."""
    set_meta(connection, "number", str(number))
    set_meta(connection, "head", head.hex())


def set_space(connection: apsw.Connection, space: VectorSpace) -> bool:
    """Note which model makes the vectors; True when it was another until now.

    The vectors of the other are dropped, for nothing compares across models.
    """
    name = f"{space.name} {space.dimensions} {space.digest}"
    known = meta(connection, "space", "")
    if known == name:
        return False
    with transaction(connection):
        if known:
            connection.execute(_Q["forget_vectors"])
            connection.execute(_Q["forget_codes"])
            connection.execute(_Q["add_codes"].replace("$dimensions", str(space.dimensions)))
            connection.execute(_Q["wait_for_vectors"])
        set_meta(connection, "space", name)
    return bool(known)


def migrate(connection: apsw.Connection, space: VectorSpace) -> None:
    """Bring the index to the newest schema; see `migrations.migrate`."""
    migrations.migrate(Schema(connection, space.dimensions), SQL)
