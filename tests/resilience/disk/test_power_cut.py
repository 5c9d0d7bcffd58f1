"""A power cut at any moment: the store opens, and holds all that it had acknowledged.

A store lives through several processes, of which one is killed and one has a disk that
fails now and then, while everything that reaches the disk is recorded. From the record
the disk is built anew as a power cut could have left it, again and again.

POWER_STATES sets how many states the long form builds (2,000 unless told), POWER_SEED
where its seeds begin.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.resilience.disk.support import journal
from tests.resilience.disk.support.acknowledgements import Promises
from tests.resilience.disk.support.control import environment
from tests.resilience.disk.support.fork_server import Attendant, attended
from tests.resilience.disk.support.journal import Operation
from tests.resilience.disk.support.replay import POLICIES, Disk, State, lay_out
from tests.resilience.disk.support.report import discard, shown, tally

STATES = 16
STATES_LONG = int(os.environ.get("POWER_STATES", "2000"))
SEED_LONG = int(os.environ.get("POWER_SEED", "1"))
SEEDS_LONG = 10
MODELS = {"ordered": True, "posix-only": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """A power cut after so many operations, and what was promised until then."""

    seed: int
    model: str
    policy: str
    place: int
    promises: str
    state: State

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.model}, {self.policy}, after operation {self.place}"


def recorded(shim: Path, folder: Path, seed: int) -> list[Operation]:
    """What a store in three processes does to the disk."""
    disk, log, unfinished = folder / "disk", folder / "log", str(folder / "unfinished")
    disk.mkdir(parents=True)
    rng = Random(seed)
    fates = [f"kill-before * {rng.randint(50, 900)}", "faulty", ""]
    with attended(environment(shim, disk, log=log)) as attendant:
        for life, fate in enumerate(fates):
            attendant.ask("live", str(disk / "home"), unfinished, f"{seed}/{life}", fate)
    return journal.read(log, disk)


def cuts(operations: Sequence[Operation], seed: int, model: str, states: int) -> Iterator[Cut]:
    """Power cuts at places that depend on the seed, in order, with every policy in turn."""
    rng = Random(f"{seed}/{model}")
    disk, promises = Disk(rng, is_ordered=MODELS[model]), Promises()
    places = sorted(rng.randint(1, len(operations)) for _ in range(states))
    turns = [name for _ in range(states) for name in POLICIES][:states]
    rng.shuffle(turns)
    done = 0
    for place, policy in zip(places, turns, strict=True):
        for op in operations[done:place]:
            if op.kind == "N":
                promises.hear(op.data.decode())
            else:
                disk.apply(op)
        done = place
        yield Cut(
            seed=seed,
            model=model,
            policy=policy,
            place=place,
            promises=promises.packed(),
            state=disk.cut(policy, rng),
        )


def survive(inspector: Attendant, cut: Cut, folder: Path) -> list[str]:
    """What the store does not keep to after this power cut; the folder is kept if anything."""
    lay_out(cut.state, folder)
    answer = inspector.ask("look", str(folder / "home"), cut.promises)
    if answer.signal:
        return [f"refused: by signal {answer.signal}"]
    said: list[str] = answer.said
    return said


@pytest.mark.parametrize(
    ("seeds", "states"),
    [
        ([0], STATES),
        pytest.param(
            range(SEED_LONG, SEED_LONG + SEEDS_LONG),
            STATES_LONG // SEEDS_LONG,
            marks=pytest.mark.long,
        ),
    ],
    ids=["short", "long"],
)
def test_a_power_cut_loses_nothing_acknowledged(
    shim: Path, tmp_path: Path, seeds: Sequence[int], states: int
) -> None:
    counts, failures = Counter[str](), list[str]()
    for seed in seeds:
        operations = recorded(shim, tmp_path / f"seed{seed}", seed)
        with attended(os.environ) as inspector:
            for model in MODELS:
                for n, cut in enumerate(cuts(operations, seed, model, states // len(MODELS))):
                    folder = tmp_path / f"cut-{seed}-{model}-{n}"
                    folder.mkdir()
                    found = survive(inspector, cut, folder)
                    counts.update(["states", *{each.partition(":")[0] for each in found}])
                    failures += [f"{cut} in {folder}: {each}" for each in found]
                    if not found:
                        discard(folder)
    print(f"\npower cuts: {tally(counts)}")
    assert not failures, shown(failures)
