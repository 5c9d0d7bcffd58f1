"""What is done between calls, and what happens while the model is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_memory.domain.memory import Caller, ChangeKind, Status
from mcp_memory.domain.requests import Draft, Query
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.errors import StoreClosed
from mcp_memory.service import MemoryService, Policy
from tests.support.factories import STORES, Clock, open_store


def test_expired_memories_are_swept_into_the_journal(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    drafts = [Draft(content=f"Task {i}.", expires_in="1 day") for i in range(70)]
    ids = [answer.id for answer in service.remember(alice, drafts)]
    clock.tick(days=2)
    service.upkeep()
    assert {service.get(alice, i).status for i in ids} == {Status.EXPIRED}
    assert service.history(alice, ids[0])[-1].change.verb is ChangeKind.EXPIRE
    assert service.stats(alice)["by_status"] == {"expired": 70}


@pytest.mark.parametrize("kind", STORES)
def test_without_a_model_memory_still_works_and_says_so(
    kind: str, tmp_path: Path, embedder: Embedder, alice: Caller, clock: Clock
) -> None:
    store = open_store(kind, tmp_path / "home")
    broken = Embedder("BAAI/bge-small-en-v1.5", cache_dir=tmp_path)
    crippled = MemoryService(store, broken, clock=clock, policy=Policy(model_wait_s=5.0))
    crippled.remember(alice, [Draft(content="The cat sleeps on the sofa.")])
    answer = crippled.recall(alice, Query(query="where does the cat sleep?"))
    assert [item.memory.content for item in answer.memories] == ["The cat sleeps on the sofa."]
    assert (answer.mode, answer.degraded) == ("text", True)
    assert "mcp-memory model use" in answer.reason
    healthy = MemoryService(store, embedder, clock=clock)
    query = Query(query="favourite couch of the kitten")
    assert "wait for their vectors" in healthy.recall(alice, query).reason
    healthy.upkeep()
    healed = healthy.recall(alice, query)
    assert [item.memory.content for item in healed.memories] == ["The cat sleeps on the sofa."]
    assert (healed.mode, healed.degraded) == ("hybrid", False)
    healthy.close()


@pytest.mark.parametrize("kind", STORES)
def test_groups_are_told_by_the_vectors_that_are_there(
    kind: str, tmp_path: Path, embedder: Embedder, alice: Caller, clock: Clock
) -> None:
    store = open_store(kind, tmp_path / "home")
    broken = Embedder("BAAI/bge-small-en-v1.5", cache_dir=tmp_path)
    crippled = MemoryService(store, broken, clock=clock)
    rooms = [Draft(content=f"The weekly sync is on Monday in room {name}.") for name in "AB"]
    crippled.remember(alice, [*rooms, Draft(content="Penguins like ice cream.")])
    healthy = MemoryService(store, embedder, clock=clock)
    assert healthy.clusters(alice) == [], "no text is embedded only to be compared"
    healthy.upkeep()
    (group,) = healthy.clusters(alice)
    assert {memory.content for memory in group} == {draft.content for draft in rooms}
    healthy.close()


def test_a_closed_service_says_so(service: MemoryService, alice: Caller) -> None:
    service.close()
    with pytest.raises(StoreClosed):
        service.recall(alice, Query(query="anything"))
