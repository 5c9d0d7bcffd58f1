"""What was said around a result in the same conversation is proposed with it."""

from __future__ import annotations

from datetime import timedelta

from mcp_memory.domain.memory import Memory, Status, Type
from mcp_memory.storage.contract import Filter, Store
from tests.support.factories import (
    ALICE,
    BOB,
    START,
    ids,
    memory,
    put,
    revised,
    vector,
    where,
    windows,
)


def said(position: int, content: str = "", **fields: object) -> Memory:
    """A turn of one conversation."""
    return memory(
        content or f"turn number {position}", **{"source": f"chat/7#{position}", **fields}
    )


def around(
    store: Store, query: str = "llama", reach: int = 2, asked: Filter | None = None
) -> set[str]:
    """What is proposed for one word."""
    found = store.propose(asked or where(), terms=[query], vector=None, limit=5, reach=reach)
    assert len(ids(found)) == len(set(ids(found)))
    return set(ids(found))


def test_what_was_said_up_to_so_many_places_away_comes_too(store: Store) -> None:
    turns = [said(n, "a llama" if n == 5 else "") for n in range(10)]
    put(store, *turns)
    for reach in (0, 1, 2):
        near = {turns[n].id for n in range(5 - reach, 5 + reach + 1)}
        assert around(store, reach=reach) == near


def test_another_conversation_and_another_partition_do_not(store: Store) -> None:
    hit, near = said(5, "a llama"), said(6)
    others = [
        said(6, "other talk", source="chat/8#6"),
        said(6, "no position", source="chat/7"),
        said(6, "of bob", partition=BOB),
    ]
    put(store, hit, near, *others)
    assert around(store) == {hit.id, near.id}
    assert around(store, asked=where(ALICE, BOB)) == {hit.id, near.id}


def test_memories_without_a_conversation_have_nothing_around_them(store: Store) -> None:
    hit = memory("a llama", source="")
    put(store, hit, memory("not a word", source=""), memory("a note", source="#4"))
    assert around(store) == {hit.id}


def test_the_filter_holds_for_what_comes_along(store: Store) -> None:
    hit = said(5, "a llama", type=Type.TASK, tags=("zoo",))
    same, other = said(4, type=Type.TASK, tags=("zoo",)), said(6, tags=("zoo",))
    hidden = said(3, status=Status.FORGOTTEN)
    put(store, hit, same, other, hidden)
    assert around(store) == {hit.id, same.id, other.id}
    assert around(store, asked=where(types=(Type.TASK,))) == {hit.id, same.id}
    assert around(store, asked=where(tags=("zoo",))) == {hit.id, same.id, other.id}
    assert around(store, asked=where(statuses=())) == {hit.id, same.id, other.id, hidden.id}


def test_what_moved_to_another_place_is_found_there(store: Store) -> None:
    hit, near = said(5, "a llama"), said(6)
    put(store, hit, near)
    put(store, revised(near, source="chat/7#9", content="elsewhere"))
    assert around(store) == {hit.id}
    then = where(now=START + timedelta(hours=1), as_of=START)
    assert around(store, asked=then) == {hit.id, near.id}


def test_what_comes_along_is_scored_like_the_rest(store: Store) -> None:
    hit, near = said(5, "a llama"), said(6)
    put(store, hit, near, vectors=[windows(1), windows(2)])
    found = store.propose(where(), terms=["llama"], vector=vector(1), limit=1, reach=1)
    assert {c.memory.id for c in found.candidates} == {hit.id, near.id}
    similarity = {c.memory.id: c.similarity for c in found.candidates}
    assert similarity[near.id] is not None
    assert set(found.candidates[0].terms) | set(found.candidates[1].terms) >= {"llama", "turn"}
