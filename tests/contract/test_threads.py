"""Eight threads at once: nothing lost, nothing torn, nobody's exception."""

from __future__ import annotations

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Change, Memory
from mcp_memory.errors import WriteConflict
from mcp_memory.storage.contract import Store
from tests.support.factories import (
    ALICE,
    ALICE_APP,
    ids,
    memory,
    put,
    revised,
    trace,
    vector,
    where,
    windows,
    write,
)
from tests.support.waiting import THREADS, at_once

ROUNDS = 15


def test_no_write_is_lost_among_readers(store: Store) -> None:
    def work(n: int) -> list[Change]:
        changes: list[Change] = []
        for turn in range(ROUNDS):
            made = memory(f"thread{n} turn{turn}")
            changes += store.write(new_id(), [write(made, windows(n * ROUNDS + turn))])
            assert ids(store.select(where(ids=(made.id,)))) == [made.id]
            found = store.propose(where(), terms=[f"turn{turn}"], vector=vector(n), limit=200)
            assert made.id in ids(found)
            store.save_traces([trace(memory_ids=(made.id,))])
        return changes

    changes = [change for part in at_once(work) for change in part]
    assert sorted(c.number for c in changes) == list(range(1, THREADS * ROUNDS + 1))
    kept = ids(store.select(where(), limit=1000))
    assert sorted(kept) == sorted(c.memory_id for c in changes)
    found = store.propose(where(), terms=[], vector=vector(0), limit=1000)
    assert sorted(ids(found)) == sorted(kept)
    assert [f for f in store.check() if not f.ok] == []


def test_of_racing_updates_each_revision_is_made_once(store: Store) -> None:
    counted = memory("count 0")
    put(store, counted)

    def work(n: int) -> int:
        done = 0
        while done < 5:
            (current,) = store.select(where(ids=(counted.id,)))
            try:
                put(store, revised(current, content=f"count {current.revision} by {n}"))
            except WriteConflict:
                continue
            done += 1
        return done

    assert sum(at_once(work)) == THREADS * 5
    told = store.history(counted.id, [ALICE])
    assert [r.memory.revision for r in told] == list(range(1, THREADS * 5 + 2))


def test_of_racing_writes_of_one_key_one_is_stored(store: Store) -> None:
    def work(n: int) -> str:
        try:
            put(store, memory(f"zone {n}", key="timezone"))
        except WriteConflict:
            return "conflict"
        return "stored"

    assert sorted(at_once(work)) == ["conflict"] * (THREADS - 1) + ["stored"]
    assert len(store.select(where(key="timezone"))) == 1


def test_of_racing_retries_one_is_stored_and_all_hear_the_same(store: Store) -> None:
    made = memory("once")
    heard = at_once(lambda _: store.write("the same request", [write(made)]))
    assert heard == [heard[0]] * THREADS
    assert store.select(where()) == [made]


def test_a_failing_write_takes_no_other_with_it(store: Store) -> None:
    taken = memory("taken")
    put(store, taken)

    def work(n: int) -> Memory | None:
        made = memory(f"thread {n}")
        try:
            put(store, made, *([memory("taken")] if n % 2 else []))
        except WriteConflict:
            return None
        return made

    stored = [m for m in at_once(work) if m]
    assert len(stored) == THREADS // 2
    assert sorted(ids(store.select(where()))) == sorted(ids([taken, *stored]))


def test_a_reader_never_sees_half_a_batch(store: Store) -> None:
    left, right = memory("left 1"), memory("right 1", partition=ALICE_APP)
    put(store, left, right)

    def work(n: int) -> None:
        if n:
            for _ in range(ROUNDS):
                revisions = {m.revision for m in store.select(where(ALICE, ALICE_APP))}
                assert len(revisions) == 1
            return
        ours, theirs = left, right
        for turn in range(2, ROUNDS + 2):
            ours = revised(ours, content=f"left {turn}")
            theirs = revised(theirs, content=f"right {turn}")
            put(store, ours, theirs)

    at_once(work)
    assert store.select(where())[0].revision == ROUNDS + 1


def test_the_first_value_of_a_setting_is_everyones(store: Store) -> None:
    assert len(set(at_once(lambda n: store.setting("salt", str(n))))) == 1
