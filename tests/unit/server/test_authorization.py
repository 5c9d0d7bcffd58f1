"""Every tool and every request has its permission, and the service asks for the team's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.permissions import EVERYTHING, Permission
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch
from mcp_memory.errors import NotPermitted
from mcp_memory.server.authorization import FREE, OF_TOOLS, needed
from mcp_memory.service import MemoryService
from mcp_memory.tools import TOOLS

TEAM = Permission.TEAM
LEAD = Caller(tenant="acme", user="ana")


def test_every_tool_is_in_the_table() -> None:
    assert set(OF_TOOLS) == {tool.name for tool in TOOLS}


@pytest.mark.parametrize(
    ("erase", "permission"),
    [
        (True, Permission.ERASE),
        ("true", Permission.ERASE),
        (" YES ", Permission.ERASE),
        (1, Permission.ERASE),
        (False, Permission.WRITE),
        ("no", Permission.WRITE),
        ("maybe", Permission.WRITE),
        ([], Permission.WRITE),
    ],
)
def test_erasing_needs_its_own_permission_however_it_is_spelt(
    erase: object, permission: Permission
) -> None:
    params = {"name": "forget", "arguments": {"ids": ["x"], "erase": erase}}
    assert needed("tools/call", params) == (permission,)


@pytest.mark.parametrize("params", [{}, {"name": 5}, {"name": "nope"}, {"name": ["forget"]}])
def test_an_unknown_tool_is_taken_for_one_that_writes(params: dict[str, object]) -> None:
    assert needed("tools/call", params) == (Permission.WRITE,)


def test_what_is_not_named_needs_the_permission_to_read() -> None:
    assert needed("resources/read", {}) == (Permission.READ,)
    assert needed("some/day", None) == (Permission.READ,)
    assert not any(needed(method, None) for method in FREE)


SHARED = {"content": "The team meets", "scope": "tenant"}


@pytest.mark.parametrize(
    ("name", "arguments", "shares"),
    [
        ("remember", {"memories": [{"content": "Bob sits"}, SHARED]}, True),
        ("remember", {"memories": {**SHARED, "scope": " Tenant"}}, True),
        ("remember", {"memories": [{"content": "The scope is tenant"}, "tenant"]}, False),
        ("remember", {"memories": [{**SHARED, "nope": 1}]}, False),
        ("remember", {"memories": "[" * 100_000}, False),
        ("remember", {}, False),
        ("remember", None, False),
        ("update", {"id": "x", "scope": "tenant"}, True),
        ("update", {"id": "x", "scope": "user"}, False),
        ("update", {"id": "x", "content": "tenant"}, False),
        ("recall", {"scopes": ["tenant"]}, False),
    ],
    ids=range(11),
)
def test_what_names_scope_tenant_needs_the_permission_of_the_team_too(
    name: str, arguments: object, shares: bool
) -> None:
    found = needed("tools/call", {"name": name, "arguments": arguments})
    assert found == (OF_TOOLS[name], *([TEAM] if shares else []))


def test_the_team_s_memories_are_changed_only_with_its_permission(service: MemoryService) -> None:
    lead = LEAD
    member = replace(lead, user="bob", permissions=EVERYTHING - {TEAM})
    draft = Draft(content="The team meets on Mondays", scope="tenant", key="meeting", tags=("m",))
    (shared,) = service.remember(lead, [draft])
    own = Draft(content="Bob sits by the window", tags=("m",))
    (mine,) = service.remember(member, [own])

    assert service.get(member, shared.id).content == draft.content
    for attempt in (
        lambda: service.remember(member, [own, replace(draft, content="On Fridays")]),
        lambda: service.remember(
            member, [replace(draft, content="Tuesdays", supersedes=(shared.id,), key="")]
        ),
        lambda: service.update(member, shared.id, Patch(content="On Fridays")),
        lambda: service.update(member, mine.id, Patch(scope="tenant")),
        lambda: service.forget(member, ForgetRequest(ids=(shared.id,))),
        lambda: service.forget(member, ForgetRequest(ids=(shared.id,), erase=True)),
    ):
        with pytest.raises(NotPermitted, match="memory:team"):
            attempt()
    wide = service.forget(member, ForgetRequest(tags=("m",)))
    assert [memory.id for memory in wide.memories] == [mine.id]
    assert len(service.history(lead, shared.id)) == 1
    assert service.update(lead, shared.id, Patch(content="On Fridays")).memory.revision == 2


def test_erasing_is_refused_before_anything_is_shown(service: MemoryService) -> None:
    caller: Caller = replace(LEAD, permissions=EVERYTHING - {Permission.ERASE})
    (kept,) = service.remember(caller, [Draft(content="Ana's locker is 221", scope="user")])
    for selection in (
        ForgetRequest(ids=(kept.id,), erase=True),
        ForgetRequest(tags=("x",), erase=True),
    ):
        with pytest.raises(NotPermitted, match="memory:erase"):
            service.forget(caller, selection)
