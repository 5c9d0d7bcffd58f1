"""What is somebody else's, asked for by its id, beside what does not exist: the same time.

Prints the ratio of the medians of both, asked in turn; run `python -m tests.benchmarks.load.by_id`.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mcp_memory.domain.ids import ending, new_id
from mcp_memory.storage.contract import Store
from tests.support.factories import ALICE, BOB, memory, open_store, put, revised, where

ROUNDS = 2_000
REVISIONS = 100
CHARS = 30_000


def measure(rounds: int = ROUNDS) -> dict[str, float]:
    """The ratio, by what was asked for."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store("embedded", Path(folder))
        put(store, *(memory(f"statement {n}", partition=ALICE) for n in range(500)))
        foreign = memory("a long one " * (CHARS // 11), partition=BOB)
        put(store, foreign)
        last = foreign
        for n in range(REVISIONS):
            put(store, last := revised(last, importance=n / REVISIONS))
        try:
            return {
                "a whole id": _ratio(store, rounds, foreign.id, lambda i: {"ids": (i,)}),
                "the end of an id": _ratio(
                    store, rounds, ending(foreign.id), lambda i: {"endings": (i[-8:],)}
                ),
            }
        finally:
            store.close()


def _ratio(
    store: Store, rounds: int, foreign: str, asked: Callable[[str], dict[str, tuple[str, ...]]]
) -> float:
    took: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(rounds):
        for is_foreign in (True, False):
            named = foreign if is_foreign else new_id()
            given = where(ALICE, statuses=(), **asked(named))
            began = time.perf_counter()
            found = store.select(given)
            took[is_foreign].append(time.perf_counter() - began)
            assert found == []
    return statistics.median(took[True]) / statistics.median(took[False])


if __name__ == "__main__":
    for noun, ratio in measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS).items():
        print(f"{noun}: {ratio:.3f}")
