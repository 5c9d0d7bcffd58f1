"""Every store gives the same answers: random operations on all of them, compared."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from mcp_memory.domain import text
from mcp_memory.domain.memory import Memory, Status, Type
from mcp_memory.errors import WriteConflict
from mcp_memory.storage.contract import Filter, Order, SearchResult, Store, Write
from mcp_memory.storage.filtering import text_score
from tests.support.factories import (
    ACTOR,
    ALICE,
    ALICE_APP,
    BOB,
    EXACT,
    START,
    STORES,
    ids,
    memory,
    open_store,
    put,
    revised,
    trace,
    unit,
    vector,
    where,
    windows,
    write,
)

T = TypeVar("T")
WORDS = ("tea", "green", "Rome", "meeting", "42", "绿茶")
PARTITIONS = (ALICE, ALICE_APP, BOB)
TOP = 5

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
hours = st.integers(0, 3)
some_windows = st.lists(st.integers(0, 9), min_size=1, max_size=3).map(lambda s: windows(*s))
fields = st.fixed_dictionaries(
    {
        "content": texts,
        "key": st.sampled_from(["", "", "a", "b"]),
        "partition": st.sampled_from(PARTITIONS),
        "type": st.sampled_from([Type.FACT, Type.TASK]),
        "status": st.sampled_from([Status.ACTIVE] * 3 + list(Status)),
        "tags": st.sampled_from([(), ("x",), ("x", "y")]),
        "metadata": st.sampled_from([{}, {"n": 1}, {"n": True, "m": [1]}]),
        "importance": st.sampled_from([0.1, 0.5, 0.9]),
        "pinned": st.booleans(),
        "source": st.sampled_from(["", "a mail", "chat#1", "chat#2", "chat#4", "other #2"]),
        "expires": st.none() | hours,
        "valid": st.tuples(st.integers(-2, 0), st.none() | hours),
    }
)
filters = st.fixed_dictionaries(
    {"partitions": st.lists(st.sampled_from(PARTITIONS), unique=True).map(tuple)},
    optional={
        "statuses": st.lists(st.sampled_from(Status), max_size=3, unique=True).map(tuple),
        "key": st.sampled_from(["a", "b"]),
        "types": st.just((Type.TASK,)),
        "tags": st.sampled_from([("x",), ("y", "x")]),
        "metadata": st.sampled_from([{"n": 1}, {"n": True}, {"m": [1]}]),
        "since": st.integers(-9, 0),
        "until": st.integers(-9, 1),
        "begins_since": st.integers(-9, 0),
        "begins_until": st.integers(-9, 1),
        "as_of": st.integers(-9, 1),
    },
)


def top_scores(proposal: SearchResult, terms: list[str]) -> tuple[list[float], list[float]]:
    """The best similarities and the best text scores, computed exactly."""
    near = [c.similarity for c in proposal.candidates if c.similarity is not None]
    said = [text_score(terms, Counter(c.terms), proposal.corpus) for c in proposal.candidates]
    return sorted(near)[: -TOP - 1 : -1], sorted(s for s in said if s)[: -TOP - 1 : -1]


def compare_proposals(
    ours: SearchResult, theirs: SearchResult, terms: list[str], near: float = EXACT
) -> None:
    """Assert that both hold what the top results need, and the same statistics.

    The scores of the top results may differ by a share `near`: in a large store, what is
    not clearly better than its neighbours may be proposed in their place.
    """
    assert ours.corpus.memories == theirs.corpus.memories
    assert ours.corpus.terms == theirs.corpus.terms
    for term in terms:
        assert ours.corpus.frequencies.get(term, 0) == theirs.corpus.frequencies.get(term, 0)
    for mine, yours in zip(top_scores(ours, terms), top_scores(theirs, terms), strict=True):
        assert mine == pytest.approx(yours, rel=near, abs=EXACT)
    told = {c.memory.id: c for c in theirs.candidates}
    for candidate in ours.candidates:
        if candidate.memory.id in told:
            other = told[candidate.memory.id]
            assert candidate.memory == other.memory
            assert Counter(candidate.terms) == Counter(other.terms)
            assert candidate.similarity == pytest.approx(other.similarity, abs=EXACT)


class Agreement(RuleBasedStateMachine):
    """The in-memory store leads; the others must say the same at every step."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.stores = {kind: open_store(kind, self.folder / kind) for kind in STORES}
        self.now = START
        self.count = 0
        self.known: list[str] = []
        self.requests: list[tuple[str, list[Write]]] = []

    def teardown(self) -> None:
        if not hasattr(self, "stores"):
            return
        try:
            findings = [f for store in self.stores.values() for f in store.check()]
            assert all(f.ok for f in findings), findings
        finally:
            for store in self.stores.values():
                store.close()
            shutil.rmtree(self.folder)

    def same(self, ask: Callable[[Store], T]) -> T:
        """What every store answers, a refusal included."""

        def answer(store: Store) -> Any:
            try:
                return ask(store)
            except WriteConflict:
                return WriteConflict

        first, *others = (answer(store) for store in self.stores.values())
        for other in others:
            assert other == first
        return first

    def new_id(self) -> str:
        self.count += 1
        return str(UUID(int=(self.count << 80) | (7 << 76) | (2 << 62)))

    def filter(self, drawn: dict[str, Any]) -> Filter:
        times = {
            name: self.now + timedelta(hours=drawn[name])
            for name in ("since", "until", "begins_since", "begins_until", "as_of")
            if name in drawn
        }
        return replace(where(now=self.now), **(drawn | times))

    def drawn(self, chosen: dict[str, Any]) -> dict[str, Any]:
        chosen = dict(chosen)
        start, end = chosen.pop("valid")
        expires = chosen.pop("expires")
        return chosen | {
            "recorded_at": self.now,
            "valid_from": self.now + timedelta(hours=start),
            "valid_to": None if end is None else self.now + timedelta(hours=end),
            "expires_at": None if expires is None else self.now + timedelta(hours=expires),
        }

    def current(self, memory_id: str) -> Memory | None:
        found = self.same(lambda s: s.select(where(*PARTITIONS, ids=(memory_id,), statuses=())))
        return found[0] if found else None

    def send(self, writes: list[Write]) -> None:
        request = f"request {self.new_id()}"
        if self.same(lambda s: s.write(request, writes)) is not WriteConflict:
            self.requests.append((request, writes))

    @rule(amount=st.integers(0, 2))
    def time_passes(self, amount: int) -> None:
        self.now += timedelta(hours=amount)

    @rule(batch=st.lists(st.tuples(fields, st.none() | some_windows), min_size=1, max_size=3))
    def remember(self, batch: list[tuple[dict[str, Any], Any]]) -> None:
        writes: list[Write] = []
        for chosen, vectors in batch:
            made = memory(id=self.new_id(), **self.drawn(chosen))
            self.known.append(made.id)
            writes.append(write(made, vectors))
        self.send(writes)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), chosen=fields, keep=st.booleans(), vectors=st.none() | some_windows)
    def revise(self, data: st.DataObject, chosen: dict[str, Any], keep: bool, vectors: Any) -> None:
        before = self.current(data.draw(st.sampled_from(self.known)))
        if before is None:
            return
        changes = self.drawn(chosen)
        if keep:
            changes |= {"content": before.content, "key": before.key}
        self.send([write(revised(before, **changes), vectors)])

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        request, writes = data.draw(st.sampled_from(self.requests))
        self.same(lambda s: s.write(request, writes))

    @rule(vectors=some_windows)
    def embed(self, vectors: Any) -> None:
        waiting = self.same(lambda s: [(m.id, m.revision) for m in s.unembedded(50)])
        for store in self.stores.values():
            store.embed({waiting[n]: vectors for n in range(min(2, len(waiting)))})

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(self.known), max_size=2))
        self.same(lambda s: (r := s.erase(chosen, ACTOR)) and (r.memories, r.revisions, r.traces))

    @rule(query=texts, partitions=st.sets(st.sampled_from(PARTITIONS), min_size=1))
    def keep_trace(self, query: str, partitions: set[Any]) -> None:
        kept = trace(query, id=self.new_id(), at=self.now, partitions=tuple(partitions))
        for store in self.stores.values():
            store.save_traces([kept])
        self.same(lambda s: s.trace(kept.id, [ALICE, BOB]))

    @rule(chosen=filters, order=st.sampled_from(Order), limit=st.integers(1, 9))
    def select(self, chosen: dict[str, Any], order: Order, limit: int) -> None:
        asked = self.filter(chosen)
        page = self.same(lambda s: s.select(asked, order=order, limit=limit))
        if page:
            self.same(lambda s: s.select(asked, order=order, limit=limit, after=page[-1].id))

    @rule(
        chosen=filters,
        query=texts,
        seed=st.none() | st.integers(0, 9),
        reach=st.integers(0, 2),
    )
    def propose(self, chosen: dict[str, Any], query: str, seed: int | None, reach: int) -> None:
        asked, terms = self.filter(chosen), text.query_terms(query)
        near = None if seed is None else vector(seed)
        ours, *others = (
            store.propose(asked, terms=terms, vector=near, limit=100, reach=reach)
            for store in self.stores.values()
        )
        for theirs in others:
            compare_proposals(ours, theirs, terms)
            assert sorted(ids(ours)) == sorted(ids(theirs))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), partitions=st.sets(st.sampled_from(PARTITIONS)))
    def history(self, data: st.DataObject, partitions: set[Any]) -> None:
        memory_id = data.draw(st.sampled_from(self.known))
        self.same(lambda s: s.history(memory_id, list(partitions)))

    @rule(partitions=st.sets(st.sampled_from(PARTITIONS)))
    def count_and_sweep(self, partitions: set[Any]) -> None:
        self.same(lambda s: s.stats(list(partitions)))
        self.same(lambda s: sorted(m.id for m in s.overdue(self.now, 100)))

    @rule()
    def housekeeping(self) -> None:
        for store in self.stores.values():
            store.maintain()

    @rule()
    def come_back(self) -> None:
        for kind in STORES:
            if kind != "in-memory":
                self.stores[kind].close()
                self.stores[kind] = open_store(kind, self.folder / kind)


Agreement.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestAgreement = Agreement.TestCase


def test_the_top_results_of_two_thousand_memories_agree(tmp_path: Path) -> None:
    """Skewed words and clustered vectors, thirty questions, hybrid and each half alone."""
    rng = np.random.default_rng(11)
    words = [f"w{n}" for n in range(400)]
    chance = 1 / np.arange(1, 401)
    chance /= chance.sum()
    centres = rng.standard_normal((20, 384))
    made = [memory(f"n{n} {' '.join(rng.choice(words, 12, p=chance))}") for n in range(2000)]
    near = [unit(centres[n % 20] + 0.6 * rng.standard_normal(384))[None] for n in range(2000)]
    stores = [open_store(kind, tmp_path / kind) for kind in STORES]
    for store in stores:
        put(store, *made, vectors=near)
    for n in range(30):
        terms = text.query_terms(" ".join(rng.choice(words, 6)))
        asked = unit(centres[n % 20] + 0.6 * rng.standard_normal(384))
        for some_terms, some_vector in ((terms, None), ([], asked), (terms, asked)):
            ours, *others = (
                s.propose(where(), terms=some_terms, vector=some_vector, limit=50) for s in stores
            )
            for theirs in others:
                compare_proposals(ours, theirs, some_terms, near=0.05)
    for store in stores:
        store.close()
