"""Filters are part of the search: what is rare or small is found beside a crowd."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from mcp_memory.domain.memory import Memory, Partition, Scope, Type
from mcp_memory.storage.contract import Store
from tests.support.factories import (
    BOB,
    EXACT,
    START,
    ids,
    memory,
    pages,
    put,
    towards,
    unit,
    vector,
    where,
    windows,
)

CROWD = 5000
HUGE = Partition(tenant="acme", scope=Scope.USER, user="crowd")
SMALL = Partition(tenant="acme", scope=Scope.PROJECT, user="crowd", name="small")
ASKED = vector(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Crowded:
    """A store in which every one of the crowd is closer to the question than the rest."""

    store: Store
    rare: list[Memory]
    small: list[Memory]
    strangers: list[Memory]


@pytest.fixture(scope="module")
def crowded(shared_store: Store) -> Crowded:
    """5,000 close facts; 7 far tasks beside them; 12 far facts each in two other partitions."""
    noise = np.random.default_rng(7).standard_normal((CROWD, ASKED.size))
    for start in range(0, CROWD, 1000):
        rows = range(start, start + 1000)
        close = [unit(ASKED + 0.02 * noise[n])[np.newaxis] for n in rows]
        made = [memory(f"common words and number{n}", partition=HUGE) for n in rows]
        put(shared_store, *made, vectors=close)
    rare = [memory(f"common task{n}", partition=HUGE, type=Type.TASK) for n in range(7)]
    small = [memory(f"common small{n}", partition=SMALL) for n in range(12)]
    strangers = [memory(f"common strange{n}", partition=BOB) for n in range(12)]
    others = [*rare, *small, *strangers]
    far = [towards(ASKED, 0.2, seed=n + 1)[np.newaxis] for n in range(len(others))]
    put(shared_store, *others, vectors=far)
    return Crowded(store=shared_store, rare=rare, small=small, strangers=strangers)


def test_a_rare_type_is_found_by_vector_among_many_closer_memories(crowded: Crowded) -> None:
    asked = where(HUGE, types=(Type.TASK,))
    found = crowded.store.propose(asked, terms=[], vector=ASKED, limit=10)
    assert sorted(ids(found)) == sorted(ids(crowded.rare))


def test_a_rare_type_is_found_by_text_among_many_better_matches(crowded: Crowded) -> None:
    asked = where(HUGE, types=(Type.TASK,))
    found = crowded.store.propose(asked, terms=["common", "word"], vector=None, limit=10)
    assert sorted(ids(found)) == sorted(ids(crowded.rare))


def test_one_id_is_found_among_many_closer_memories(crowded: Crowded) -> None:
    wanted = crowded.rare[3].id
    for terms, asked in ((["common"], None), ([], ASKED)):
        only = where(HUGE, ids=(wanted,))
        assert ids(crowded.store.propose(only, terms=terms, vector=asked, limit=10)) == [wanted]


def test_a_small_partition_loses_nothing_beside_a_huge_one(crowded: Crowded) -> None:
    for terms, asked in ((["common"], None), ([], ASKED)):
        found = crowded.store.propose(where(SMALL), terms=terms, vector=asked, limit=12)
        assert sorted(ids(found)) == sorted(ids(crowded.small))


def test_partitions_searched_together_give_the_best_of_all(crowded: Crowded) -> None:
    found = crowded.store.propose(where(SMALL, BOB, HUGE), terms=[], vector=ASKED, limit=20)
    best = sorted((c.similarity or 0 for c in found.candidates), reverse=True)[:20]
    assert min(best) > 0.5
    alone = crowded.store.propose(where(SMALL, BOB), terms=[], vector=ASKED, limit=24)
    assert sorted(ids(alone)) == sorted(ids([*crowded.small, *crowded.strangers]))


def test_what_is_clearly_nearest_is_found_among_a_crowd_that_is_near_too(store: Store) -> None:
    crowd = [memory(f"crowd{n}") for n in range(2000)]
    near = [towards(ASKED, 0.7, seed=n + 1)[np.newaxis] for n in range(len(crowd))]
    nearest = [memory(f"nearest{n}") for n in range(10)]
    nearer = [towards(ASKED, 0.9, seed=5000 + n)[np.newaxis] for n in range(len(nearest))]
    put(store, *crowd, vectors=near)
    put(store, *nearest, vectors=nearer)
    found = store.propose(where(), terms=[], vector=ASKED, limit=20).candidates
    best = sorted(found, key=lambda c: -(c.similarity or 0))[:10]
    assert sorted(c.memory.id for c in best) == sorted(ids(nearest))
    assert [c.similarity for c in best] == pytest.approx([0.9] * 10, abs=EXACT)


def test_the_corpus_of_a_small_partition_knows_nothing_of_the_crowd(crowded: Crowded) -> None:
    corpus = crowded.store.propose(where(SMALL), terms=["common"], vector=None, limit=5).corpus
    assert (corpus.memories, corpus.frequencies["common"]) == (12, 12)
    corpus = crowded.store.propose(where(HUGE), terms=["common"], vector=None, limit=5).corpus
    assert corpus.memories == corpus.frequencies["common"] == CROWD + len(crowded.rare)


def test_the_crowd_can_be_paged_through(crowded: Crowded) -> None:
    assert len(pages(crowded.store, where(HUGE))) == CROWD + len(crowded.rare)


@pytest.mark.parametrize("each", [4, 30])
def test_long_texts_that_have_expired_hide_nothing(store: Store, each: int) -> None:
    expired = [memory(f"gone{n}", expires_at=START) for n in range(190)]
    close = [towards(ASKED, 0.9, seed=n + 1)[np.newaxis].repeat(each, axis=0) for n in range(190)]
    live = [memory(f"live{n}") for n in range(5)]
    put(store, *expired, vectors=close)
    put(store, *live, vectors=[towards(ASKED, 0.5, seed=n)[np.newaxis] for n in range(900, 905)])
    found = store.propose(where(), terms=["gone1"], vector=ASKED, limit=100)
    assert sorted(ids(found)) == sorted(ids(live))


def test_any_number_of_candidates_may_be_asked_for(store: Store) -> None:
    made = [memory(f"one{n}") for n in range(10)]
    put(store, *made, vectors=[windows(n) for n in range(10)])
    for asked in (where(), where(types=(Type.FACT,))):
        found = store.propose(asked, terms=[], vector=ASKED, limit=5000)
        assert sorted(ids(found)) == sorted(ids(made))
