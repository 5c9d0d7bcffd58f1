"""kill -9 at any moment: every acknowledged write is there, record and index agree.

CRASH_ROUNDS sets how often the long form kills (100 unless told).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

import pytest

from mcp_memory.storage.contract import Store
from tests.support.factories import memory, open_store, pages, put, where
from tests.support.watchdog import WAIT_S

ROOT = Path(__file__).parents[2]
ROUNDS_LONG = int(os.environ.get("CRASH_ROUNDS", "100"))
AFTER_OPEN_S_MAX = 0.5
AFTER_START_S_MAX = 1.5


@dataclass(kw_only=True, slots=True)
class Heard:
    """What writers have acknowledged so far, by memory id."""

    kept: dict[str, int] = field(default_factory=lambda: {})
    erasing: set[str] = field(default_factory=lambda: set())
    erased: set[str] = field(default_factory=lambda: set())

    def hear(self, line: str) -> None:
        """Take in one line of a writer."""
        match line.split():
            case ["kept", memory_id, revision]:
                self.kept[memory_id] = max(int(revision), self.kept.get(memory_id, 0))
            case ["erasing", memory_id]:
                self.erasing.add(memory_id)
            case ["erased", memory_id]:
                self.erased.add(memory_id)
            case _:
                assert line == "open\n", line


def write_until_killed(home: Path, seed: str, heard: Heard) -> None:
    """Start a writer, kill it at a random moment, and take in what it had said."""
    rng = random.Random(seed)
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.resilience.writer", str(home), seed],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout
    assert writer.stderr
    while_opening = rng.random() < 0.25
    lines = iter(writer.stdout.readline, "")
    if not while_opening:
        assert next(lines, "") == "open\n", writer.stderr.read()
    timer = Timer(
        rng.uniform(0, AFTER_START_S_MAX if while_opening else AFTER_OPEN_S_MAX), writer.kill
    )
    timer.start()
    for line in lines:
        heard.hear(line)
    said = writer.stderr.read()
    assert writer.wait(WAIT_S) != 0, said
    timer.join()
    assert "Traceback" not in said, said
    writer.stdout.close()
    writer.stderr.close()


def look_through(store: Store, heard: Heard) -> None:
    """Assert that the store holds what it acknowledged, and is whole."""
    assert [finding for finding in store.check() if not finding.ok] == []
    found = {m.id: m.revision for m in pages(store, where(statuses=()))}
    lost = {
        memory_id: (revision, found.get(memory_id))
        for memory_id, revision in heard.kept.items()
        if memory_id not in heard.erasing and found.get(memory_id, 0) < revision
    }
    assert lost == {}
    assert heard.erased.isdisjoint(found)
    for memory_id in list(heard.kept)[-20:]:
        if memory_id in found:
            check_searchable(store, memory_id)


def check_searchable(store: Store, memory_id: str) -> None:
    """Assert that the index finds this memory by its first word, which is its own."""
    (kept,) = store.select(where(ids=(memory_id,), statuses=()))
    word = kept.content.split()[0]
    proposal = store.propose(where(), terms=[word], vector=None, limit=5)
    assert [c.memory for c in proposal.candidates] == [kept]


@pytest.mark.parametrize("rounds", [10, pytest.param(ROUNDS_LONG, marks=pytest.mark.long)])
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(
    tmp_path: Path, rounds: int
) -> None:
    home, heard = tmp_path / "home", Heard()
    for turn in range(rounds):
        write_until_killed(home, f"round {turn} of {rounds}", heard)
        store = open_store("embedded", home)
        look_through(store, heard)
        put(store, memory(f"seen after round {turn}"))
        store.close()
    assert len(heard.kept) > rounds
