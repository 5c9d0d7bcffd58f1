"""One process owns a store: an advisory lock on a file beside it.

DuckDB's own lock is dropped by any other open and close of the same file in the process
that holds it, so it cannot be the one that counts.
"""

from __future__ import annotations

import os
from pathlib import Path

from mcp_memory.errors import StoreLocked
from mcp_memory.file_lock import FileLock, note
from mcp_memory.storage.embedded.faults import mapped


class Lock:
    """The lock on a store's folder, held from construction until `release`."""

    def __init__(self, home: Path) -> None:
        """Take the lock. Raises StoreLocked when a process, this one too, holds it."""
        path = str(home / "lock")
        with mapped("taking the lock"):
            try:
                self._lock = FileLock(path, str(os.getpid()))
            except FileExistsError as error:
                raise StoreLocked(
                    f"the store in {home} is in use by process {note(path) or 'unknown'};"
                    " connect as a client of it, end it (mcp-memory host stop), or choose"
                    " another folder with --home"
                ) from error

    def release(self) -> None:
        """Let the next one in. Safe to call twice."""
        self._lock.release()
