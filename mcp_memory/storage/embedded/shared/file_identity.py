"""Whether the files that a process has open still lie in their places, as it left them.

A file that was removed or replaced can be written to for as long as it is open, and all of
it is gone with the process. On Windows nobody can take a file away that is open.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

Seen = tuple[int, ...] | None
"""What a file looked like, None where there was none."""


class FileIdentity:
    """Some files: `whole` ones, which nobody writes to, and `growing` ones, which we alone do.

    Those of `shared` ones are only looked at for whether they are still the same.
    """

    def __init__(
        self,
        *,
        whole: Iterable[Path] = (),
        growing: Iterable[Path] = (),
        shared: Iterable[Path] = (),
    ) -> None:
        self._fields = {
            **{str(path): ("st_dev", "st_ino", "st_size", "st_mtime_ns") for path in whole},
            **{str(path): ("st_dev", "st_ino", "st_size") for path in growing},
            **{str(path): ("st_dev", "st_ino") for path in shared},
        }
        self._seen: dict[str, Seen] = {}
        self.note()

    def note(self) -> None:
        """From here on, they are as they should be."""
        self._seen = {path: self._look(path) for path in self._fields}

    def note_one(self, path: Path) -> None:
        """The same for one of them, which we have written to."""
        self._seen[str(path)] = self._look(str(path))

    def changes(self) -> list[str]:
        """The names of those that are not as we left them."""
        if sys.platform == "win32":
            return []
        return [os.path.basename(p) for p, seen in self._seen.items() if self._look(p) != seen]

    def holds(self, path: Path) -> bool:
        """Whether what lies there is one of them, whatever became of its contents."""
        there, ours = identity(path), {seen[:2] for seen in self._seen.values() if seen}
        return there in ours

    def _look(self, path: str) -> Seen:
        try:
            found = os.stat(path)
        except OSError:
            return None
        return tuple(getattr(found, field) for field in self._fields[path])


def identity(path: Path) -> Seen:
    """Which file or folder lies there, None for none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
