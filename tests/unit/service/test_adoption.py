"""What one user remembered becomes another's: all of it, found as before, and nothing doubled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

import pytest

from mcp_memory.domain.memory import Caller, Status
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
from mcp_memory.errors import InvalidInput, NotFound
from mcp_memory.service import MemoryService
from mcp_memory.service.adoption import told

SOURCES = MappingProxyType({"user": "operating-system user"})
ANA = Caller(tenant="local", user="ana", project="app", agent="ide", session="s1", sources=SOURCES)
BOB = replace(ANA, user="bob")
CLEO = replace(ANA, user="cleo")
STRANGER = replace(BOB, sources=MappingProxyType({"user": "token"}))


@pytest.fixture
def filled(service: MemoryService) -> Iterator[MemoryService]:
    """A store in which Ana remembered something in each scope, and Bob nothing."""
    drafts = [
        Draft(content="Ana drinks her tea black", type="preference"),
        Draft(content="The lathe is in the shed"),
        Draft(content="The ide likes tabs", scope="agent"),
        Draft(content="We began at nine", type="episode", scope="session"),
        Draft(content="The team meets on Mondays", scope="tenant"),
        Draft(content="5432", key="port"),
    ]
    service.remember(ANA, drafts)
    (old,) = service.remember(ANA, [Draft(content="The drill is gone")])
    service.forget(ANA, ForgetRequest(ids=(old.id,)))
    yield service


def nothing(done: int, total: int) -> None:
    """No progress is looked at."""


def contents(service: MemoryService, caller: Caller) -> set[str]:
    return {memory.content for memory in service.recent(caller, limit=50)}


def test_all_that_one_remembered_becomes_anothers(filled: MemoryService) -> None:
    before = filled.recent(ANA, limit=50)
    planned = filled.adoptable(BOB, "")
    assert (planned.user, sum(planned.by_scope.values())) == ("ana", 5)
    done = filled.adopt(BOB, "ana", nothing)
    assert (done.moved, done.kept) == (6, 0)
    assert [m.id for m in filled.recent(BOB, limit=50) if m.scope != "tenant"] == [
        m.id for m in before if m.scope != "tenant"
    ], "in the order in which they were remembered"
    assert contents(filled, ANA) == {"The team meets on Mondays"}
    found = filled.recall(BOB, Query(query="where is the lathe?"))
    assert found.memories[0].memory.content == "The lathe is in the shed"
    assert filled.recall(ANA, Query(query="where is the lathe?")).abstained
    (changed,) = filled.history(BOB, found.memories[0].memory.id)
    assert changed.change.user == "bob"
    assert changed.change.reason == "adopted from user ana"
    assert all(finding.ok for finding in filled.check())


def test_what_was_forgotten_comes_along_and_can_be_brought_back(filled: MemoryService) -> None:
    (again,) = filled.remember(ANA, [Draft(content="The saw is gone")])
    filled.forget(ANA, ForgetRequest(ids=(again.id,)))
    filled.adopt(BOB, "ana", nothing)
    assert filled.get(BOB, again.id).status is Status.FORGOTTEN
    with pytest.raises(NotFound):
        filled.get(ANA, again.id)
    revision = filled.get(BOB, again.id).revision
    back = filled.update(BOB, again.id, Patch(restore_revision=revision))
    assert back.memory.content == "The saw is gone"
    assert filled.adopt(BOB, "ana", nothing).moved == 0


def test_what_the_adopter_has_already_stays_where_it_is(filled: MemoryService) -> None:
    filled.remember(
        BOB, [Draft(content="5433", key="port"), Draft(content="The lathe is in the shed")]
    )
    done = filled.adopt(BOB, "ana", nothing)
    assert (done.moved, done.kept) == (4, 2)
    ports = [m.content for m in filled.recent(BOB, limit=50) if m.key == "port"]
    assert ports == ["5433"]
    assert {"5432", "The lathe is in the shed"} <= contents(filled, ANA)


def test_an_adoption_that_was_stopped_goes_on(filled: MemoryService) -> None:
    filled.remember(ANA, [Draft(content=f"part {n} is blue") for n in range(100)])
    filled.remember(ANA, [Draft(content=f"part {n} is green") for n in range(100)])

    class Stop(Exception):
        """Somebody pressed a key."""

    def stop(done: int, total: int) -> None:
        if done:
            raise Stop

    with pytest.raises(Stop):
        filled.adopt(BOB, "ana", stop)
    half = len(contents(filled, BOB))
    filled.adopt(BOB, "ana", nothing)
    assert 0 < half <= 50
    assert contents(filled, ANA) == {"The team meets on Mondays"}
    assert filled.stats(BOB)["by_status"]["active"] == 206
    assert all(finding.ok for finding in filled.check())


@pytest.mark.parametrize("user", ["", "dora", "bob", "ANA x", "local"])
def test_it_must_be_clear_whose_are_meant(filled: MemoryService, user: str) -> None:
    filled.remember(CLEO, [Draft(content="Cleo was here")])
    with pytest.raises(InvalidInput, match=r"user: got .*: ana, cleo"):
        filled.adopt(BOB, user, nothing)
    assert filled.adoptable(BOB, " Ana ").user == "ana"


def test_another_tenants_users_are_neither_named_nor_adopted(filled: MemoryService) -> None:
    filled.remember(replace(CLEO, tenant="acme"), [Draft(content="Acme only")])
    with pytest.raises(InvalidInput, match=r"user: got 'cleo'.*: ana$"):
        filled.adopt(BOB, "cleo", nothing)
    said = filled.strangers(BOB)
    assert "ana (5)" in said
    assert "cleo" not in said
    assert "1 of other tenants; set MCP_MEMORY_TENANT" in said


def test_an_empty_part_of_a_store_says_whose_there_are(filled: MemoryService) -> None:
    said = filled.strangers(BOB)
    assert said.startswith("nothing here is remembered for user bob")
    assert "set MCP_MEMORY_USER=ana or run: mcp-memory adopt ana" in said
    assert said in filled.me(BOB)["notes"]
    configured = replace(BOB, sources=MappingProxyType({"user": "configuration"}))
    assert filled.strangers(configured) == said
    assert "notes" not in filled.me(configured), (
        "an agent that was given a user is told of no other"
    )
    assert filled.strangers(ANA) == ""
    assert filled.strangers(STRANGER) == "", "who comes with a token is told of nobody"
    assert "notes" not in filled.me(STRANGER)
    filled.remember(replace(BOB, project="other"), [Draft(content="Bob was here")])
    assert filled.strangers(BOB) == ""


def test_an_empty_store_says_nothing(service: MemoryService) -> None:
    assert service.strangers(BOB) == ""
    with pytest.raises(InvalidInput, match="nobody else"):
        service.adoptable(BOB, "")


def test_few_of_many_users_are_named() -> None:
    held = {p: 1 for n in range(50) if (p := replace(ANA, user=f"u{n}").partitions()[1])}
    assert told(held, BOB).count("(1)") == 5
    assert "and 45 more users" in told(held, BOB)


def test_what_is_adopted_can_be_updated(filled: MemoryService) -> None:
    filled.adopt(BOB, "ana", nothing)
    (port,) = [m for m in filled.recent(BOB, limit=50) if m.key == "port"]
    assert filled.update(BOB, port.id, Patch(content="5434")).memory.content == "5434"
    assert port.status is Status.ACTIVE
