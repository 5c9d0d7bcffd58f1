"""The files of the record: one live generation, named by CURRENT.

DuckDB never checkpoints the live file in place, for a torn checkpoint leaves one that
does not open. Compaction writes a whole new generation and moves CURRENT to it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from pathlib import Path

_NAME = re.compile(r"g(\d{6,})\.duckdb")


class Generations:
    """The generation files in one folder. A file with a generation's name is whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.draft = folder / "draft.duckdb"
        self._pointer = folder / "CURRENT"

    def current(self) -> Path | None:
        """The live file, None when there is none yet. It may be missing or damaged."""
        try:
            name = self._pointer.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            name = ""
        if _NAME.fullmatch(name):
            return self.folder / name
        return max(self._files(), key=_number, default=None)

    def publish(self) -> Path:
        """Make the draft, which must be whole and closed, the live file, durably and at once."""
        numbers = [_number(path) for path in self._files()]
        path = self.folder / f"g{max(numbers, default=0) + 1:06}.duckdb"
        wal_of(self.draft).unlink(missing_ok=True)
        os.chmod(self.draft, 0o600)
        sync(self.draft)
        os.replace(self.draft, path)
        sync_folder(self.folder)  # or the pointer could outlive a power cut and the file not
        pointer = self._pointer.with_name("CURRENT.tmp")
        pointer.touch(mode=0o600)
        pointer.write_text(path.name, encoding="ascii")
        sync(pointer)
        os.replace(pointer, self._pointer)
        sync_folder(self.folder)
        return path

    def sweep(self) -> list[str]:
        """Remove the draft and every generation but the live one; the names of what went.

        The names are forced to the disk first: a process that was killed may have moved the
        pointer without, and a power cut could bring it back to what is removed here.
        """
        sync_folder(self.folder)
        live = self.current()
        kept = {live, wal_of(live)} if live else set[Path]()
        databases = [path for path in self.folder.iterdir() if ".duckdb" in path.name]
        gone = sorted(path for path in databases if path not in kept)
        for path in gone:
            path.unlink()
        if gone:
            sync_folder(self.folder)
        return [path.name for path in gone]

    def retire(self, folder: Path) -> list[Path]:
        """Put the live generation, damaged, aside in `folder`; where its files are now."""
        live = self.current()
        files = [path for path in (live, wal_of(live)) if path.exists()] if live else []
        moved = [set_aside(path, folder) for path in files]
        self._pointer.unlink(missing_ok=True)
        return moved

    def _files(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]


def wal_of(path: Path) -> Path:
    """The write-ahead log of a database file."""
    return path.with_name(path.name + ".wal")


def set_aside(path: Path, folder: Path, *, keep: bool = False) -> Path:
    """Move (or copy, to `keep` the original) a damaged file into `folder`, never over another."""
    folder.mkdir(mode=0o700, exist_ok=True)
    number = 1
    while (target := folder / f"{number:04}-{path.name}").exists():
        number += 1
    if keep:
        shutil.copyfile(path, target)
        os.chmod(target, 0o600)
    else:
        os.replace(path, target)
    return target


def sync(path: Path) -> None:
    """Force a file to the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk. Windows has no such thing, nor needs it."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folders_above(folder: Path) -> None:
    """Force the name of a new folder to the disk, and of those above it, which may be new too."""
    for above in folder.absolute().parents:
        with contextlib.suppress(PermissionError):  # then it is not we who made it
            sync_folder(above)


def _number(path: Path) -> int:
    return int(path.name[1:].partition(".")[0])
