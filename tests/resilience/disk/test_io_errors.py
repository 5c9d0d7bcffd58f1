"""A disk that refuses, once or for a while: a clear error, nothing lost, and on by itself.

Every kind of operation is refused, as an I/O error and for want of room, at one place after
another of each deed; the long form takes all places. The short form takes the first place, and
each kind of operation is refused in each deed once or for a while, in turn.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.resilience.disk.support.acknowledgements import heard
from tests.resilience.disk.support.control import environment
from tests.resilience.disk.support.fork_server import Attendant, attended
from tests.resilience.disk.support.io_errors import Fault
from tests.resilience.disk.support.report import shown, tally

DEEDS = ("write", "update", "erase", "compaction")
PLACES = 1
FAULTS = [
    *(
        Fault(form="fail", kinds=kinds, error=errno.EIO, count=count)
        for kinds in ("W", "S", "D", "R", "T", "U", "CM", "P", "*")
        for count in (1, 0)
    ),
    *(
        Fault(form="fail", kinds=kinds, error=errno.ENOSPC, count=count)
        for kinds in ("W", "CM", "R", "T", "WCMRT")
        for count in (1, 0)
    ),
    *(Fault(form="short", kinds="W", error=errno.ENOSPC, count=count) for count in (2, 0)),
]


def in_turn(deed: str) -> list[Fault]:
    """Every other fault, so that two deeds meet each, and each deed every kind of operation."""
    first = DEEDS.index(deed)
    return [fault for n, fault in enumerate(FAULTS) if (n + n // 2 + first) % 2]


@pytest.fixture
def attendant(shim: Path, tmp_path: Path) -> Iterator[Attendant]:
    """An attendant whose disk can refuse."""
    with attended(environment(shim, tmp_path)) as opened:
        yield opened


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize(
    ("stores", "most"), [(1, PLACES), pytest.param(len(FAULTS), 1 << 30, marks=pytest.mark.long)]
)
def test_a_disk_that_refuses_is_reported_and_survived(
    attendant: Attendant, tmp_path: Path, deed: str, stores: int, most: int
) -> None:
    counts, failures = Counter[str](), list[str]()
    for n in range(stores):
        home = str(tmp_path / f"store{n}")
        faults = [asdict(fault) for fault in (FAULTS[n::stores] if stores > 1 else in_turn(deed))]
        promises = heard(attendant.ask("fill", home).said).packed()
        answer = attendant.ask("suffer", home, deed, faults, promises, most)
        assert not answer.signal, f"{home}: the process died of signal {answer.signal}"
        suffered = answer.said
        found = suffered["found"] + attendant.ask("look", home, suffered["promises"]).said
        counts.update(faults=suffered["faults"], raised=suffered["raised"])
        counts.update(each.partition(":")[0] for each in found)
        failures += [f"{home}: {each}" for each in found]
    print(f"\nrefused in {deed}: {tally(counts)}")
    assert not failures, shown(failures)
