"""Searching: by text, by vector and by both, always within the filter."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from mcp_memory.domain import text
from mcp_memory.domain.memory import Status, Type
from mcp_memory.storage.contract import SearchResult, Store
from tests.support.factories import (
    ALICE,
    ALICE_APP,
    BOB,
    EXACT,
    START,
    ids,
    memory,
    put,
    revised,
    towards,
    vector,
    where,
    windows,
)


def by_text(store: Store, query: str, limit: int = 10) -> SearchResult:
    """What the store proposes for this text alone, in Alice's partition."""
    return store.propose(where(), terms=text.query_terms(query), vector=None, limit=limit)


def test_an_empty_store_proposes_nothing(store: Store) -> None:
    proposal = store.propose(where(), terms=["tea"], vector=vector(1), limit=10)
    assert proposal.candidates == ()
    assert (proposal.corpus.memories, proposal.corpus.terms, proposal.unembedded) == (0, 0, 0)


def test_asking_for_nothing_proposes_nothing(store: Store) -> None:
    put(store, memory("tea"), vectors=[windows(1)])
    assert store.propose(where(), terms=[], vector=None, limit=10).candidates == ()


def test_the_text_half_finds_whatever_has_one_of_the_terms(store: Store) -> None:
    tea, coffee, both = memory("green tea"), memory("black coffee"), memory("tea and coffee")
    put(store, tea, coffee, both, memory("water"))
    assert set(ids(by_text(store, "tea"))) == {tea.id, both.id}
    assert set(ids(by_text(store, "coffee or tea"))) == {tea.id, coffee.id, both.id}
    assert ids(by_text(store, "wine")) == []


def test_candidates_carry_the_memory_and_the_terms_of_its_key_and_text(store: Store) -> None:
    kept = memory("Tea, green TEA for café-owners", key="drink")
    put(store, kept)
    (candidate,) = by_text(store, "tea").candidates
    assert candidate.memory == kept
    assert list(candidate.terms) == text.terms(f"drink {kept.content}")
    assert (candidate.similarity, candidate.vector) == (None, None)


def test_the_vector_half_finds_the_nearest(store: Store) -> None:
    asked = vector(0)
    made = [memory(f"number {n}") for n in range(30)]
    near = [towards(asked, 0.9 - n / 50, seed=n + 1)[np.newaxis] for n in range(30)]
    put(store, *made, vectors=near)
    found = store.propose(where(), terms=[], vector=asked, limit=5).candidates
    best = sorted(found, key=lambda c: -(c.similarity or 0))[:5]
    assert [c.memory.id for c in best] == [m.id for m in made[:5]]
    for candidate, windows_ in zip(best, near, strict=False):
        assert candidate.similarity == pytest.approx(float(windows_[0] @ asked), abs=EXACT)
        assert candidate.vector == pytest.approx(windows_[0], abs=EXACT)


def test_both_halves_are_united_and_nothing_comes_twice(store: Store) -> None:
    said, meant, both = memory("tea"), memory("a warm drink"), memory("tea time")
    put(store, said, meant, both, vectors=[windows(1), windows(2), windows(2)])
    found = store.propose(where(), terms=["tea"], vector=vector(2), limit=2)
    assert sorted(ids(found)) == sorted([said.id, meant.id, both.id])
    similarity = {c.memory.id: c.similarity for c in found.candidates}
    assert similarity[both.id] == pytest.approx(1, abs=EXACT)
    assert similarity[said.id] == pytest.approx(float(vector(1) @ vector(2)), abs=EXACT)


def test_a_memory_of_many_windows_counts_by_its_best(store: Store) -> None:
    long, short = memory("long"), memory("short")
    put(store, long, short, vectors=[windows(1, 2, 3, 4, 5), windows(6)])
    for seed in (1, 3, 5):
        found = store.propose(where(), terms=[], vector=vector(seed), limit=1).candidates
        best = max(found, key=lambda c: c.similarity or 0)
        assert best.memory.id == long.id
        assert best.similarity == pytest.approx(1, abs=EXACT)
        assert best.vector == pytest.approx(vector(seed), abs=EXACT)


def test_a_memory_of_many_windows_does_not_crowd_out_others(store: Store) -> None:
    asked = vector(0)
    long = memory("long")
    crowd = np.stack([towards(asked, 0.9, seed=n) for n in range(1, 60)])
    others = [memory(f"other {n}") for n in range(5)]
    put(
        store,
        long,
        *others,
        vectors=[crowd, *(towards(asked, 0.5, seed=100 + n)[np.newaxis] for n in range(5))],
    )
    found = store.propose(where(), terms=[], vector=asked, limit=6)
    assert set(ids(found)) == {long.id, *ids(others)}


def test_what_is_not_embedded_is_found_by_text_and_counted(store: Store) -> None:
    bare, full = memory("green tea"), memory("black tea")
    put(store, bare)
    put(store, full, vectors=[windows(1)])
    found = store.propose(where(), terms=["tea"], vector=vector(1), limit=10)
    similarity = {c.memory.id: c.similarity for c in found.candidates}
    assert similarity[bare.id] is None
    assert similarity[full.id] == pytest.approx(1, abs=EXACT)
    assert found.unembedded == 1
    assert store.propose(where(BOB), terms=["tea"], vector=vector(1), limit=10).unembedded == 0


def test_only_the_current_revision_is_searched(store: Store) -> None:
    first = memory("Alice lives in Rome")
    put(store, first, vectors=[windows(1)])
    second = revised(first, content="Alice lives in Turin")
    put(store, second, vectors=[windows(2)])
    assert ids(by_text(store, "rome")) == []
    assert [c.memory for c in by_text(store, "turin").candidates] == [second]
    (candidate,) = store.propose(where(), terms=[], vector=vector(1), limit=9).candidates
    assert candidate.vector == pytest.approx(vector(2), abs=EXACT)


def test_vectors_stay_when_the_content_stays(store: Store) -> None:
    first = memory("Alice lives in Rome")
    put(store, first, vectors=[windows(1, 2)])
    put(store, revised(first, importance=0.9))
    (candidate,) = store.propose(where(), terms=[], vector=vector(2), limit=9).candidates
    assert candidate.similarity == pytest.approx(1, abs=EXACT)
    assert store.unembedded(10) == []


def test_vectors_go_when_the_content_changes(store: Store) -> None:
    first = memory("Alice lives in Rome")
    put(store, first, vectors=[windows(1)])
    put(store, revised(first, content="Alice lives in Turin"))
    found = store.propose(where(), terms=["turin"], vector=vector(1), limit=9)
    assert [c.similarity for c in found.candidates] == [None]
    assert found.unembedded == 1


def test_a_search_obeys_every_part_of_its_filter(store: Store) -> None:
    later = START + timedelta(hours=1)
    fields = [
        {"type": Type.TASK},
        {"tags": ("b",)},
        {"metadata": {"place": "work"}},
        {"partition": ALICE_APP},
        {"recorded_at": later},
        {"key": "drink"},
        {"status": Status.PENDING},
        {"expires_at": START},
    ]
    plain = {"type": Type.FACT, "tags": ("a",), "metadata": {"place": "home"}}
    made = [memory(f"tea {n}", **(plain | field)) for n, field in enumerate(fields)]
    put(store, *made, vectors=[windows(1)] * len(made))
    asked = [
        where(types=(Type.TASK,)),
        where(tags=("b",)),
        where(metadata={"place": "work"}),
        where(ALICE_APP),
        where(since=later),
        where(key="drink"),
        where(statuses=(Status.PENDING,)),
        where(ids=(made[7].id,), statuses=()),
    ]
    for filter_, expected in zip(asked, made, strict=True):
        assert ids(store.propose(filter_, terms=["tea"], vector=None, limit=9)) == [expected.id]
        assert ids(store.propose(filter_, terms=[], vector=vector(1), limit=9)) == [expected.id]
    everything = store.propose(where(), terms=["tea"], vector=vector(1), limit=9)
    hidden = {made[3].id, made[6].id, made[7].id}
    assert set(ids(everything)) == set(ids(made)) - hidden


def test_forgotten_memories_are_not_proposed_until_they_are_back(store: Store) -> None:
    first = memory("green tea")
    hidden = revised(first, status=Status.FORGOTTEN)
    put(store, first, vectors=[windows(1)])
    put(store, hidden)
    assert ids(store.propose(where(), terms=["tea"], vector=vector(1), limit=9)) == []
    put(store, revised(hidden, status=Status.ACTIVE))
    found = store.propose(where(), terms=["tea"], vector=vector(1), limit=9)
    assert [c.similarity for c in found.candidates] == [pytest.approx(1, abs=EXACT)]


def test_a_memory_that_moved_is_searched_where_it_is_now(store: Store) -> None:
    first = memory("green tea")
    put(store, first, vectors=[windows(1)])
    put(store, revised(first, partition=BOB))
    for terms, asked in ((["tea"], None), ([], vector(1))):
        assert ids(store.propose(where(ALICE), terms=terms, vector=asked, limit=9)) == []
        assert ids(store.propose(where(BOB), terms=terms, vector=asked, limit=9)) == [first.id]


def test_the_corpus_counts_the_active_memories_of_the_searched_partitions(store: Store) -> None:
    here = [memory("green tea"), memory("black tea tea"), memory("coffee", type=Type.TASK)]
    hidden = [memory("old tea", status=Status.FORGOTTEN), memory("tea?", status=Status.PENDING)]
    elsewhere = [memory(f"tea of Bob {n}", partition=BOB) for n in range(20)]
    put(store, *here, *hidden, *elsewhere)
    asked = where(types=(Type.TASK,))
    terms = text.query_terms("tea, coffee or wine")
    corpus = store.propose(asked, terms=terms, vector=None, limit=5).corpus
    assert corpus.memories == 3
    assert corpus.terms == sum(len(text.terms(m.content)) for m in here)
    assert [corpus.frequencies.get(term, 0) for term in terms] == [2, 1, 0]


def test_the_corpus_follows_updates_and_moves(store: Store) -> None:
    first, second = memory("green tea"), memory("tea")
    put(store, first, second)
    put(store, revised(first, content="black coffee with milk"), revised(second, partition=BOB))
    corpus = store.propose(where(), terms=["tea", "milk"], vector=None, limit=5).corpus
    assert corpus.memories == 1
    assert corpus.terms == len(text.terms("black coffee with milk"))
    assert (corpus.frequencies.get("tea", 0), corpus.frequencies.get("milk", 0)) == (0, 1)


LANGUAGES = [
    ("我每天早上喝绿茶", "绿茶", "红酒"),
    ("私は京都に住んでいます", "京都", "大阪"),
    ("ฉันชอบดื่มชาเขียว", "ชาเขียว", "กาแฟ"),
    ("Она живёт в Москве", "москве", "лондон"),
    ("Das Müllauto kommt früh", "MÜLLAUTO", "fahrrad"),
    ("Élodie préfère le café", "cafe", "the"),
    ("मुझे चाय पसंद है", "चाय", "दूध"),
    ("هي تحب الشاي الأخضر", "الشاي", "قهوة"),
    ("그녀는 녹차를 좋아한다", "녹차를", "커피"),
    ("see src/app/main.py:42 for it", "src/app/main.py:42", "setup.cfg"),
    ("the flag is --no-verify=foo_bar", "foo_bar", "baz_qux"),
    ("ticket ABC-1234 is closed", "abc-1234", "xyz-9999"),
    ("she writes C++ and C# daily", "c++", "rust"),
    ("ask anna@example.org about it", "anna@example.org", "bob@elsewhere.net"),
]


@pytest.mark.parametrize(("content", "present", "absent"), LANGUAGES)
def test_text_of_every_script_and_identifiers_are_found(
    store: Store, content: str, present: str, absent: str
) -> None:
    kept = memory(content)
    put(store, kept, memory("nothing of the kind"))
    assert ids(by_text(store, present)) == [kept.id]
    assert kept.id not in ids(by_text(store, absent))


HOSTILE = [
    '"',
    '""" OR 1',
    "'; DROP TABLE memories; --",
    "tea AND",
    "NOT tea",
    "tea NEAR/3 green",
    "NEAR(tea green, 3)",
    "content:tea",
    "-tea",
    "^tea",
    "tea*",
    "*",
    "(tea",
    "{tea} : x",
    "te%a_",
    "\\",
    "tea\x00green",
    "\u200b",
    "🎉🎉",
    "a" * 5000,
    "%s %d {} $1 ? :name @x",
]


@pytest.mark.parametrize("query", HOSTILE)
def test_a_query_is_words_and_never_syntax(store: Store, query: str) -> None:
    kept = memory("green tea")
    put(store, kept, memory("something else entirely"))
    for terms in (text.query_terms(query), [query]):
        found = ids(store.propose(where(), terms=terms, vector=None, limit=10))
        assert found in ([], [kept.id])
    if "tea" in text.query_terms(query):
        assert ids(by_text(store, query)) == [kept.id]


def test_terms_beyond_sixty_four_are_ignored(store: Store) -> None:
    early, late = memory("word0 word63"), memory("word64 word499")
    put(store, early, late)
    terms = [f"word{n}" for n in range(500)]
    found = store.propose(where(), terms=terms, vector=None, limit=10)
    assert ids(found) == [early.id]
    assert len(found.corpus.frequencies) <= 64


def test_repeated_terms_are_one(store: Store) -> None:
    kept = memory("green tea")
    put(store, kept)
    found = store.propose(where(), terms=["tea"] * 5, vector=None, limit=10)
    assert ids(found) == [kept.id]
    assert found.corpus.frequencies["tea"] == 1
