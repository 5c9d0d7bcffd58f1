"""Writing: whole batches or nothing, once per request, never over someone else's change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import ChangeKind, Status, Type
from mcp_memory.errors import WriteConflict
from mcp_memory.storage.contract import Store
from tests.support.factories import (
    ACTOR,
    ALICE,
    ALICE_APP,
    BOB,
    START,
    ids,
    memory,
    put,
    revised,
    where,
    write,
)


def test_a_written_memory_is_read_back_with_every_field(store: Store) -> None:
    written = memory(
        "Alice pays €40 a month — „immer am 1.“ 🎉\nSecond line.",
        type=Type.TASK,
        key="rent",
        importance=0.73,
        tags=("home", "Müll"),
        pinned=True,
        source="mail/2026-02",
        metadata={"amount": 40.5, "paid": True, "note": None, "who": {"names": ["A", "ß"]}},
        created_at=START - timedelta(days=2, microseconds=7),
        valid_from=START - timedelta(days=1),
        valid_to=START + timedelta(days=30),
        expires_at=START + timedelta(days=31),
        evidence=3,
        merged="Alice pays 40 euros a month.",
        superseded_by=new_id(),
    )
    put(store, written)
    assert store.select(where()) == [written]


def test_a_write_returns_the_journal_entries_in_order(store: Store) -> None:
    first, second = memory("one"), memory("two")
    changes = store.write("r1", [write(first, reason="asked to"), write(second)])
    assert [change.memory_id for change in changes] == [first.id, second.id]
    told = changes[0]
    assert (told.verb, told.revision, told.at) == (ChangeKind.REMEMBER, 1, START)
    assert (told.user, told.agent, told.client) == (ACTOR.user, ACTOR.agent, ACTOR.client)
    assert told.reason == "asked to"


def test_changes_are_numbered_from_one_without_gaps(store: Store) -> None:
    first = memory("one")
    changes = store.write("r1", [write(first), write(memory("two"))])
    with pytest.raises(WriteConflict):
        store.write("r2", [write(memory("three")), write(first)])
    changes += store.write("r3", [write(revised(first, content="one and a half"))])
    assert [change.number for change in changes] == [1, 2, 3]


def test_a_request_that_was_written_is_not_written_again(store: Store) -> None:
    original = memory("one")
    changes = store.write("r1", [write(original)])
    assert store.write("r1", [write(original)]) == changes
    assert store.write("r1", [write(memory("something else"))]) == changes
    assert store.select(where()) == [original]


def test_a_request_that_failed_can_be_tried_again(store: Store) -> None:
    taken = memory("one")
    put(store, taken)
    with pytest.raises(WriteConflict):
        store.write("r1", [write(memory("one"))])
    store.write("r1", [write(memory("two"))])
    assert {m.content for m in store.select(where())} == {"one", "two"}


def test_a_request_of_no_writes_changes_nothing(store: Store) -> None:
    assert store.write("r1", []) == []
    assert store.select(where()) == []


def test_a_conflict_anywhere_in_a_batch_leaves_nothing_of_it(store: Store) -> None:
    old = memory("old")
    put(store, old)
    batch = [write(memory("new")), write(revised(old, content="changed")), write(memory("new"))]
    with pytest.raises(WriteConflict):
        store.write("r1", batch)
    assert store.select(where()) == [old]
    assert len(store.history(old.id, [ALICE])) == 1
    assert store.stats([ALICE]).revisions == 1
    assert all(finding.ok for finding in store.check())


@pytest.mark.parametrize("revision", [1, 2, 4, 9])
def test_a_revision_that_does_not_follow_the_current_one_conflicts(
    store: Store, revision: int
) -> None:
    first = memory("one")
    second = revised(first, content="two")
    put(store, first, second)
    third = replace(revised(second, content="three"), revision=revision)
    with pytest.raises(WriteConflict):
        put(store, third)
    assert store.select(where()) == [second]


def test_a_new_memory_starts_at_revision_one(store: Store) -> None:
    with pytest.raises(WriteConflict):
        put(store, memory("one", revision=2))
    assert store.select(where()) == []


def test_of_two_updates_from_the_same_revision_one_wins(store: Store) -> None:
    first = memory("one")
    put(store, first)
    put(store, revised(first, content="two"))
    with pytest.raises(WriteConflict):
        put(store, revised(first, content="another two"))
    assert [m.content for m in store.select(where())] == ["two"]


def test_each_write_ends_the_revision_before_it(store: Store) -> None:
    first = memory("one")
    second = revised(first, content="two")
    put(store, first)
    put(store, second)
    old, new = (revision.memory for revision in store.history(first.id, [ALICE]))
    assert old == replace(first, recorded_to=second.recorded_at)
    assert new == second


def test_a_batch_may_hold_several_revisions_of_one_memory(store: Store) -> None:
    first = memory("one")
    second = revised(first, content="two")
    third = revised(second, content="three")
    put(store, first, second, third)
    assert store.select(where()) == [third]
    told = [revision.memory for revision in store.history(first.id, [ALICE])]
    assert [m.content for m in told] == ["one", "two", "three"]
    assert [m.recorded_to for m in told] == [second.recorded_at, third.recorded_at, None]


def test_a_partition_has_one_active_memory_with_a_key(store: Store) -> None:
    old = memory("Europe/Berlin", key="timezone")
    put(store, old)
    with pytest.raises(WriteConflict):
        put(store, memory("Asia/Tokyo", key="timezone"))
    assert store.select(where()) == [old]


@pytest.mark.parametrize("spelt", ["Timezone", "time_zone", "time-zone", "Time Zone"])
def test_a_key_is_one_slot_however_it_is_spelt(store: Store, spelt: str) -> None:
    old = memory("Europe/Berlin", key="timezone")
    put(store, old)
    with pytest.raises(WriteConflict):
        put(store, memory("Asia/Tokyo", key=spelt))
    assert store.select(where(key=spelt)) == [old]
    put(store, revised(old, content="Asia/Tokyo", key=spelt))
    assert [m.key for m in store.select(where(key="timezone"))] == [spelt]


def test_a_partition_has_one_active_memory_with_a_fingerprint(store: Store) -> None:
    old = memory("Alice likes tea.")
    put(store, old)
    with pytest.raises(WriteConflict):
        put(store, memory("Alice  likes tea. "))
    assert store.select(where()) == [old]


def test_twins_within_one_batch_conflict(store: Store) -> None:
    with pytest.raises(WriteConflict):
        put(store, memory("a", key="slot"), memory("b", key="slot"))
    with pytest.raises(WriteConflict):
        put(store, memory("same"), memory("same"))
    assert store.select(where()) == []


def test_a_key_passes_on_within_one_batch(store: Store) -> None:
    old = memory("Europe/Berlin", key="timezone")
    put(store, old)
    new = memory("Asia/Tokyo", key="timezone")
    gone = revised(old, status=Status.SUPERSEDED, superseded_by=new.id)
    put(store, new, gone)
    assert store.select(where(key="timezone")) == [new]


def test_a_key_may_be_taken_before_its_holder_lets_go_in_the_same_batch(store: Store) -> None:
    left, right = memory("left", key="a"), memory("right", key="b")
    put(store, left, right)
    put(store, revised(left, key="b"), revised(right, key="a"))
    assert {(m.content, m.key) for m in store.select(where())} == {("left", "b"), ("right", "a")}


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.ACTIVE])
def test_only_active_memories_hold_their_key_and_text(store: Store, status: Status) -> None:
    put(store, memory("same", key="slot", status=status))
    put(store, memory("same", key="slot"))
    put(store, memory("same", key="slot", status=status))
    assert len(store.select(where())) == 1


def test_the_same_key_and_text_fit_in_every_partition(store: Store) -> None:
    partitions = (ALICE, ALICE_APP, BOB)
    put(store, *(memory("same", key="slot", partition=p) for p in partitions))
    assert len(store.select(where(*partitions))) == 3


def test_many_memories_without_a_key_live_side_by_side(store: Store) -> None:
    put(store, memory("one"), memory("two"), memory("three"))
    assert len(store.select(where())) == 3


def test_bringing_a_memory_back_conflicts_when_its_key_is_taken(store: Store) -> None:
    old = memory("Europe/Berlin", key="timezone")
    hidden = revised(old, status=Status.FORGOTTEN)
    put(store, old, hidden)
    new = memory("Asia/Tokyo", key="timezone")
    put(store, new)
    with pytest.raises(WriteConflict):
        put(store, revised(hidden, status=Status.ACTIVE))
    assert store.select(where()) == [new]


def test_moving_a_memory_conflicts_with_the_same_text_over_there(store: Store) -> None:
    here, there = memory("same"), memory("same", partition=ALICE_APP)
    put(store, here, there)
    with pytest.raises(WriteConflict):
        put(store, revised(here, partition=ALICE_APP))
    assert ids(store.select(where(ALICE))) == [here.id]


def test_a_caller_cannot_change_what_was_stored_afterwards(store: Store) -> None:
    metadata = {"people": ["Anna"]}
    put(store, memory("one", metadata=metadata))
    metadata["people"].append("Bob")
    assert store.select(where())[0].metadata == {"people": ["Anna"]}


def test_a_write_without_a_request_is_never_a_repetition(store: Store) -> None:
    first, second = memory("one"), memory("two")
    numbers = [store.write("", [write(made)])[0].number for made in (first, second)]
    assert numbers == [1, 2]
    assert set(ids(store.select(where()))) == {first.id, second.id}
