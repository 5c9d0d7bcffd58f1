"""kill -9 at each operation on the disk: all of a deed is there afterwards, or nothing.

The short form takes a few of the operations of each deed, the long form every one, with a
kill just before and one just after.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.resilience.disk.support.acknowledgements import heard
from tests.resilience.disk.support.control import environment
from tests.resilience.disk.support.fork_server import Attendant, attended
from tests.resilience.disk.support.operations import DEEDS
from tests.resilience.disk.support.report import discard, shown, tally

POINTS = 4


@pytest.fixture
def attendant(shim: Path, tmp_path: Path) -> Iterator[Attendant]:
    """An attendant whose disk can kill."""
    with attended(environment(shim, tmp_path)) as opened:
        yield opened


def places(operations: int, most: int) -> list[tuple[str, int]]:
    """Where to kill: evenly spread over the operations, at most so many."""
    every = [(when, n) for n in range(1, operations + 1) for when in ("before", "after")]
    step = max(1, -(-len(every) // most))
    return every[::step] if step % 2 else every[:: step + 1]


@pytest.mark.parametrize("deed", list(DEEDS))
@pytest.mark.parametrize("most", [POINTS, pytest.param(1 << 30, marks=pytest.mark.long)])
def test_a_kill_leaves_all_of_a_deed_or_nothing(
    attendant: Attendant, tmp_path: Path, deed: str, most: int
) -> None:
    whole = tmp_path / "whole"
    promised: list[str] = attendant.ask("fill", str(whole)).said
    shutil.copytree(whole, tmp_path / "counted")
    counted = str(tmp_path / "counted")
    operations: int = attendant.ask("act", counted, deed, "count *", os.devnull).said
    counts, failures = Counter[str](), list[str]()
    for when, n in places(operations, most):
        home, said = tmp_path / f"{when}-{n}", tmp_path / f"said-{when}-{n}"
        shutil.copytree(whole, home)
        said.write_text("".join(f"{line}\n" for line in promised), "utf-8")
        killed = attendant.ask("act", str(home), deed, f"kill-{when} * {n}", str(said))
        assert killed.signal == signal.SIGKILL, f"{when} operation {n} of {operations}"
        promises = heard(said.read_text("utf-8").splitlines())
        looked = attendant.ask("look", str(home), promises.packed(), deed)
        found = [f"refused: signal {looked.signal}"] if looked.signal else looked.said
        counts.update(["points", *{each.partition(":")[0] for each in found}])
        failures += [f"{when} operation {n} of {operations} in {home}: {one}" for one in found]
        if not found:
            discard(home)
    print(f"\nkilled in {deed} ({operations} operations): {tally(counts)}")
    assert not failures, shown(failures)
