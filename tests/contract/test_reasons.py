"""The reasons that were given for changes, of all memories that somebody may see."""

from __future__ import annotations

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import ChangeKind
from mcp_memory.storage.contract import Store
from tests.support.factories import ACTOR, ALICE, ALICE_APP, BOB, memory, put, revised, write


def test_reasons_come_in_the_order_in_which_they_were_given(store: Store) -> None:
    first, second = memory("tea"), memory("coffee", partition=ALICE_APP)
    put(store, first, second)
    hidden = revised(second, content="water")
    store.write(new_id(), [write(hidden, verb=ChangeKind.FORGET, reason="one")])
    store.write(new_id(), [write(revised(first), reason="two"), write(memory("milk"))])
    store.write(new_id(), [write(memory("of Bob", partition=BOB), reason="three")])
    both = [ALICE, ALICE_APP]
    found = store.reasons(both, after=0, limit=9)
    assert [(c.memory_id, c.verb, c.reason) for c in found] == [
        (second.id, ChangeKind.FORGET, "one"),
        (first.id, ChangeKind.UPDATE, "two"),
    ]
    told = [r.change for i in (second.id, first.id) for r in store.history(i, both)]
    assert found == [change for change in told if change.reason]
    assert store.reasons(both, after=0, limit=1) == found[:1]
    assert store.reasons(both, after=found[0].number, limit=9) == found[1:]
    assert store.reasons([ALICE], after=0, limit=9) == found[1:]
    assert store.reasons([], after=0, limit=9) == []


def test_a_memory_that_was_moved_tells_its_reasons_where_it_is_now(store: Store) -> None:
    put(store, first := memory("tea", partition=ALICE_APP))
    early = revised(first, content="coffee")
    late = revised(early, partition=ALICE)
    store.write(new_id(), [write(early, reason="in the project")])
    store.write(new_id(), [write(late, reason="moved")])
    assert store.reasons([ALICE_APP], after=0, limit=9) == []
    assert [c.reason for c in store.reasons([ALICE], after=0, limit=9)] == ["moved"]
    assert len(store.reasons([ALICE, ALICE_APP], after=0, limit=9)) == 2


def test_what_is_erased_tells_no_reason(store: Store) -> None:
    put(store, first := memory("tea"))
    store.write(new_id(), [write(revised(first), reason="why not")])
    store.erase([first.id], ACTOR)
    assert store.reasons([ALICE], after=0, limit=9) == []
