"""A memory is named by its id, or by the end of it, as recalled text shows it."""

from __future__ import annotations

import pytest

from mcp_memory.domain.ids import ending, is_ending
from mcp_memory.domain.memory import Caller, Status
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.errors import InvalidInput, NotFound
from mcp_memory.service import MemoryService
from mcp_memory.storage.contract import Store
from tests.support import factories
from tests.support.factories import Clock, put

ALIKE = [f"01a212f9-3178-7ea3-9b2c-{n:04}5e5e5e5e" for n in range(2)]


def keep(service: MemoryService, caller: Caller, content: str) -> str:
    (result,) = service.remember(caller, [Draft(content=content)])
    return result.id


@pytest.mark.parametrize("text", ["5e5e5e5e", "01234567"])
def test_eight_hex_digits_may_be_the_end_of_an_id(text: str) -> None:
    assert is_ending(text)


@pytest.mark.parametrize("text", ["", "5e5e5e5", "5e5e5e5e5", "5E5E5E5E", "5e5e5e5g", "% OR 1=1"])
def test_nothing_else_may(text: str) -> None:
    assert not is_ending(text)


def test_every_verb_takes_the_end_of_an_id(service: MemoryService, alice: Caller) -> None:
    first = keep(service, alice, "The build uses Bazel.")
    name = ending(first)
    assert name in service.recall(alice, Query(query="build")).context
    assert service.get(alice, name).id == first
    assert service.update(alice, name, Patch(content="The build uses Buck.")).memory.id == first
    assert len(service.history(alice, name)) == 2
    (newer,) = service.remember(alice, [Draft(content="Make builds it.", supersedes=(name,))])
    assert newer.replaced == (first,)
    assert service.forget(alice, ForgetRequest(ids=(ending(newer.id),))).done
    assert service.get(alice, newer.id).status is Status.FORGOTTEN


def test_the_end_of_an_id_and_the_whole_of_it_are_one_memory(
    service: MemoryService, alice: Caller
) -> None:
    first = keep(service, alice, "The build uses Bazel.")
    assert service.forget(alice, ForgetRequest(ids=(first, ending(first)))).total == 1


def test_the_end_of_another_users_id_is_as_unknown_as_any(
    service: MemoryService, alice: Caller, bob: Caller
) -> None:
    name = ending(keep(service, alice, "The build uses Bazel."))
    for memory_id in (name, "0badc0de"):
        with pytest.raises(NotFound, match=f"no memory '{memory_id}' in your scope"):
            service.get(bob, memory_id)
        with pytest.raises(NotFound):
            service.forget(bob, ForgetRequest(ids=(memory_id,)))
        (result,) = service.remember(bob, [Draft(content="Mine.", supersedes=(memory_id,))])
        assert (result.status, result.id) == ("rejected", "")
        assert isinstance(result.error, NotFound)


def test_where_several_ids_end_so_a_whole_one_is_asked_for(
    store: Store, embedder: Embedder, clock: Clock, alice: Caller
) -> None:
    service = MemoryService(store, embedder, clock=clock)
    partition = alice.partitions()[-1]
    put(store, *(factories.memory(i, id=i, partition=partition) for i in ALIKE))
    with pytest.raises(InvalidInput, match="several ids end so; give a whole one") as error:
        service.update(alice, "5e5e5e5e", Patch(pinned=True))
    assert ALIKE[0] in str(error.value)
    assert service.get(alice, ALIKE[0]).id == ALIKE[0]
    with pytest.raises(InvalidInput, match="ids: got"):
        service.forget(alice, ForgetRequest(ids=("5e5e5e5e",)))
    service.close()
