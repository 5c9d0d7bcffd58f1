"""A small tenant's recall beside a tenant with very many memories: the same as beside nobody."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Caller, ChangeKind
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service.core import actor
from mcp_memory.service.policy import Policy
from mcp_memory.service.validation import DraftValidator
from mcp_memory.storage.contract import Write
from mcp_memory.storage.embedded import open_embedded
from tests.benchmarks.filling import POOL, Pool, draft, fill, made_caller
from tests.benchmarks.texts import question, statement
from tests.support.http_client import LEGACY, MODERN, Asker, called, client
from tests.support.http_server import Issuer, served
from tests.support.waiting import until

EMBEDDED = 250
"""Real vectors of the crowd; the others lie around them."""
OWN = 25
"""Memories of the small tenant, on subjects of which the crowd has many."""
QUESTIONS = 12
DRIFT = 2e-4
"""How far a score may move while the two stores are asked one after the other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What a recall gave: each memory with its score."""

    scores: dict[str, float]
    omitted: int
    abstained: bool


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_a_small_tenant_recalls_the_same_beside_a_crowd(tmp_path: Path, count: int) -> None:
    embedder = Embedder()
    writes = _own(embedder, replace(made_caller("ana"), tenant="small", project="app"))
    lone, crowded = tmp_path / "lone", tmp_path / "crowded"
    began = time.perf_counter()
    for home, neighbours in ((lone, 0), (crowded, count)):
        store = open_embedded(home, embedder.space)
        store.write(new_id(), writes)
        if neighbours:
            crowd = replace(made_caller("ana"), tenant="crowd", project="app")
            fill(store, [crowd], neighbours, _pool(embedder))
        store.close()
    filled_s = time.perf_counter() - began
    issuer = Issuer(tmp_path)
    # Where the clock is given, nothing but the neighbours can make a difference.
    then = datetime.now(UTC).isoformat()
    texts = ["", *map(question, range(QUESTIONS)), *(w.memory.content for w in writes[:5])]
    alone, beside = (_asked(home, issuer, texts, then) for home in (lone, crowded))
    print(
        f"\ncrowding: {len(alone.then)} recalls of {OWN} memories beside {count} of another"
        f" tenant (filled in {filled_s:.1f} s): {alone.median_ms:.1f} ms alone,"
        f" {beside.median_ms:.1f} ms beside them"
    )
    assert beside.then == alone.then
    assert sum(len(given.scores) for given in alone.then) > 2 * len(texts)
    for ours, theirs in zip(beside.now, alone.now, strict=True):
        assert list(ours.scores) == list(theirs.scores)
        assert ours.scores == pytest.approx(theirs.scores, abs=DRIFT)
        assert (ours.omitted, ours.abstained) == (theirs.omitted, theirs.abstained)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The answers to all questions, by the clock of now and of a given time."""

    now: list[Given]
    then: list[Given]
    median_ms: float


def _asked(home: Path, issuer: Issuer, texts: Sequence[str], then: str) -> Asked:
    """Ask a served store as the small tenant's user, once it is up to date."""
    settings = issuer.settings(MCP_MEMORY_HTTP_READS_PER_MINUTE="1000000")
    with served(home, **settings) as server, client() as http:
        token = issuer.token("small", "ana")
        ask, older = (Asker(server, http, token, era) for era in (MODERN, LEGACY))
        _wait(ask)
        spent: list[float] = []
        now: list[Given] = []
        for text in texts:
            began = time.perf_counter()
            now.append(_recalled(ask, query=text))
            spent.append(time.perf_counter() - began)
        past = [_recalled(older, query=text, as_of=then) for text in texts]
        stranger = Asker(server, http, issuer.token("nobody", "ana"), MODERN)
        assert not any(_recalled(stranger, query=text).scores for text in texts)
    return Asked(now=now, then=past, median_ms=float(np.median(spent)) * 1000)


def _recalled(ask: Asker, **arguments: str) -> Given:
    given = {name: value for name, value in arguments.items() if value}
    values = ask(called("recall", limit=20, max_tokens=20_000, **given)).values
    assert not values["degraded"], values.get("reason")
    return Given(
        scores={memory["id"]: memory["score"] for memory in values["memories"]},
        omitted=values["omitted"],
        abstained=values["abstained"],
    )


def _wait(ask: Asker) -> None:
    """Until recall is as good as it gets: the store was written to behind the server's back."""
    until(lambda: not ask(called("recall", query="Who is up to date?")).values["degraded"])


def _own(embedder: Embedder, caller: Caller) -> list[Write]:
    """The small tenant's memories, the same in each store."""
    start = datetime.now(UTC) - timedelta(days=OWN)
    writes: list[Write] = []
    for number in range(OWN):
        text = statement(number % 10, 10**7 + number)
        intake = DraftValidator(caller=caller, policy=Policy(), now=start + timedelta(days=number))
        memory = intake.memory(draft(text, number), "content")
        (vectors,) = embedder.embed([text])
        writes.append(
            Write(verb=ChangeKind.REMEMBER, memory=memory, actor=actor(caller), vectors=vectors)
        )
    return writes


def _pool(embedder: Embedder) -> Pool:
    """Vectors for the crowd, of a few subjects that it has a lot to say about."""
    found = embedder.embed([statement(topic, topic) for topic in range(EMBEDDED)])
    few = np.stack([windows[0] for windows in found])
    return Pool(vectors=np.tile(few, (POOL // EMBEDDED, 1)))
