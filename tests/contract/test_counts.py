"""Who holds how much of a store."""

from __future__ import annotations

from dataclasses import replace

from mcp_memory.domain.memory import Status
from mcp_memory.storage.contract import Store
from tests.support.factories import ALICE, ALICE_APP, BOB, memory, put, revised


def test_every_partition_is_held_with_its_active_memories(store: Store) -> None:
    assert dict(store.held()) == {}
    mine, gone = memory("one", partition=ALICE), memory("two", partition=ALICE_APP)
    put(store, mine, gone, memory("three", partition=BOB), memory("four", partition=BOB))
    put(store, revised(gone, status=Status.FORGOTTEN))
    assert dict(store.held()) == {ALICE: 1, ALICE_APP: 0, BOB: 2}
    put(store, revised(mine, partition=BOB))
    assert store.held()[BOB] == 3
    assert store.held().get(ALICE, 0) == 0
    assert replace(ALICE, user="nobody") not in store.held()
