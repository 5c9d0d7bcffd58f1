"""Damaged files: the store always opens, repairs what it can, and counts what it cannot.

DAMAGE_CASES sets how many cases the long form tries (1,000 unless told), DAMAGE_SEED which.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.resilience.damage import KINDS, TARGETS, Damage, Life, begin, examine, inflict, lead

CASES = 10
CASES_LONG = int(os.environ.get("DAMAGE_CASES", "1000"))
SEED = os.environ.get("DAMAGE_SEED", "seed")
SWAPS = ("older", "other")
WORST = (
    "record empty",
    "record flip",
    "record block",
    "log flip",
    "log half",
    "CURRENT empty",
    "CURRENT flip",
    "index empty",
    "index flips",
    "index zeros",
    "index-wal half",
    "index-shm noise",
)
BOTH = [
    ("log missing", "index missing"),
    ("record missing", "index missing"),
    ("record empty", "index empty"),
    ("CURRENT missing", "index missing"),
    ("log half", "index older"),
    ("record block", "index flips"),
    ("record other", "log other"),
    ("record older", "log older"),
    ("log missing", "witness missing"),
    ("index other", "witness missing"),
    ("index other", "log empty"),
    ("record flip", "index half"),
    ("record missing", "witness other"),
]


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Life]:
    """Stores with and without a compaction behind them, closed and killed."""
    folder = tmp_path_factory.mktemp("lives")
    begin(folder / "other", random.Random("other"), count=60).close()
    return {
        f"{'compacted' if compacted else 'young'}, {'killed' if killed else 'closed'}": lead(
            folder / f"{compacted}{killed}",
            f"life {compacted} {killed}",
            compacted=compacted,
            killed=killed,
            other=folder / "other",
        )
        for compacted in (False, True)
        for killed in (False, True)
    }


def tried(home: Path, life: Life, damages: list[Damage], seed: str) -> str:
    """What becomes of a copy of this store after some damage."""
    shutil.copytree(life.home, home)
    try:
        inflict(home, life, damages, random.Random(seed))
        outcome = examine(home, life)
    except BaseException as error:
        error.add_note(f"{', '.join(map(str, damages))}, seed {seed!r}, files in {home}")
        raise
    shutil.rmtree(home)
    return outcome


def damage(said: str) -> Damage:
    """The damage that `str` told."""
    target, kind = said.split(" ")
    return Damage(target=target, kind=kind)


def named() -> list[tuple[str, ...]]:
    """Every file gone or exchanged, the worst of the rest, then both sides at once."""
    alone = [f"{target} {kind}" for target in TARGETS[:-2] for kind in ("missing", *SWAPS)]
    return [*((one,) for one in (*alone, *WORST)), *BOTH]


@pytest.mark.parametrize("said", named(), ids=" and ".join)
def test_damage_to_a_file_is_repaired_or_counted(
    tmp_path: Path, lives: dict[str, Life], said: tuple[str, ...]
) -> None:
    damages = [damage(one) for one in said]
    outcome = tried(tmp_path / "home", lives["compacted, killed"], damages, SEED)
    if len(damages) == 1:
        assert outcome != "lost and counted"


@pytest.mark.parametrize("cases", [CASES, pytest.param(CASES_LONG, marks=pytest.mark.long)])
def test_random_damage_is_repaired_or_counted(
    tmp_path: Path, lives: dict[str, Life], cases: int
) -> None:
    outcomes = Counter[str]()
    for case in range(cases):
        seed = f"{SEED} {case}"
        rng = random.Random(seed)
        life = lives[rng.choice(list(lives))]
        count = 2 if rng.random() < 0.3 else 1
        damages = [
            Damage(target=target, kind=rng.choice(KINDS)) for target in rng.sample(TARGETS, count)
        ]
        outcomes[tried(tmp_path / f"{case}", life, damages, seed)] += 1
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"\ndamage: {cases} cases, {told}, 0 silent, 0 refused")
    assert outcomes["repaired whole"]
