"""Vectors that come later: what waits for them, and adding them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mcp_memory.domain.memory import Status
from mcp_memory.errors import McpMemoryError
from mcp_memory.storage.contract import Store
from tests.support.factories import (
    ALICE,
    BOB,
    EXACT,
    SPACE,
    START,
    ids,
    memory,
    put,
    revised,
    unit,
    vector,
    where,
    windows,
)


def test_unembedded_lists_what_waits_newest_first_in_all_partitions(store: Store) -> None:
    first = memory("first")
    second = memory("second", partition=BOB, recorded_at=START + timedelta(hours=2))
    third = memory("third", recorded_at=START + timedelta(hours=1))
    put(store, first, second, third)
    put(store, memory("full"), vectors=[windows(1)])
    assert ids(store.unembedded(10)) == [second.id, third.id, first.id]
    assert ids(store.unembedded(2)) == [second.id, third.id]


def test_an_embedded_memory_no_longer_waits_and_is_found_by_vector(store: Store) -> None:
    kept = memory("first")
    put(store, kept)
    assert store.stats([ALICE]).unembedded == 1
    store.embed({(kept.id, 1): windows(1, 2)})
    assert store.unembedded(10) == []
    assert store.stats([ALICE]).unembedded == 0
    found = store.propose(where(), terms=[], vector=vector(2), limit=5)
    assert ids(found) == [kept.id]
    assert found.unembedded == 0
    assert found.candidates[0].similarity == pytest.approx(1, abs=EXACT)
    assert all(finding.ok for finding in store.check())


def test_embedding_passes_over_what_no_longer_exists(store: Store) -> None:
    kept = memory("first")
    put(store, kept)
    store.embed({("no-such-id", 1): windows(1), (kept.id, 7): windows(2), (kept.id, 1): windows(3)})
    assert store.unembedded(10) == []
    assert all(finding.ok for finding in store.check())


def test_vectors_of_an_older_text_are_not_given_to_the_newer(store: Store) -> None:
    first = memory("one")
    put(store, first)
    put(store, revised(first, content="two"))
    store.embed({(first.id, 1): windows(1)})
    waiting = store.unembedded(10)
    assert [(m.id, m.revision) for m in waiting] == [(first.id, 2)]
    assert ids(store.propose(where(), terms=[], vector=vector(1), limit=5)) == []


def test_embedding_again_replaces_the_vectors(store: Store) -> None:
    kept = memory("one")
    put(store, kept, vectors=[windows(1, 2, 3)])
    store.embed({(kept.id, 1): windows(4)})
    (candidate,) = store.propose(where(), terms=[], vector=vector(2), limit=5).candidates
    assert candidate.vector == pytest.approx(vector(4), abs=EXACT)


def test_hidden_memories_are_found_by_vector_once_back(store: Store) -> None:
    first = memory("one")
    hidden = revised(first, status=Status.FORGOTTEN)
    put(store, first, hidden)
    store.embed({(m.id, m.revision): windows(1) for m in store.unembedded(10)})
    put(store, revised(hidden, status=Status.ACTIVE))
    assert ids(store.propose(where(), terms=[], vector=vector(1), limit=5)) == [first.id]


@pytest.mark.parametrize("width", [SPACE.dimensions - 1, SPACE.dimensions + 1])
def test_vectors_of_another_width_are_refused(store: Store, width: int) -> None:
    kept = memory("one")
    with pytest.raises(McpMemoryError):
        put(store, kept, vectors=[unit(range(1, width + 1))[None]])
    assert store.select(where()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_vectors_that_are_not_finite_are_refused(store: Store, value: float) -> None:
    broken = windows(1).copy()
    broken[0, 5] = value
    with pytest.raises(McpMemoryError):
        put(store, memory("one"), vectors=[broken])
    assert store.select(where()) == []
