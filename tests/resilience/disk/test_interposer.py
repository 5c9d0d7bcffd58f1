"""The shim sees everything that changes what is on the disk."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.resilience.disk.support import journal
from tests.resilience.disk.support.control import environment
from tests.resilience.disk.support.fork_server import ROOT
from tests.resilience.disk.support.replay import Disk
from tests.resilience.disk.test_power_cut import recorded

KINDS = {
    "write": "W",
    "pwrite64": "W",
    "writev": "W",
    "pwritev": "W",
    "pwritev2": "W",
    "ftruncate": "T",
    "truncate": "T",
    "fsync": "S",
    "fdatasync": "S",
    "rename": "R",
    "renameat": "R",
    "renameat2": "R",
    "unlink": "U",
    "unlinkat": "U",
    "rmdir": "U",
    "mkdir": "M",
    "mkdirat": "M",
    "chmod": "P",
    "fchmod": "P",
    "fchmodat": "P",
}
"""The kind of operation that each system call is."""
NEVER = set(
    re.findall(
        r"\w+",
        """
        sendfile copy_file_range splice tee vmsplice sync syncfs sync_file_range msync fallocate
        link linkat symlink symlinkat mknod mknodat io_uring_setup io_submit setxattr fsetxattr
        """,
    )
)
"""Calls that would change a file and that nobody makes here, or that the shim makes others of."""
CALL = re.compile(r"^(\w+)\((.*)\) += (?!-1)", re.MULTILINE)
"""A call that did not fail, with its arguments."""


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


def traced(calls: set[str], shim: Path, folder: Path) -> list[tuple[str, str]]:
    """The system calls below `disk`, as strace sees them, of a store that lives one life."""
    (folder / "disk").mkdir()
    script = (
        "import sys; from tests.resilience.disk.support.workload import live; live(*sys.argv[1:])"
    )
    life = [str(folder / "disk" / "home"), str(folder / "unfinished"), "traced", ""]
    told = environment(shim, folder / "disk", log=folder / "log")
    options = ["-ff", "-y", "-e", f"trace={','.join(f'?{call}' for call in sorted(calls))}"]
    options += ["-o", str(folder / "calls"), "-E", f"LD_PRELOAD={told.pop('LD_PRELOAD')}"]
    done = subprocess.run(
        ["strace", *options, sys.executable, "-c", script, *life],
        cwd=ROOT,
        env=told,
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not be used here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    said = "".join(file.read_text("utf-8", "replace") for file in folder.glob("calls.*"))
    return [(call, rest) for call, rest in CALL.findall(said) if str(folder / "disk") in rest]


@pytest.mark.skipif(
    shutil.which("strace") is None,
    reason="strace, which counts the calls independently, is not installed",
)
def test_no_system_call_escapes_the_shim(shim: Path, tmp_path: Path) -> None:
    calls = traced(KINDS.keys() | NEVER | {"mmap"}, shim, tmp_path)
    seen = Counter(op.kind for op in journal.read(tmp_path / "log", tmp_path / "disk"))
    seen["S"] += seen.pop("D")
    made = Counter(KINDS[call] for call, _ in calls if call in KINDS)
    assert made == {kind: seen[kind] for kind in KINDS.values() if seen[kind]}
    assert NEVER.isdisjoint(call for call, _ in calls)
    shared = [said for call, said in calls if call == "mmap" and "MAP_SHARED" in said]
    assert shared
    assert all("-shm>" in said or "PROT_WRITE" not in said for said in shared)
