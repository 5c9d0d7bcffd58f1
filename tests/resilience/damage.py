"""Stores to damage, the ways of damaging their files, and what must hold afterwards."""

from __future__ import annotations

import random
import re
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from mcp_memory.domain.memory import Memory, Partition, Status
from mcp_memory.storage.contract import CheckResult, Store
from tests.support.factories import (
    ACTOR,
    ALICE,
    ALICE_APP,
    BOB,
    SHARED,
    START,
    ids,
    memory,
    open_store,
    pages,
    put,
    revised,
    trace,
    where,
    windows,
)

EVERYWHERE: tuple[Partition, ...] = (ALICE, ALICE_APP, BOB, SHARED)
TARGETS = ("record", "log", "CURRENT", "index", "index-wal", "index-shm", "witness")
KINDS = ("missing", "empty", "half", "flip", "flips", "noise", "zeros", "block", "older", "other")
SECRET = "Zyxomatic quelbrant passports"
_KEPT = re.compile(r"damaged/\d{4}-[\w.-]+")
_COUNTED = re.compile(r"^(?:the newest )?(\d+) ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """The folder of a store, an older copy of it, and all it has acknowledged."""

    home: Path
    older: Path
    other: Path
    revisions: dict[tuple[str, int], Memory]


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """What is done to one file."""

    target: str
    kind: str

    def __str__(self) -> str:
        return f"{self.target} {self.kind}"


def begin(home: Path, rng: random.Random, *, count: int) -> Store:
    """A store with memories, revisions, keys and traces, in several partitions."""
    store = open_store("embedded", home)
    made = [
        memory(
            f"statement {rng.getrandbits(40):x} of topic {n % 7}" + " with more words" * (n % 4),
            partition=EVERYWHERE[n % len(EVERYWHERE)],
            key=f"slot{n}" if n % 9 == 0 else "",
            tags=("tagged",) if n % 5 == 0 else (),
        )
        for n in range(count)
    ]
    for start in range(0, count, 20):
        part = made[start : start + 20]
        put(store, *part, vectors=[windows(start + n) for n in range(len(part))])
    for n in range(0, count, 8):
        put(store, revised(made[n], content=f"statement {n} was put otherwise"))
    for n in range(3, count, 24):
        put(store, revised(made[n], status=Status.FORGOTTEN))
    store.save_traces([trace(f"question {n}", memory_ids=(made[n].id,)) for n in range(9)])
    store.setting("confirm_key", "abc")
    return store


def go_on(store: Store, rng: random.Random, *, count: int) -> None:
    """More of the same, one by one."""
    known = store.select(where(*EVERYWHERE), limit=count)
    for n, old in enumerate(known):
        if n % 2:
            put(store, revised(old, importance=rng.random()))
        else:
            put(store, memory(f"later statement {rng.getrandbits(40):x}"), vectors=[windows(n)])


def erase_one(store: Store) -> None:
    """Store something and erase it, which compacts the record."""
    put(store, secret := memory(SECRET), vectors=[windows(901)])
    store.erase([secret.id], ACTOR)


def revisions(store: Store) -> dict[tuple[str, int], Memory]:
    """Everything that a store has, by memory and revision."""
    found = pages(store, where(*EVERYWHERE, statuses=()))
    return {
        (r.memory.id, r.memory.revision): r.memory
        for one in found
        for r in store.history(one.id, EVERYWHERE)
    }


def lead(folder: Path, seed: str, *, compacted: bool, killed: bool, other: Path) -> Life:
    """A store's life, and its folder at the end of it, closed or as a kill leaves it."""
    rng = random.Random(seed)
    home, older, left = folder / "home", folder / "older", folder / "left"
    store = begin(home, rng, count=100)
    if compacted:
        erase_one(store)
        go_on(store, rng, count=20)
    shutil.copytree(home, older)
    go_on(store, rng, count=30)
    said = revisions(store)
    if killed:  # nothing of what was written waits in the process
        shutil.copytree(home, left)
    store.close()
    return Life(home=left if killed else home, older=older, other=other, revisions=said)


def file_of(home: Path, target: str) -> Path:
    """The file that a target means."""
    pointer = home / "record" / "CURRENT"
    live = home / "record" / pointer.read_text(encoding="ascii")
    index = home / "index" / "index.sqlite"
    return {
        "record": live,
        "log": live.with_name(live.name + ".wal"),
        "CURRENT": pointer,
        "index": index,
        "index-wal": index.with_name("index.sqlite-wal"),
        "index-shm": index.with_name("index.sqlite-shm"),
        "witness": home / "witness",
    }[target]


def inflict(home: Path, life: Life, damages: list[Damage], rng: random.Random) -> None:
    """Damage the files of the store in `home`, found before any of them is touched."""
    files = [file_of(home, damage.target) for damage in damages]
    for damage, file in zip(damages, files, strict=True):
        if damage.kind in ("older", "other"):
            _swap(file, file_of(getattr(life, damage.kind), damage.target))
        elif damage.kind == "missing":
            file.unlink(missing_ok=True)
        elif file.exists():
            file.write_bytes(_spoilt(bytearray(file.read_bytes()), damage.kind, rng))


def _swap(file: Path, source: Path) -> None:
    if source.exists():
        shutil.copyfile(source, file)
    else:
        file.unlink(missing_ok=True)


def _spoilt(said: bytearray, kind: str, rng: random.Random) -> bytearray:
    if kind == "empty" or not said:
        return bytearray()
    if kind == "half":
        return said[: rng.randrange(len(said))]
    block = {"block": 262_144, "zeros": 4_096, "noise": 512}.get(kind, 1)
    for _ in range(rng.randrange(2, 20) if kind == "flips" else 1):
        place = rng.randrange(len(said)) // block * block
        end = min(place + block, len(said))
        if kind in ("block", "zeros"):
            said[place:end] = bytes(end - place)
        elif kind == "noise":
            said[place:end] = rng.randbytes(end - place)
        else:
            said[place] ^= 1 << rng.randrange(8)
    return said


def examine(home: Path, life: Life) -> str:
    """Open a damaged store and go on with it; what became of the damage, in a word.

    Fails where something is wrong or gone without a word, or where work cannot go on.
    """
    store = open_store("embedded", home)
    at_once = revisions(store)
    checked = store.check()
    bad = [finding for finding in checked if not finding.ok]
    found = revisions(store)
    if not any("the record is of another store now" in finding.detail for finding in bad):
        assert_true(at_once, life)
        assert_true(found, life)
    missing = life.revisions.keys() - found.keys()
    assert {f.name for f in bad} <= {"repair", "loss"}, bad
    counted = sum(_count(finding) for finding in bad if finding.name == "loss")
    assert len(missing) <= counted, f"{len(missing)} gone, {counted} counted: {bad}"
    if not any("may have held what was erased" in finding.detail for finding in checked):
        kept = {name for finding in bad for name in _KEPT.findall(finding.detail)}
        assert {name for name in kept if not (home / name).exists()} == set()
    work_on(store, home, found)
    if missing:
        return "lost and counted"
    return "repaired whole" if bad else "harmless"


def assert_true(found: dict[tuple[str, int], Memory], life: Life) -> None:
    """What a store says is what it was told, to the letter; the end of a revision may differ
    where the next one is lost."""
    for place, one in found.items():
        assert place in life.revisions, f"{one} was never remembered"
        assert replace(one, recorded_to=None) == replace(life.revisions[place], recorded_to=None)


def work_on(store: Store, home: Path, before: dict[tuple[str, int], Memory]) -> None:
    """A write, a search, housekeeping, a restart: all as if nothing had been."""
    late = START + timedelta(days=9)
    new = memory("penguins came afterwards", recorded_at=late)
    put(store, new, vectors=[windows(4_242)])
    assert ids(store.propose(where(), terms=["penguin"], vector=None, limit=3)) == [new.id]
    store.maintain()
    store.close()
    again = open_store("embedded", home)
    assert [finding for finding in again.check() if not finding.ok] == []
    assert revisions(again).keys() == {*before, (new.id, 1)}
    again.close()
    for file in home.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file


def _count(finding: CheckResult) -> int:
    found = _COUNTED.match(finding.detail)
    assert found, finding
    return int(found[1])
