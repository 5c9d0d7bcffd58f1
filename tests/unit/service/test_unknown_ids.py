"""What is somebody else's, asked for by its id: nothing of it is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_memory.domain.ids import ending
from mcp_memory.storage.embedded.index import reads
from tests.benchmarks.load.by_id import measure
from tests.support.factories import ALICE, BOB, START, memory, open_store, put, revised, where


@pytest.mark.parametrize("by", ["ids", "endings"])
@pytest.mark.parametrize("as_of", [None, START])
def test_no_text_of_somebody_else_is_read_for_its_id(
    tmp_path: Path, by: str, as_of: object
) -> None:
    store = open_store("embedded", tmp_path / "home")
    foreign = memory("Bob keeps bees", partition=BOB)
    put(store, foreign, revised(foreign, content="Bob keeps goats"), memory("of Alice"))
    named = {by: (foreign.id if by == "ids" else ending(foreign.id),)}
    reads.forget_texts()
    assert store.select(where(ALICE, statuses=(), as_of=as_of, **named)) == []
    assert reads.remembered_count() == 0
    assert store.select(where(BOB, statuses=(), as_of=as_of, **named))
    assert reads.remembered_count() > 0, "what is read is remembered, so that this can fail"
    store.close()


def test_the_measure_of_what_a_foreign_id_costs_still_runs() -> None:
    """A memory with a hundred long revisions costs two thousand times as much when it is read."""
    assert max(measure(5).values()) < 100
