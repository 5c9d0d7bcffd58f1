"""The shim from within a process that it was loaded into; see shim.c."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_loaded = ctypes.CDLL(None)


def environment(
    shim: Path, root: Path, *, log: Path | None = None, plan: str = ""
) -> dict[str, str]:
    """The variables for a process that is to run with the shim over the folder `root`."""
    told = {"LD_PRELOAD": str(shim), "DISK_ROOT": str(root.resolve()), "DISK_PLAN": plan}
    # Threads that numpy starts would not live on in a forked process.
    told |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return os.environ | told | ({"DISK_LOG": str(log)} if log else {})


def plan(words: str) -> None:
    """What the disk does from here on; "" for nothing. Counting begins anew."""
    _loaded.disk_plan(words.encode())


def count() -> int:
    """How many operations the plan was about, so far."""
    counted: int = _loaded.disk_count()
    return counted


def note(words: str) -> None:
    """Write something into the record, between the operations before and after it."""
    _loaded.disk_note(words.encode())
