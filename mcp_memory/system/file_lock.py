"""An advisory lock on a file, which the system lets go when its holder ends, however."""

from __future__ import annotations

import os
import sys

# Past the text in the file: on Windows a locked byte cannot be read by others.
_LOCKED_BYTE = 4096
_NOTE_BYTES_MAX = 128


class FileLock:
    """Held from construction until `release`; other processes can read the note in the file."""

    def __init__(self, path: str, note: str) -> None:
        """Take the lock and leave a note. Raises FileExistsError when somebody holds it.

        Raises OSError where the file cannot be made.
        """
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _take(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            raise FileExistsError(f"{path} is locked") from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{note}\n".encode())

    def is_there(self) -> bool:
        """Whether the file is still the one that was locked: its folder may have been removed."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(self._path))
        except OSError:
            return False

    def release(self) -> None:
        """Let the next one in. Safe to call twice."""
        if self._descriptor >= 0:
            try:  # noqa: SIM105  # contextlib costs the stdio proxy milliseconds
                os.ftruncate(self._descriptor, 0)
            except OSError:
                pass
            os.close(self._descriptor)
            self._descriptor = -1


def is_held(path: str) -> bool:
    """Whether somebody holds the lock at this moment. Raises OSError if that cannot be seen."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        _take(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def note(path: str) -> str:
    """What the holder wrote, "" when nobody holds it."""
    try:
        with open(path, "rb") as file:
            return file.read(_NOTE_BYTES_MAX).decode("utf-8", "replace").strip()
    except OSError:
        return ""


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
