"""Selecting: each filter alone, filters together, order, and pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Partition, Scope, Status, Trust, Type
from mcp_memory.storage.contract import Order, Store
from tests.support.factories import (
    ALICE,
    ALICE_APP,
    BOB,
    SHARED,
    START,
    ids,
    memory,
    pages,
    put,
    revised,
    where,
)


def test_an_empty_store_gives_nothing(store: Store) -> None:
    assert store.select(where()) == []


def test_only_the_given_partitions_are_read(store: Store) -> None:
    made = {p: memory("same", partition=p) for p in (SHARED, ALICE, ALICE_APP, BOB)}
    put(store, *made.values())
    for partition, expected in made.items():
        assert store.select(where(partition)) == [expected]
    assert set(ids(store.select(where(ALICE, BOB)))) == {made[ALICE].id, made[BOB].id}


def test_no_partitions_mean_nothing_rather_than_everything(store: Store) -> None:
    kept = memory("one")
    put(store, kept)
    nobody = replace(where(), partitions=())
    assert store.select(nobody) == []
    assert store.select(replace(nobody, ids=(kept.id,), statuses=())) == []
    assert store.propose(nobody, terms=["one"], vector=None, limit=5).candidates == ()


def test_a_look_alike_partition_is_another_one(store: Store) -> None:
    here = Partition(tenant="a", scope=Scope.PROJECT, user="b", name="c_d")
    there = Partition(tenant="a", scope=Scope.PROJECT, user="b", name="c-d")
    agent = Partition(tenant="a", scope=Scope.AGENT, user="b", name="c_d")
    put(store, memory("one", partition=here))
    assert store.select(where(there, agent)) == []


@pytest.mark.parametrize("status", list(Status))
def test_status_filters_choose_that_status(store: Store, status: Status) -> None:
    put(store, *(memory(f"about {s}", status=s) for s in Status))
    assert [m.status for m in store.select(where(statuses=(status,)))] == [status]


def test_without_statuses_any_will_do_and_active_is_the_default(store: Store) -> None:
    put(store, *(memory(f"about {s}", status=s) for s in Status))
    assert {m.status for m in store.select(where(statuses=()))} == set(Status)
    assert {m.status for m in store.select(where())} == {Status.ACTIVE}


FIELDS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"key": "colour"}, {"key": "colour"}, {"key": "colours"}),
    ({"types": (Type.TASK,)}, {"type": Type.TASK}, {"type": Type.FACT}),
    ({"types": (Type.TASK, Type.FACT)}, {"type": Type.FACT}, {"type": Type.EPISODE}),
    ({"tags": ("a",)}, {"tags": ("b", "a")}, {"tags": ("aa", "b")}),
    ({"tags": ("a", "b")}, {"tags": ("b", "c", "a")}, {"tags": ("a", "c")}),
    ({"tags": ("it's",)}, {"tags": ("it's",)}, {"tags": ("its",)}),
    ({"metadata": {"n": 1}}, {"metadata": {"n": 1, "m": 2}}, {"metadata": {"n": 2}}),
    ({"metadata": {"n": True}}, {"metadata": {"n": True}}, {"metadata": {"n": 1}}),
    ({"metadata": {"n": "1"}}, {"metadata": {"n": "1"}}, {"metadata": {"n": 1}}),
    ({"metadata": {"n": None}}, {"metadata": {"n": None}}, {"metadata": {}}),
    ({"metadata": {"a.b": "x"}}, {"metadata": {"a.b": "x"}}, {"metadata": {"a": {"b": "x"}}}),
    ({"metadata": {'"$[0]': 1}}, {"metadata": {'"$[0]': 1}}, {"metadata": {"$": 1}}),
    (
        {"metadata": {"o": {"b": 1, "a": [1, "é"]}}},
        {"metadata": {"o": {"a": [1, "é"], "b": 1}}},
        {"metadata": {"o": {"a": [1, "é"], "b": 1, "c": 1}}},
    ),
    ({"metadata": {"a": 1, "b": 2}}, {"metadata": {"a": 1, "b": 2}}, {"metadata": {"a": 1}}),
    ({"since": START}, {"recorded_at": START}, {"recorded_at": START - timedelta(seconds=1)}),
    ({"until": START}, {"recorded_at": START - timedelta(seconds=1)}, {"recorded_at": START}),
    ({"begins_since": START}, {"valid_from": START}, {"valid_from": START - timedelta(seconds=1)}),
    ({"begins_until": START}, {"valid_from": START - timedelta(seconds=1)}, {"valid_from": START}),
]


@pytest.mark.parametrize(("fields", "matching", "other"), FIELDS)
def test_each_filter_lets_through_what_matches_and_nothing_else(
    store: Store, fields: dict[str, Any], matching: dict[str, Any], other: dict[str, Any]
) -> None:
    inside, outside = memory("inside", **matching), memory("outside", **other)
    put(store, inside, outside)
    assert set(ids(store.select(where()))) == {inside.id, outside.id}
    assert store.select(where(**fields)) == [inside]


def test_ids_match_any_of_those_given(store: Store) -> None:
    made = [memory(f"number {n}") for n in range(5)]
    put(store, *made)
    found = store.select(where(ids=(made[1].id, made[3].id, "no-such-id", "'; --")))
    assert set(ids(found)) == {made[1].id, made[3].id}


def test_fingerprints_match_any_of_those_given(store: Store) -> None:
    made = [memory(f"number {n}") for n in range(5)]
    put(store, *made)
    found = store.select(where(fingerprints=(made[0].fingerprint, made[4].fingerprint, "0" * 32)))
    assert set(ids(found)) == {made[0].id, made[4].id}


def test_a_hundred_ids_can_be_asked_for_at_once(store: Store) -> None:
    made = [memory(f"number {n}") for n in range(120)]
    put(store, *made)
    wanted = {m.id for m in made[:100]}
    assert set(ids(store.select(where(ids=tuple(wanted)), limit=200))) == wanted


def test_filters_together_must_all_hold(store: Store) -> None:
    made = [
        memory(
            f"{type_} {tag} {place} {hours}",
            type=type_,
            tags=(tag, "all"),
            metadata={"place": place},
            recorded_at=START + timedelta(hours=hours),
        )
        for type_, tag, place, hours in product(
            (Type.FACT, Type.TASK), ("red", "blue"), ("home", "work"), (0, 1)
        )
    ]
    put(store, *made)
    asked = where(
        types=(Type.TASK,),
        tags=("all", "red"),
        metadata={"place": "work"},
        since=START + timedelta(minutes=1),
        until=START + timedelta(hours=2),
    )
    assert [m.content for m in store.select(asked)] == ["task red work 1"]


def test_a_filter_sees_the_current_revision_only(store: Store) -> None:
    first = memory("one", tags=("old",))
    put(store, first, revised(first, tags=("new",)))
    assert store.select(where(tags=("old",))) == []
    assert len(store.select(where(tags=("new",)))) == 1


def test_the_newest_come_first_and_ties_go_to_the_later_id(store: Store) -> None:
    first, second, third = memory("first"), memory("second"), memory("third")
    latest = memory("latest", recorded_at=START + timedelta(seconds=1))
    earliest = memory("earliest", recorded_at=START - timedelta(seconds=1))
    put(store, latest, second, third, first, earliest)
    expected = [latest.id, third.id, second.id, first.id, earliest.id]
    assert ids(store.select(where())) == expected
    assert ids(store.select(where(), order=Order.IMPORTANT)) == expected


def test_the_important_order_is_pinned_then_importance_then_newest(store: Store) -> None:
    made = [
        memory("pinned", pinned=True, importance=0.1),
        memory("late", importance=0.9, recorded_at=START + timedelta(days=1)),
        memory("early", importance=0.9),
        memory("dull", importance=0.2, recorded_at=START + timedelta(days=2)),
    ]
    put(store, *reversed(made))
    assert store.select(where(), order=Order.IMPORTANT) == made


def test_the_limit_is_kept(store: Store) -> None:
    put(store, *(memory(f"number {n}") for n in range(60)))
    assert len(store.select(where())) == 50
    assert len(store.select(where(), limit=1)) == 1
    assert len(store.select(where(), limit=1000)) == 60


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("size", [1, 3, 7])
def test_pages_lose_nothing_and_repeat_nothing(store: Store, order: Order, size: int) -> None:
    put(
        store,
        *(
            memory(
                f"number {n}",
                partition=(ALICE, ALICE_APP)[n % 2],
                importance=(n % 3) / 4 + 0.1,
                pinned=n % 5 == 0,
                recorded_at=START + timedelta(minutes=n % 4),
            )
            for n in range(25)
        ),
    )
    asked = where(ALICE, ALICE_APP)
    whole = store.select(asked, order=order, limit=100)
    assert pages(store, asked, order=order, size=size) == whole
    assert len(whole) == 25


def test_pages_of_a_past_moment_are_in_the_order_of_then(store: Store) -> None:
    made = [memory(f"number {n}", recorded_at=START + timedelta(minutes=n)) for n in range(6)]
    put(store, *made)
    later = START + timedelta(hours=1)
    put(store, *(revised(m, pinned=True, recorded_at=later) for m in made[:3]))
    asked = where(as_of=START + timedelta(minutes=30), now=later)
    first = store.select(asked, limit=4)
    rest = store.select(asked, limit=4, after=first[-1].id)
    assert ids(first + rest) == [m.id for m in reversed(made)]


@pytest.mark.parametrize(
    ("expires_at", "there"),
    [
        (None, True),
        (START - timedelta(days=1), False),
        (START, False),
        (START + timedelta(microseconds=1), True),
    ],
)
def test_a_memory_is_gone_from_the_moment_it_expires(
    store: Store, expires_at: datetime | None, there: bool
) -> None:
    put(store, memory("one", expires_at=expires_at))
    assert bool(store.select(where(now=START))) is there


def test_expired_memories_are_shown_when_asked_for(store: Store) -> None:
    late = memory("late", expires_at=START)
    swept = memory("swept", expires_at=START, status=Status.EXPIRED)
    put(store, late, swept)
    assert store.select(where(now=START)) == []
    assert set(ids(store.select(where(statuses=())))) == {late.id, swept.id}
    assert ids(store.select(where(statuses=(Status.EXPIRED,)))) == [swept.id]
    either = (Status.ACTIVE, Status.EXPIRED)
    assert set(ids(store.select(where(statuses=either)))) == {late.id, swept.id}


def test_overdue_finds_expired_active_memories_of_every_partition(store: Store) -> None:
    put(
        store,
        memory("now", expires_at=START),
        memory("before", partition=BOB, expires_at=START - timedelta(days=9)),
        memory("later", expires_at=START + timedelta(microseconds=1)),
        memory("never"),
        memory("swept", expires_at=START, status=Status.EXPIRED),
        memory("hidden", expires_at=START, status=Status.FORGOTTEN),
    )
    assert {m.content for m in store.overdue(START, 10)} == {"now", "before"}
    assert len(store.overdue(START, 1)) == 1


def test_overdue_looks_at_the_current_revision(store: Store) -> None:
    first = memory("one", expires_at=START)
    put(store, first, revised(first, expires_at=None))
    assert store.overdue(START + timedelta(days=1), 10) == []


def test_every_trust_and_type_survives_the_store(store: Store) -> None:
    put(store, *(memory(f"{t} {u}", type=t, trust=u) for t, u in product(Type, Trust)))
    found = store.select(where(), limit=100)
    assert {(m.type, m.trust) for m in found} == set(product(Type, Trust))


def test_only_a_memory_in_sight_says_where_to_go_on(store: Store) -> None:
    mine = [memory(f"mine {n}", recorded_at=START + timedelta(hours=n)) for n in range(4)]
    theirs = memory("theirs", partition=BOB, recorded_at=START + timedelta(hours=2))
    moved = memory("moved", recorded_at=START + timedelta(hours=2))
    put(store, *mine, theirs, moved)
    put(store, revised(moved, partition=BOB, recorded_at=START + timedelta(hours=9)))
    late = START + timedelta(days=1)
    for asked in (where(now=late), where(now=late, as_of=START + timedelta(hours=5))):
        for order in Order:
            assert ids(store.select(asked, order=order, after=mine[2].id)) == ids(mine[1::-1])
            for foreign in (theirs.id, moved.id, "no-such-id"):
                assert store.select(asked, order=order, after=foreign) == []


def test_a_list_goes_on_after_a_memory_that_no_longer_matches(store: Store) -> None:
    made = [memory(f"one {n}", recorded_at=START + timedelta(hours=n)) for n in range(3)]
    put(store, *made)
    put(store, revised(made[1], status=Status.FORGOTTEN, recorded_at=made[1].recorded_at))
    assert ids(store.select(where(), after=made[1].id)) == [made[0].id]


def test_a_memory_is_found_by_the_end_of_its_id(store: Store) -> None:
    mine, other, theirs = memory("mine"), memory("other"), memory("of bob", partition=BOB)
    gone = memory("gone", status=Status.FORGOTTEN)
    put(store, mine, other, theirs, gone)
    asked = (ending(mine.id), ending(theirs.id), ending(gone.id), "0badc0de")
    assert ids(store.select(where(endings=asked))) == [mine.id]
    found = store.select(where(ALICE, BOB, endings=asked, statuses=()))
    assert set(ids(found)) == {mine.id, theirs.id, gone.id}
    assert ids(store.select(where(endings=asked, types=(Type.TASK,)))) == []
    near = store.propose(where(endings=asked), terms=["mine", "other"], vector=None, limit=5)
    assert ids(near) == [mine.id]


def test_of_ids_that_end_alike_all_are_found(store: Store) -> None:
    made = [memory(str(n), id=f"01a212f9-3178-7ea3-9b2c-{n:04}5e5e5e5e") for n in range(3)]
    put(store, *made)
    assert set(ids(store.select(where(endings=("5e5e5e5e",))))) == set(ids(made))
