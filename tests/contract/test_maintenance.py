"""Traces, settings, counts, checks, housekeeping and closing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from mcp_memory.domain.memory import Status, Type
from mcp_memory.errors import StoreClosed
from mcp_memory.storage.contract import Store
from tests.support.factories import (
    ACTOR,
    ALICE,
    ALICE_APP,
    BOB,
    SHARED,
    START,
    memory,
    put,
    revised,
    trace,
    vector,
    where,
    windows,
    write,
)


def test_a_trace_is_read_back_as_it_was(store: Store) -> None:
    saved = trace(
        "what — „did“ she say? 🎉",
        partitions=(ALICE, SHARED),
        memory_ids=("a", "b"),
        document={"parts": [{"id": "a", "score": 0.25}], "ok": True, "none": None},
    )
    store.save_traces([saved])
    assert store.trace(saved.id, [SHARED, BOB, ALICE]) == saved


def test_a_trace_is_only_for_who_sees_all_that_was_searched(store: Store) -> None:
    saved = trace(partitions=(ALICE, ALICE_APP))
    store.save_traces([saved])
    assert store.trace(saved.id, [ALICE]) is None
    assert store.trace(saved.id, [BOB]) is None
    assert store.trace(saved.id, []) is None
    assert store.trace("no-such-trace", [ALICE, ALICE_APP]) is None
    assert store.trace(saved.id, [ALICE_APP, ALICE]) is not None


def test_the_newest_traces_of_a_partition_come_first(store: Store) -> None:
    saved = [
        trace(f"query {n}", at=START + timedelta(seconds=n), partitions=(ALICE, ALICE_APP))
        for n in (3, 1, 2, 4, 0)
    ]
    store.save_traces(saved)
    newest = sorted(saved, key=lambda t: t.at, reverse=True)
    assert store.traces_of(ALICE_APP, [ALICE, ALICE_APP, SHARED], 10) == newest
    assert store.traces_of(ALICE_APP, [ALICE, ALICE_APP], 2) == newest[:2]
    assert store.traces_of(ALICE_APP, [ALICE, ALICE_APP], 0) == []


def test_those_of_one_moment_come_by_their_ids(store: Store) -> None:
    saved = [trace() for _ in range(5)]
    store.save_traces(saved[::-1])
    assert [t.id for t in store.traces_of(ALICE, [ALICE], 3)] == [t.id for t in saved[:1:-1]]


def test_only_the_traces_of_a_partition_that_their_caller_sees_whole_are_given(
    store: Store,
) -> None:
    here = trace(partitions=(ALICE, ALICE_APP))
    elsewhere, others = trace(partitions=(ALICE,)), trace(partitions=(BOB,))
    later = [trace(partitions=(ALICE, ALICE_APP, BOB), at=START + timedelta(days=1))] * 3
    store.save_traces([here, elsewhere, others, *later])
    assert store.traces_of(ALICE_APP, [ALICE, ALICE_APP], 1) == [here]
    for seen in ([ALICE], [ALICE_APP], [BOB], []):
        assert store.traces_of(ALICE_APP, seen, 10) == []


def test_the_newest_thousand_traces_are_kept(store: Store) -> None:
    saved = [trace(f"query {n}", at=START + timedelta(seconds=n)) for n in range(1010)]
    store.save_traces(saved[:600])
    store.save_traces(saved[600:])
    store.maintain()
    kept = [t.id for t in saved if store.trace(t.id, [ALICE])]
    assert kept == [t.id for t in saved[10:]]


def test_saving_no_traces_is_fine(store: Store) -> None:
    store.save_traces([])


def test_the_first_call_for_a_setting_decides_its_value(store: Store) -> None:
    assert store.setting("salt", "one") == "one"
    assert store.setting("salt", "two") == "one"
    assert store.setting("pepper", "two") == "two"
    assert store.setting("empty", "") == ""
    assert store.setting("empty", "late") == ""


@pytest.mark.parametrize("name", ["schema_version", "version", "space", "it's; --", "ключ"])
def test_every_name_of_a_setting_is_free_at_first(store: Store, name: str) -> None:
    assert store.setting(name, "mine") == "mine"
    assert store.setting(name, "yours") == "mine"
    assert all(finding.ok for finding in store.check())


def test_counts_are_of_current_memories_in_the_given_partitions(store: Store) -> None:
    first = memory("one")
    put(store, first, revised(first, type=Type.TASK), vectors=[windows(1), windows(1)])
    put(
        store,
        memory("two", partition=ALICE_APP, type=Type.EPISODE),
        memory("three", partition=ALICE_APP, status=Status.PENDING),
        memory("four", partition=BOB),
    )
    stats = store.stats([ALICE, ALICE_APP])
    assert dict(stats.by_status) == {"active": 2, "pending": 1}
    assert dict(stats.by_type) == {"task": 1, "episode": 1, "fact": 1}
    assert dict(stats.by_scope) == {"user": 1, "project": 2}
    assert (stats.revisions, stats.unembedded) == (4, 2)


def test_counts_of_nothing_are_empty(store: Store) -> None:
    put(store, memory("one"))
    for stats in (store.stats([]), store.stats([BOB])):
        assert (dict(stats.by_status), dict(stats.by_type), dict(stats.by_scope)) == ({}, {}, {})
        assert (stats.revisions, stats.unembedded) == (0, 0)


def test_a_check_finds_nothing_wrong_after_every_kind_of_change(store: Store) -> None:
    first, second, third = memory("one"), memory("two"), memory("three")
    put(store, first, second, vectors=[windows(1), windows(2, 3)])
    put(store, third, revised(first, status=Status.FORGOTTEN), revised(second, partition=BOB))
    store.embed({(third.id, 1): windows(4)})
    store.save_traces([trace()])
    store.erase([second.id], ACTOR)
    findings = store.check()
    assert findings
    assert [f for f in findings if not f.ok] == []
    assert all(f.name and f.detail for f in findings)


def test_housekeeping_changes_no_answer(store: Store) -> None:
    first = memory("green tea")
    put(store, first, revised(first, importance=0.9), vectors=[windows(1), windows(1)])
    saved = trace()
    store.save_traces([saved])
    before = (store.select(where()), store.history(first.id, [ALICE]), store.stats([ALICE]))
    store.maintain()
    store.maintain()
    assert (store.select(where()), store.history(first.id, [ALICE]), store.stats([ALICE])) == before
    assert store.trace(saved.id, [ALICE]) == saved
    found = store.propose(where(), terms=["tea"], vector=vector(1), limit=5)
    assert len(found.candidates) == 1
    put(store, memory("more"))
    assert all(f.ok for f in store.check())


CALLS: dict[str, Callable[[Store], object]] = {
    "write": lambda s: s.write("r2", [write(memory("two"))]),
    "retry": lambda s: s.write("r1", []),
    "select": lambda s: s.select(where()),
    "history": lambda s: s.history("x", [ALICE]),
    "propose": lambda s: s.propose(where(), terms=["tea"], vector=vector(1), limit=5),
    "unembedded": lambda s: s.unembedded(1),
    "overdue": lambda s: s.overdue(START, 1),
    "embed": lambda s: s.embed({("x", 1): windows(1)}),
    "erase": lambda s: s.erase(["x"], ACTOR),
    "save_traces": lambda s: s.save_traces([trace()]),
    "trace": lambda s: s.trace("x", [ALICE]),
    "setting": lambda s: s.setting("a", "b"),
    "stats": lambda s: s.stats([ALICE]),
    "check": lambda s: s.check(),
    "lag": lambda s: s.lag(),
    "catch_up": lambda s: s.catch_up(),
    "rebuild": lambda s: s.rebuild(lambda done, total: None),
    "maintain": lambda s: s.maintain(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_call_on_a_closed_store_says_so(
    store: Store, call: Callable[[Store], object]
) -> None:
    store.write("r1", [write(memory("one"))])
    store.close()
    with pytest.raises(StoreClosed):
        call(store)


def test_closing_twice_is_harmless(store: Store) -> None:
    store.close()
    store.close()


def test_a_trace_saved_again_is_the_newer(store: Store) -> None:
    first = trace()
    store.save_traces([first])
    store.save_traces([replace(first, document={"k": 20})])
    kept = store.trace(first.id, [ALICE])
    assert kept is not None
    assert kept.document == {"k": 20}
