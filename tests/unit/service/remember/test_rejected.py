"""A batch with something bad in it: the good is stored, the bad comes back with its reason."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mcp_memory.domain.memory import Caller, Status
from mcp_memory.domain.requests import Draft, ForgetRequest, Query
from mcp_memory.errors import InvalidInput, NotFound, ScopeMissing
from mcp_memory.service import MemoryService

GOOD = ("The office is in Lyon.", "The build uses Bazel.")


def contents(service: MemoryService, caller: Caller) -> list[str]:
    found = service.recall(caller, Query(limit=50)).memories
    return sorted(item.memory.content for item in found)


@pytest.mark.parametrize(
    ("bad", "reason", "error"),
    [
        ({"content": "  "}, "memories[1].content: got '  '", InvalidInput),
        ({"content": "a\ud800b"}, "memories[1].content: ", InvalidInput),
        ({"content": "x" * 40_000}, "memories[1].content: got '40000 bytes", InvalidInput),
        ({"type": "fakt"}, "memories[1].type: got 'fakt'", InvalidInput),
        ({"importance": 7.0}, "memories[1].importance: got 7.0", InvalidInput),
        ({"expires_in": "soon"}, "memories[1].expires_in: got 'soon'", InvalidInput),
        ({"tags": ("t" * 65,)}, "memories[1].tags[0]: ", InvalidInput),
        ({"metadata": {"a": "\ud800"}}, "memories[1].metadata.a: ", InvalidInput),
        ({"supersedes": ("deadbeef",)}, "memories[1].supersedes: no memory 'dead", NotFound),
        ({"supersedes": ("x",) * 101}, "memories[1].supersedes: got '101 ids'", InvalidInput),
        ({"scope": "agent"}, "memories[1].scope: there is no agent here", ScopeMissing),
    ],
    ids=lambda value: str(value)[:24],
)
def test_the_good_ones_are_stored_and_the_bad_one_says_why(
    service: MemoryService, bad: dict[str, Any], reason: str, error: type[Exception]
) -> None:
    caller = Caller(tenant="local", user="alice")
    drafts = [Draft(content=text) for text in GOOD]
    fields: dict[str, Any] = {"content": "Something.", **bad}
    drafts.insert(1, Draft(**fields))
    results = service.remember(caller, drafts)
    assert [result.status for result in results] == ["stored", "rejected", "stored"]
    rejected = results[1]
    assert (rejected.id, rejected.scope, rejected.touched) == ("", None, ())
    assert rejected.reason.startswith(reason)
    assert isinstance(rejected.error, error)
    assert contents(service, caller) == sorted(GOOD)


def test_all_that_are_bad_say_so_at_once(service: MemoryService, alice: Caller) -> None:
    drafts = [Draft(content=""), Draft(content="x", type="y"), Draft(content="x", trust="z")]
    results = service.remember(alice, drafts)
    assert [result.status for result in results] == ["rejected"] * 3
    fields = ["memories[0].content", "memories[1].type", "memories[2].trust"]
    assert [result.reason.partition(":")[0] for result in results] == fields
    assert contents(service, alice) == []


def test_what_is_rejected_does_not_count_towards_the_bytes_of_a_batch(
    service: MemoryService, alice: Caller
) -> None:
    drafts = [Draft(content="x" * 40_000)] * 8 + [Draft(content=GOOD[0])]
    assert [r.status for r in service.remember(alice, drafts)] == ["rejected"] * 8 + ["stored"]


@pytest.mark.parametrize("count", [0, 101])
def test_limits_of_the_whole_batch_stay_errors(
    service: MemoryService, alice: Caller, count: int
) -> None:
    with pytest.raises(InvalidInput, match=f"memories: got '{count} items'"):
        service.remember(alice, [Draft(content=" ")] * count)


def test_a_shared_memory_is_ended_by_nothing_private_and_the_others_are_stored(
    service: MemoryService, alice: Caller
) -> None:
    shared = service.remember(alice, [Draft(content="Deploys on Tuesdays.", scope="tenant")])[0]
    private = Draft(content="Scratch.", scope="session", supersedes=(shared.id,))
    results = service.remember(alice, [private, Draft(content=GOOD[0])])
    assert [result.status for result in results] == ["rejected", "stored"]
    assert "memories[0].supersedes: got '" in results[0].reason
    assert "shared in scope tenant" in results[0].reason
    assert service.get(alice, shared.id).status is Status.ACTIVE


def test_what_is_erased_meanwhile_is_missed_by_its_draft_alone(
    service: MemoryService, alice: Caller
) -> None:
    old = [
        service.remember(alice, [Draft(content=f"Build number {n} is red.")])[0].id
        for n in range(8)
    ]

    def erase(memory_id: str) -> None:
        service.forget(alice, ForgetRequest(ids=(memory_id,), erase=True, confirmed=True))

    def replace(memory_id: str) -> list[str]:
        new = Draft(content=f"Instead of {memory_id}.", supersedes=(memory_id,))
        beside = Draft(content=f"Beside {memory_id}.")
        return [result.status for result in service.remember(alice, [new, beside])]

    with ThreadPoolExecutor(max_workers=4) as pool:
        erased = [pool.submit(erase, memory_id) for memory_id in old]
        replaced = [pool.submit(replace, memory_id) for memory_id in old]
    for one in erased:
        one.result()
    for other in replaced:
        first, second = other.result()
        assert (first in ("superseded", "stored", "rejected"), second) == (True, "stored")
