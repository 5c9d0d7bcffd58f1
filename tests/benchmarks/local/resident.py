"""Resident memory: `python -m tests.benchmarks.local.resident HOME USER` in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

RECALLS = 50
_PROC = Path("/proc")


def resident_bytes(pid: int) -> int:
    """The resident set of a process (VmRSS); 0 where the system has no /proc."""
    return _kilobytes(pid, "status", "VmRSS:") * 1024


def proportional_bytes(pid: int) -> int:
    """Its share of the memory it holds (PSS); 0 where the system has no /proc."""
    return _kilobytes(pid, "smaps_rollup", "Pss:") * 1024


def own_bytes(pid: int) -> int:
    """What it holds that is no file's, so that the system cannot take it back; 0 as above."""
    return _kilobytes(pid, "smaps_rollup", "Anonymous:") * 1024


def _kilobytes(pid: int, file: str, name: str) -> int:
    try:
        lines = (_PROC / str(pid) / file).read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(name))


def after_recalls(home: Path, user: str) -> int:
    """Open the store in a fresh process, recall 50 times, and give its resident bytes."""
    command = [sys.executable, "-m", __name__, str(home), user]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout)


def main() -> None:
    """Recall 50 times and print the resident bytes."""
    from mcp_memory.domain.requests import Query
    from mcp_memory.embedding.embedder import Embedder
    from mcp_memory.service import MemoryService
    from mcp_memory.storage.embedded import open_embedded
    from tests.benchmarks.filling import made_caller
    from tests.benchmarks.texts import question

    home, user = sys.argv[1:]
    embedder = Embedder()
    service = MemoryService(open_embedded(Path(home), embedder.space), embedder)
    service.start()
    for number in range(RECALLS):
        service.recall(made_caller(user), Query(query=question(number)))
    print(resident_bytes(os.getpid()))
    service.close()


if __name__ == "__main__":
    main()
