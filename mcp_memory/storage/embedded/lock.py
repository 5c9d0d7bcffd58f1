"""One process owns a store: an advisory lock on a file beside it.

DuckDB's own lock is dropped by any other open and close of the same file in the process
that holds it, so it cannot be the one that counts.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mcp_memory.errors import StoreGone, StoreLocked
from mcp_memory.storage.embedded.shared.errors import mapped
from mcp_memory.storage.embedded.shared.file_identity import identity
from mcp_memory.system.file_lock import FileLock, note


class Lock:
    """The lock on a store's folder, held from construction until `release`."""

    def __init__(self, home: Path) -> None:
        """Take the lock. Raises StoreLocked when a process, this one too, holds it."""
        self._home = home
        self._folder = identity(home)
        self._path = path = str(home / "lock")
        with mapped("taking the lock"):
            try:
                self._lock = FileLock(path, str(os.getpid()))
            except FileExistsError as error:
                raise StoreLocked(
                    f"the store in {home} is in use by process {note(path) or 'unknown'};"
                    " connect as a client of it, end it (mcp-memory daemon stop), or choose"
                    " another folder with --home"
                ) from error

    def assure(self, needed: Path) -> bool:
        """See that the folder is still ours; whether the lock had to be taken anew.

        It is taken anew where its file alone was removed. Where `needed` is gone too, the
        folder was emptied on purpose. Raises StoreGone.
        """
        if sys.platform == "win32" or self._lock.is_there():
            return False
        if identity(self._home) != self._folder or not needed.exists():
            raise StoreGone(
                f"the folder {self._home} was removed or moved while mcp-memory was using it, so"
                " this was not stored for certain. What was stored before is where that folder is"
                " now: put it back, or ask again in a few seconds to begin with an empty one"
            )
        try:
            taken = FileLock(self._path, str(os.getpid()))
        except FileExistsError as error:
            raise StoreGone(
                f"the lock of the store in {self._home} was removed, and process"
                f" {note(self._path) or 'unknown'} has taken the store, so this was not stored for"
                " certain; ask again in a few seconds"
            ) from error
        self._lock.release()
        self._lock = taken
        return True

    def release(self) -> None:
        """Let the next one in. Safe to call twice."""
        self._lock.release()
