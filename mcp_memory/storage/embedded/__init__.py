"""The store for one machine: a DuckDB record and a SQLite index in one folder."""

from __future__ import annotations

from pathlib import Path

from mcp_memory.storage.contract import VectorSpace
from mcp_memory.storage.embedded.store import EmbeddedStore

__all__ = ["EmbeddedStore", "open_embedded"]


def open_embedded(home: Path, space: VectorSpace) -> EmbeddedStore:
    """Open or create the store in the folder `home`, for vectors of `space`.

    Raises StoreLocked when another process has it, StoreTooNew, StoreDamaged, StoreFull,
    MigrationFailed.
    """
    return EmbeddedStore(home, space)
