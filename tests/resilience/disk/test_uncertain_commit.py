"""A commit that nobody knew to be on the disk is there once it has been acknowledged.

Its sync failed, or its process was killed before the sync: what can be read then need not
outlive a power cut, and no later sync need bring it to the disk.
"""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from random import Random

import pytest

from tests.resilience.disk.support import journal
from tests.resilience.disk.support.acknowledgements import Promises
from tests.resilience.disk.support.control import environment
from tests.resilience.disk.support.fork_server import attended
from tests.resilience.disk.support.replay import Disk, lay_out

TIMES = 3
"""How often a failed sync leaves something else on the disk."""


@pytest.mark.parametrize("is_ordered", [True, False])
@pytest.mark.parametrize(
    ("plan", "ending"),
    [
        pytest.param(f"fail ST {errno.EIO} 1 3", 0, id="neither synced nor taken back"),
        pytest.param(f"fail S {errno.EIO} 1 1", 0, id="taken back"),
        pytest.param(f"fail D {errno.EIO} 1 1", 0, id="without a name"),
        pytest.param("kill-before S 1", signal.SIGKILL, id="killed before the sync"),
    ],
)
def test_what_was_in_doubt_is_durable_once_acknowledged(
    shim: Path, tmp_path: Path, plan: str, ending: int, is_ordered: bool
) -> None:
    disk, log = tmp_path / "disk", tmp_path / "log"
    disk.mkdir()
    with attended(environment(shim, disk, log=log)) as attendant:
        assert attendant.ask("insist", str(disk / "home"), plan).signal == ending
        if ending:
            attendant.ask("insist", str(disk / "home"), "")
    operations = journal.read(log, disk)
    last = max(n for n, op in enumerate(operations) if op.kind == "N")
    with attended(os.environ) as inspector:
        for seed in range(TIMES):
            replayed, promises = Disk(Random(seed), is_ordered=is_ordered), Promises()
            for op in operations[:last]:
                replayed.apply(op)
            promises.hear(operations[last].data.decode())
            folder = tmp_path / f"cut{seed}"
            folder.mkdir()
            lay_out(replayed.cut("none", Random(seed)), folder)
            assert inspector.ask("look", str(folder / "home"), promises.packed()).said == []
