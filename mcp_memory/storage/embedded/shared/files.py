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

from mcp_memory.storage.embedded.shared.file_identity import FileIdentity

MENDING = "mending"
"""The folder within the record's in which another record is made of what is left of it."""
_NAME = re.compile(r"g(\d{6,})\.duckdb")
_STRANGER = re.compile(r"g\d{6,}\.duckdb(\.wal)?")


class Generations:
    """The generation files in one folder. A file with a generation's name is whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.draft = folder / "draft.duckdb"
        self.pointer = folder / "CURRENT"

    def current(self) -> Path | None:
        """The live file, None when there is none. It may be damaged."""
        return next(iter(self.candidates()), None)

    def candidates(self) -> list[Path]:
        """The files that may be the live one, the likeliest first: what CURRENT names."""
        newest_first = sorted(self._files(), key=_number, reverse=True)
        return sorted(newest_first, key=lambda path: path.name != self.named())

    def named(self) -> str | None:
        """What CURRENT says, None when it is missing."""
        try:
            return self.pointer.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return None

    def point_to(self, path: Path) -> None:
        """Have CURRENT name this file, durably."""
        pointer = self.pointer.with_name("CURRENT.tmp")
        pointer.touch(mode=0o600)
        pointer.write_text(path.name, encoding="ascii")
        sync(pointer)
        os.replace(pointer, self.pointer)
        sync_folder(self.folder)

    def publish(self, before: Path | None = None) -> Path:
        """Make the draft, which must be whole and closed, the live file, durably and at once.

        It gets a number of its own, above that of the file `before`, which may be gone.
        """
        numbers = [_number(path) for path in (*self._files(), *([before] if before else []))]
        path = self.folder / f"g{max(numbers, default=0) + 1:06}.duckdb"
        wal_of(self.draft).unlink(missing_ok=True)
        os.chmod(self.draft, 0o600)
        sync(self.draft)
        os.replace(self.draft, path)
        sync_folder(self.folder)  # or the pointer could outlive a power cut and the file not
        self.point_to(path)
        return path

    def sweep(self, live: Path | None) -> None:
        """Remove drafts and every generation but the live one.

        The names are forced to the disk first: a process that was killed may have moved the
        pointer without, and a power cut could bring it back to what is removed here.
        """
        sync_folder(self.folder)
        kept = {live, wal_of(live)} if live else set[Path]()
        databases = [path for path in self.folder.iterdir() if ".duckdb" in path.name]
        gone = sorted(path for path in databases if path not in kept)
        for path in gone:
            path.unlink()
        shutil.rmtree(self.folder / MENDING, ignore_errors=True)
        if gone:
            sync_folder(self.folder)

    def strangers(self, ours: FileIdentity) -> list[Path]:
        """Databases and logs that lie there and are not of the live generation."""
        found = (path for path in self.folder.iterdir() if _STRANGER.fullmatch(path.name))
        return sorted(path for path in found if not ours.holds(path))

    def _files(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]


def wal_of(path: Path) -> Path:
    """The write-ahead log of a database file."""
    return path.with_name(path.name + ".wal")


def set_aside(path: Path, folder: Path, *, keep: bool = False) -> Path:
    """Move (or copy, to `keep` the original) a damaged file into `folder`, never over another.

    A number in front of its name tells several apart; `shown` says where it is.
    """
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


def drop_damaged(home: Path) -> list[Path]:
    """Remove the files that were put aside, for they may hold what was erased.

    The daemon's log is emptied too: an error that it tells of may quote a text.
    """
    for log in (home / "daemon").glob("log*"):
        os.truncate(log, 0)
    files = sorted((home / "damaged").glob("*"))
    for path in files:
        path.unlink()
    if files:
        sync_folder(home / "damaged")
    return files


def shown(path: Path) -> str:
    """Where a file that was put aside is, from the store's folder."""
    return f"{path.parent.name}/{path.name}"


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
