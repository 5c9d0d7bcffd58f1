"""Erasing: gone from every read, with its history and traces, and nothing else gone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mcp_memory.domain import text
from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import ChangeKind, Partition, Scope, Status
from mcp_memory.storage.contract import Store
from tests.support.factories import (
    ACTOR,
    ALICE,
    ALICE_APP,
    BOB,
    SHARED,
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

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Vector


def test_an_erased_memory_is_gone_from_every_read(store: Store) -> None:
    first = memory("Alice likes tea", key="drink")
    second = revised(first, content="Alice likes coffee")
    other = memory("Bob likes tea")
    put(store, first, other, vectors=[windows(1), windows(2)])
    put(store, second)
    store.erase([first.id], ACTOR)
    assert ids(store.select(where(statuses=()))) == [other.id]
    assert ids(store.select(where(as_of=first.recorded_at))) == [other.id]
    assert store.history(first.id, [ALICE]) == []
    terms = text.query_terms("tea or coffee")
    assert ids(store.propose(where(), terms=terms, vector=vector(1), limit=9)) == [other.id]
    assert store.unembedded(10) == []
    stats = store.stats([ALICE])
    assert (stats.revisions, dict(stats.by_status)) == (1, {"active": 1})
    assert all(finding.ok for finding in store.check())


def test_the_receipt_counts_what_was_removed(store: Store) -> None:
    first = memory("Alice likes tea")
    put(store, first, revised(first, importance=0.9), vectors=[windows(1, 2), windows(3)])
    store.save_traces([trace(memory_ids=(first.id,)), trace("unrelated matter")])
    receipt = store.erase([first.id], ACTOR)
    assert (receipt.memories, receipt.revisions, receipt.traces) == (1, 2, 1)
    assert receipt.journal_entries == 2
    assert receipt.index_entries >= 1
    assert receipt.vectors >= 1


def test_a_second_erase_is_harmless(store: Store) -> None:
    first, other = memory("tea"), memory("coffee")
    put(store, first, other)
    store.erase([first.id], ACTOR)
    again = store.erase([first.id, "no-such-id"], ACTOR)
    assert (again.memories, again.revisions, again.vectors, again.traces) == (0, 0, 0, 0)
    assert store.select(where()) == [other]
    assert all(finding.ok for finding in store.check())


def test_ids_given_twice_are_erased_once(store: Store) -> None:
    first = memory("tea")
    put(store, first)
    assert store.erase([first.id, first.id], ACTOR).memories == 1
    assert store.erase([], ACTOR).memories == 0


def test_many_memories_are_erased_at_once(store: Store) -> None:
    made = [memory(f"number {n}") for n in range(150)]
    put(store, *made)
    assert store.erase(ids(made[:120]), ACTOR).memories == 120
    assert set(ids(store.select(where(), limit=200))) == set(ids(made[120:]))


def test_hidden_memories_can_be_erased(store: Store) -> None:
    first = memory("tea")
    put(store, first, revised(first, status=Status.FORGOTTEN))
    assert store.erase([first.id], ACTOR).revisions == 2
    assert store.select(where(statuses=())) == []


def test_traces_that_mention_the_memory_or_share_a_term_go_too(store: Store) -> None:
    first = memory("Alice's passport number is on file", key="passport")
    second = revised(first, content="Alice's licence is on file")
    put(store, first, second)
    mentions = trace("anything at all", memory_ids=(new_id(), first.id))
    shares_old = trace("where did she put her passports?")
    shares_new = trace("licence renewal")
    unrelated = trace("favourite colour", memory_ids=(new_id(),))
    store.save_traces([mentions, shares_old, shares_new, unrelated])
    assert store.erase([first.id], ACTOR).traces == 1, "only those that mention it are counted"
    for gone in (mentions, shares_old, shares_new):
        assert store.trace(gone.id, [ALICE]) is None
    assert store.trace(unrelated.id, [ALICE]) == unrelated


def test_the_key_and_text_of_an_erased_memory_are_free_again(store: Store) -> None:
    put(store, first := memory("Europe/Berlin", key="timezone"))
    store.erase([first.id], ACTOR)
    again = memory("Europe/Berlin", key="timezone")
    put(store, again)
    assert store.select(where()) == [again]


def test_a_retried_request_does_not_bring_an_erased_memory_back(store: Store) -> None:
    first = memory("tea")
    store.write("r1", [write(first, reason="she drinks tea")])
    store.erase([first.id], ACTOR)
    (entry,) = store.write("r1", [write(first, reason="she drinks tea")])
    assert (entry.number, entry.verb, entry.memory_id) == (1, ChangeKind.REMEMBER, first.id)
    assert "tea" not in entry.reason
    assert store.select(where(statuses=())) == []


def test_an_erase_is_a_change_of_its_own_in_the_journal(store: Store) -> None:
    first, second = memory("tea"), memory("coffee")
    (before,) = store.write("r1", [write(first)])
    store.erase([first.id], ACTOR)
    (after,) = store.write("r2", [write(second)])
    assert after.number == before.number + 2


def test_writing_goes_on_after_an_erase(store: Store) -> None:
    first, second = memory("tea"), memory("coffee")
    put(store, first, second)
    store.erase([first.id], ACTOR)
    put(store, revised(second, content="black coffee"))
    put(store, memory("water"))
    assert {m.content for m in store.select(where())} == {"black coffee", "water"}
    assert all(finding.ok for finding in store.check())


def test_a_trace_goes_wherever_it_asks_for_a_word_of_the_memory(store: Store) -> None:
    secret = memory(
        "the zyxomatic safe 🎉🎉", key="hiding", tags=("private",), metadata={"floor": ["attic", 7]}
    )
    put(store, secret)
    long = " ".join(f"word{n}" for n in range(300))
    asked = [
        trace(f"{long} Zyxomatic?"),
        trace("🎉🎉"),
        *(
            trace("", document={"filters": filters})
            for filters in ({"key": "hiding"}, {"tags": ["private"]}, {"metadata": {"floor": 7}})
        ),
        trace("", document={"filters": {"metadata": {"where": {"is": "Attic"}}}}),
    ]
    others = [
        trace("where is the key?"),
        trace(""),
        trace("", document={"filters": {"key": "other", "types": ["fact"], "scopes": ["user"]}}),
    ]
    store.save_traces([*asked, *others])
    assert store.erase([secret.id], ACTOR).traces == 0
    assert [t for t in asked if store.trace(t.id, [ALICE])] == []
    assert [t for t in others if not store.trace(t.id, [ALICE])] == []


MALLORY = Partition(tenant="umbrella", scope=Scope.USER, user="alice")
"""Another tenant's user of the same name."""
ALICES_SESSION = replace(ALICE, scope=Scope.SESSION, name="s1")


@pytest.mark.parametrize(
    ("searched", "goes"),
    [
        ([ALICE], True),
        ([ALICE_APP], True),  # hers in another project: she could see it
        ([SHARED, ALICE], True),
        ([ALICES_SESSION], True),
        ([BOB], False),
        ([SHARED, BOB], False),
        ([SHARED], False),  # anybody's of the team
        ([MALLORY], False),
        ([replace(SHARED, tenant="umbrella")], False),
        ([], False),
    ],
    ids=str,
)
@pytest.mark.parametrize("query", ["zyxomatic?", "the safe, please", "🎉🎉"])
def test_what_others_asked_tells_them_no_word_of_what_was_erased(
    store: Store, searched: list[Partition], goes: bool, query: str
) -> None:
    put(store, secret := memory("the zyxomatic safe 🎉🎉", partition=ALICE))
    asked = trace(query, partitions=tuple(searched))
    store.save_traces([asked])
    store.erase([secret.id], ACTOR)
    assert (store.trace(asked.id, searched) is None) == goes


def test_a_trace_of_the_team_goes_with_what_the_team_could_see(store: Store) -> None:
    put(store, shared := memory("the zyxomatic safe", partition=SHARED))
    bobs = trace("zyxomatic?", partitions=(BOB,))
    mallorys = trace("zyxomatic?", partitions=(MALLORY,))
    store.save_traces([bobs, mallorys])
    store.erase([shared.id], ACTOR)
    assert store.trace(bobs.id, [BOB]) is None
    assert store.trace(mallorys.id, [MALLORY]) == mallorys


def test_of_a_memory_that_was_moved_each_sees_the_words_of_its_own_time(store: Store) -> None:
    put(store, shared := memory("the zyxomatic safe", partition=SHARED))
    put(store, revised(shared, content="the quelbrant vault", partition=ALICE))
    known = trace("zyxomatic?", partitions=(BOB,))
    unknown = trace("quelbrant?", partitions=(BOB,))
    hers = trace("quelbrant?", partitions=(ALICE,))
    store.save_traces([known, unknown, hers])
    store.erase([shared.id], ACTOR)
    assert store.trace(known.id, [BOB]) is None
    assert store.trace(unknown.id, [BOB]) == unknown
    assert store.trace(hers.id, [ALICE]) is None


def test_what_is_erased_while_a_query_is_embedded_is_not_found(store: Store) -> None:
    gone, kept, hidden = memory("one tea"), memory("two teas"), memory("three teas")
    put(store, gone, kept, hidden, vectors=[windows(1), windows(2), windows(3)])

    def embedded() -> Vector:
        store.erase([gone.id], ACTOR)
        put(store, revised(hidden, status=Status.FORGOTTEN))
        put(store, memory("four teas of Bob", partition=BOB), vectors=[windows(1)])
        return vector(1)

    found = store.propose(where(), terms=["tea"], vector=embedded, limit=5)
    assert ids(found) == [kept.id]
    assert (found.corpus.memories, found.notes) == (1, ())
