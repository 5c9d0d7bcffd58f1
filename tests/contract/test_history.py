"""The past: what was believed at a moment, and the history of one memory."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mcp_memory.domain.memory import ChangeKind, Status
from mcp_memory.storage.contract import Store
from tests.support.factories import (
    ALICE,
    ALICE_APP,
    BOB,
    EXACT,
    SHARED,
    START,
    Clock,
    ids,
    memory,
    put,
    revised,
    where,
    windows,
    write,
)

DAY = timedelta(days=1)


def test_as_of_gives_the_revision_recorded_by_then(store: Store, clock: Clock) -> None:
    first = memory("one", recorded_at=clock())
    second = revised(first, content="two", recorded_at=clock.tick(days=1))
    third = revised(second, content="three", recorded_at=clock.tick(days=1))
    put(store, first)
    put(store, second, third)

    def believed(days: float) -> list[str]:
        moment = START + timedelta(days=days)
        return [m.content for m in store.select(where(as_of=moment, now=clock()))]

    assert believed(-0.001) == []
    assert believed(0) == ["one"]
    assert believed(0.999) == ["one"]
    assert believed(1) == ["two"]
    assert believed(2) == ["three"]
    assert believed(500) == ["three"]


def test_as_of_keeps_to_the_validity_of_what_was_believed(store: Store) -> None:
    put(store, memory("valid", valid_from=START + DAY, valid_to=START + 3 * DAY))

    def believed(days: float) -> int:
        return len(store.select(where(as_of=START + timedelta(days=days))))

    assert [believed(d) for d in (0, 0.9, 1, 2, 2.9, 3, 4)] == [0, 0, 1, 1, 1, 0, 0]


def test_a_correction_about_the_past_changes_belief_from_its_recording_on(store: Store) -> None:
    first = memory("Alice lives in Rome.", valid_from=START - 10 * DAY)
    fixed = revised(
        first,
        content="Alice lives in Turin.",
        valid_from=START - 20 * DAY,
        recorded_at=START + 5 * DAY,
    )
    put(store, first, fixed)
    believed = [store.select(where(as_of=START + n * DAY))[0].content for n in (4, 5)]
    assert believed == ["Alice lives in Rome.", "Alice lives in Turin."]
    assert store.select(where(as_of=START - 15 * DAY)) == []


def test_as_of_shows_what_was_forgotten_or_superseded_later(store: Store) -> None:
    first, second = memory("one"), memory("two")
    put(store, first, second)
    put(
        store,
        revised(first, status=Status.FORGOTTEN, recorded_at=START + DAY),
        revised(second, status=Status.SUPERSEDED, recorded_at=START + DAY),
    )
    assert store.select(where(now=START + 2 * DAY)) == []
    assert len(store.select(where(as_of=START, now=START + 2 * DAY))) == 2
    assert store.select(where(as_of=START + DAY, now=START + 2 * DAY)) == []
    hidden = where(as_of=START + DAY, statuses=(Status.FORGOTTEN,))
    assert ids(store.select(hidden)) == [first.id]


def test_as_of_judges_expiry_at_that_moment_and_not_now(store: Store) -> None:
    put(store, memory("one", expires_at=START + DAY))
    later = START + 9 * DAY
    assert store.select(where(now=later)) == []
    assert len(store.select(where(as_of=START, now=later))) == 1
    assert store.select(where(as_of=START + DAY, now=later)) == []


def test_as_of_filters_look_at_the_revision_of_then(store: Store) -> None:
    first = memory("one", tags=("old",), key="a")
    put(store, first, revised(first, tags=("new",), key="b", recorded_at=START + DAY))
    assert len(store.select(where(as_of=START, tags=("old",), key="a"))) == 1
    assert store.select(where(as_of=START, tags=("new",))) == []
    assert store.select(where(as_of=START, key="b")) == []
    since = where(as_of=START + 2 * DAY, since=START + DAY)
    assert len(store.select(since)) == 1
    assert store.select(where(as_of=START, until=START)) == []


def test_as_of_finds_a_memory_in_the_partition_it_was_in(store: Store) -> None:
    first = memory("one", partition=ALICE_APP)
    put(store, first, revised(first, partition=ALICE, recorded_at=START + DAY))
    both = (ALICE, ALICE_APP)
    assert store.select(where(*both, as_of=START))[0].partition == ALICE_APP
    assert store.select(where(ALICE, as_of=START)) == []
    assert store.select(where(BOB, SHARED, as_of=START)) == []


def test_a_memory_that_was_moved_out_of_sight_takes_its_past_with_it(store: Store) -> None:
    first = memory("the salary is high", partition=SHARED, key="salary")
    put(store, first, vectors=[windows(1)])
    moved = revised(first, partition=ALICE, recorded_at=START + DAY)
    put(store, moved, revised(moved, status=Status.FORGOTTEN, recorded_at=START + 2 * DAY))
    now = START + 3 * DAY
    for fields in ({}, {"ids": (first.id,)}, {"key": "salary"}):
        assert store.select(where(BOB, SHARED, as_of=START, now=now, **fields)) == []
        seen = store.select(where(ALICE, SHARED, as_of=START, now=now, **fields))
        assert [m.partition for m in seen] == [SHARED]
    for terms, asked in ((["salari"], None), ([], windows(1)[0])):
        for partitions, count in (((BOB, SHARED), 0), ((ALICE, SHARED), 1)):
            past = where(*partitions, as_of=START, now=now)
            assert len(ids(store.propose(past, terms=terms, vector=asked, limit=5))) == count


def test_a_search_as_of_a_past_moment_reads_the_text_and_vectors_of_then(store: Store) -> None:
    first = memory("the meeting is in Lisbon")
    put(store, first, vectors=[windows(1)])
    second = revised(first, content="the meeting is in Oslo", recorded_at=START + DAY)
    put(store, second, vectors=[windows(2)])

    then = where(as_of=START, now=START + DAY)
    by_text = store.propose(then, terms=["lisbon"], vector=None, limit=5)
    assert [c.memory.content for c in by_text.candidates] == [first.content]
    assert ids(store.propose(then, terms=["oslo"], vector=None, limit=5)) == []

    by_vector = store.propose(then, terms=[], vector=windows(1)[0], limit=5)
    assert [c.memory.content for c in by_vector.candidates] == [first.content]
    assert by_vector.candidates[0].similarity == pytest.approx(1, abs=EXACT)

    current = where(now=START + DAY)
    assert ids(store.propose(current, terms=["lisbon"], vector=None, limit=5)) == []
    found = store.propose(current, terms=[], vector=windows(1)[0], limit=5).candidates
    assert [c.memory.content for c in found] == [second.content]
    assert found[0].similarity == pytest.approx(float(windows(1)[0] @ windows(2)[0]), abs=EXACT)


def test_history_tells_every_revision_with_the_change_that_made_it(store: Store) -> None:
    first = memory("one")
    second = revised(first, content="two")
    third = revised(second, status=Status.FORGOTTEN)
    store.write("r1", [write(first)])
    store.write("r2", [write(second, reason="it was wrong")])
    store.write("r3", [write(third, verb=ChangeKind.FORGET)])
    told = store.history(first.id, [ALICE])
    assert [(r.memory.revision, r.memory.content) for r in told] == [
        (1, "one"),
        (2, "two"),
        (3, "two"),
    ]
    assert [r.change.verb for r in told] == [
        ChangeKind.REMEMBER,
        ChangeKind.UPDATE,
        ChangeKind.FORGET,
    ]
    assert [r.change.revision for r in told] == [1, 2, 3]
    assert [r.change.reason for r in told] == ["", "it was wrong", ""]
    assert {r.change.memory_id for r in told} == {first.id}


def test_history_is_only_for_those_who_see_the_memory(store: Store) -> None:
    kept = memory("one")
    put(store, kept)
    assert store.history(kept.id, [BOB, SHARED, ALICE_APP]) == []
    assert store.history(kept.id, []) == []
    assert store.history("no-such-id", [ALICE]) == []
    assert len(store.history(kept.id, [BOB, ALICE])) == 1


def test_history_leaves_out_revisions_from_a_partition_that_is_not_visible(store: Store) -> None:
    first = memory("my secret plan")
    second = revised(first, content="our plan", partition=SHARED)
    third = revised(second, content="our better plan")
    put(store, first, second, third)
    everyone = store.history(first.id, [BOB, SHARED])
    assert [r.memory.content for r in everyone] == ["our plan", "our better plan"]
    assert len(store.history(first.id, [ALICE, SHARED])) == 3


def test_history_is_closed_once_the_memory_moves_out_of_sight(store: Store) -> None:
    first = memory("our plan", partition=SHARED)
    put(store, first, revised(first, partition=ALICE))
    assert store.history(first.id, [BOB, SHARED]) == []
    assert len(store.history(first.id, [ALICE, SHARED])) == 2


def test_a_memory_that_moved_is_selected_where_it_is_now(store: Store) -> None:
    first = memory("one")
    moved = revised(first, partition=ALICE_APP)
    put(store, first, moved)
    assert store.select(where(ALICE)) == []
    assert store.select(where(ALICE_APP)) == [moved]
