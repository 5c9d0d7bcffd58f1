"""One process owns a store: an advisory lock on a file beside it.

DuckDB's own lock is dropped by any other open and close of the same file in the process
that holds it, so it cannot be the one that counts.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from mcp_memory.errors import StoreLocked
from mcp_memory.storage.embedded.faults import mapped

# Past the text in the file: on Windows a locked byte cannot be read by others.
_LOCKED_BYTE = 4096


class Lock:
    """The lock on a store's folder, held from construction until `release`."""

    def __init__(self, home: Path) -> None:
        """Take the lock. Raises StoreLocked when a process, this one too, holds it."""
        with mapped("taking the lock"):
            self._descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _take(self._descriptor)
        except OSError as error:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise StoreLocked(
                f"the store in {home} is in use by process {holder or 'unknown'}; connect"
                " through that process, stop it, or choose another folder with --home"
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let the next one in. Safe to call twice."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
