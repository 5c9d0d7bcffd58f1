"""Traces that wait to be saved while an erasure overtakes the recalls they tell of."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_memory.domain.memory import Partition, Trace
from mcp_memory.service.trace_buffer import TraceBuffer
from mcp_memory.storage.contract import Store
from tests.support.factories import ALICE, ALICE_APP, BOB, SHARED, memory, open_store, trace


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store for the traces."""
    return open_store("in-memory", tmp_path)


@pytest.mark.parametrize(
    ("erased", "recalled", "is_kept"),
    [
        (ALICE, ALICE, False),
        (ALICE, ALICE_APP, False),
        (SHARED, BOB, False),
        (SHARED, SHARED, False),
        (ALICE, BOB, True),
        (ALICE, SHARED, True),
        (BOB, ALICE, True),
        (Partition(tenant="umbrella", scope=SHARED.scope), BOB, True),
    ],
    ids=str,
)
def test_a_recall_that_an_erasure_overtook_keeps_its_trace_if_it_could_not_see_what_went(
    store: Store, erased: Partition, recalled: Partition, is_kept: bool
) -> None:
    traces = TraceBuffer(store)
    begun = traces.begin()
    early, late = (trace(partitions=(recalled,)) for _ in range(2))

    def known(made: Trace) -> bool:
        return traces.get(made.id) == made

    with traces.erasing([memory(partition=erased)]):
        traces.add(early, begun)
        assert known(early)
    traces.add(late, begun)
    assert (known(early), known(late)) == (is_kept, is_kept)
    after = trace(partitions=(recalled,))
    traces.add(after, traces.begin())
    assert known(after)


def test_a_recall_that_more_erasures_overtook_than_are_known_keeps_no_trace(store: Store) -> None:
    traces = TraceBuffer(store)
    begun = traces.begin()
    for _ in range(65):
        with traces.erasing([memory(partition=BOB)]):
            pass
    traces.add(made := trace(partitions=(ALICE,)), begun)
    assert traces.get(made.id) is None
