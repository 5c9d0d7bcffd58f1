"""The shim sees everything: what it recorded makes the same files again."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.crash.disk.replay import Disk
from tests.crash.disk.test_power_cut import recorded


def test_the_record_makes_the_same_files_again(shim: Path, tmp_path: Path) -> None:
    operations = recorded(shim, tmp_path, 0)
    disk = Disk(Random(0), is_ordered=True)
    for op in operations:
        if op.kind != "E":
            disk.apply(op)
    seen, there = disk.running(), tmp_path / "disk"
    files = {path.relative_to(there).as_posix(): path for path in there.rglob("*")}
    assert set(seen) == set(files)
    for name, path in files.items():
        assert seen[name] == (None if path.is_dir() else path.read_bytes()), name
