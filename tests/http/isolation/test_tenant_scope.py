"""What is shared in scope tenant: read by the tenant, changed with memory:team, else by nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from mcp_memory.domain.ids import new_id
from tests.support.http_client import LEGACY, MODERN, Answer, Ask, Asker, called, client, reading
from tests.support.http_server import ALL, Issuer, Served

TEAM = "memory:team"
WITHOUT = ALL.replace(f" {TEAM}", "")
RULE = "The team meets on Mondays at nine"
COFFEE = "The coffee machine is cleaned on Fridays"


@dataclass(kw_only=True, slots=True)
class Team:
    """Two who may change what is shared, one who may only read it, and somebody of elsewhere."""

    lead: Asker
    second: Asker
    member: Asker
    outsider: Asker
    ids: dict[str, str] = field(default_factory=dict[str, str])

    def history(self, name: str) -> str:
        """Every revision of a shared memory."""
        uri = f"memory://memories/{self.ids[name]}/history"
        return str(self.lead(reading(uri)).result["contents"])


@pytest.fixture(params=[LEGACY, MODERN])
def team(request: pytest.FixtureRequest, server: Served, issuer: Issuer) -> Iterator[Team]:
    """A tenant of its own for each test, with two memories shared and one of the member."""
    tenant = f"team-{new_id()}"
    with client() as http:

        def asker(tenant: str, user: str, caller: str) -> Asker:
            token = issuer.token(tenant, user, caller)
            return Asker(server, http, token, request.param).open()

        made = Team(
            lead=asker(tenant, "ana", ALL),
            second=asker(tenant, "cid", ALL),
            member=asker(tenant, "bob", WITHOUT),
            outsider=asker(f"{tenant}-x", "ana", ALL),
        )
        made.ids["rule"] = stored(made.lead, RULE, scope="tenant", key="meeting", tags=["m"])
        made.ids["coffee"] = stored(made.lead, COFFEE, scope="tenant", tags=["m"])
        made.ids["own"] = stored(made.member, "Bob sits by the window", scope="user", tags=["m"])
        yield made


def stored(ask: Asker, content: str, **fields: Any) -> str:
    """Remember one statement and give its id."""
    answer = ask(called("remember", memories=[{"content": content, **fields}]))
    return str(answer.values["results"][0]["id"])


def recalled(ask: Asker, **arguments: Any) -> dict[str, str]:
    """What a recall finds: contents by id."""
    found = ask(called("recall", **arguments)).values["memories"]
    return {memory["id"]: memory["content"] for memory in found}


def refusals(answer: Answer) -> str:
    """The text of a tool that must refuse."""
    result = answer.message["result"]
    assert result["isError"], answer.text
    return str(result["content"][0]["text"])


def test_the_tenant_reads_what_is_shared_and_nobody_else(team: Team) -> None:
    shared = {team.ids["rule"]: RULE, team.ids["coffee"]: COFFEE}
    for ask in (team.lead, team.second, team.member):
        assert recalled(ask, scopes=["tenant"]) == shared
        assert team.ids["rule"] in recalled(ask, query="when does the team meet?")
        for path in ("recent", f"memories/{team.ids['rule']}/history"):
            assert RULE in ask(reading(f"memory://{path}")).text
    assert recalled(team.outsider) == {}
    assert RULE not in team.outsider(reading("memory://recent")).text
    absent = new_id()
    answers = [
        team.outsider(reading(f"memory://memories/{name}")).text.replace(name, "")
        for name in (team.ids["rule"], absent)
    ]
    assert answers[0] == answers[1]
    assert "no memory" in answers[0]


def attempts(team: Team) -> list[Ask]:
    """All the ways to change what is shared, by one who may not."""
    rule, own = team.ids["rule"], team.ids["own"]
    mine = {"content": "Bob has a new bicycle", "scope": "user", "tags": ["new"]}
    ours = {"content": "The team meets on Fridays", "scope": "tenant", "tags": ["new"]}
    erasing = called("forget", ids=[rule], erase=True)
    token = team.lead(erasing).values["confirm"]
    return [
        called("remember", memories=[ours]),
        called("remember", memories=[mine, ours]),
        called("remember", memories=[ours, mine]),
        called("remember", memories=[mine, {**ours, "content": COFFEE}]),
        called("remember", memories=[mine, {**ours, "key": "meeting"}]),
        called("remember", memories=[mine, {**ours, "supersedes": [rule]}]),
        called("remember", memories=[{**ours, "supersedes": [own]}]),
        called("update", id=rule, content="The team meets on Fridays"),
        called("update", id=rule[-8:], importance=1, pinned=True),
        called("update", id=rule, expires_at="1d"),
        called("update", id=rule, tags=["new"], metadata={"by": "bob"}),
        called("update", id=own, scope="tenant"),
        called("forget", ids=[rule]),
        called("forget", ids=[own, rule]),
        erasing,
        called("forget", ids=[own, rule], erase=True),
        called("forget", ids=[rule], erase=True, confirm=token),
    ]


def names_the_scope(ask: Ask) -> bool:
    """Whether it can be told from a call alone that it would change what is shared."""
    return '"tenant"' in json.dumps(ask.params)


def test_without_its_scope_nothing_shared_is_changed_not_even_in_part(team: Team) -> None:
    before = {name: team.history(name) for name in ("rule", "coffee")}
    views = [reading(f"memory://{name}") for name in ("recent", "stats")]
    seen = [team.member(view).comparable() for view in views]
    for ask in attempts(team):
        answer = team.member(ask)
        if names_the_scope(ask):
            assert "shared in scope tenant" in refusals(answer)
        said = refusals(answer)  # otherwise that it is shared is known once it was found
        assert TEAM in said and "nothing was done" in said, said
    assert {name: team.history(name) for name in before} == before
    assert [team.member(view).comparable() for view in views] == seen
    assert recalled(team.member, tags=["new"]) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        {"memories": {"content": RULE, "scope": "tenant"}},
        {"memories": [RULE, {"content": RULE, "scope": "Tenant "}]},
        {"memories": json.dumps([{"content": RULE, "scope": "tenant"}])},
        {"memories": [json.dumps({"content": RULE, "scope": "tenant"})]},
    ],
    ids=["one", "in capitals", "as text", "each as text"],
)
def test_the_scope_is_seen_however_it_is_written(team: Team, arguments: dict[str, Any]) -> None:
    assert TEAM in refusals(team.member(called("remember", **arguments)))
    assert team.lead(called("remember", **arguments)).values["results"]


def test_who_may_not_change_it_cannot_replace_it_by_something_private(team: Team) -> None:
    draft = {"content": "No meetings any more", "scope": "user", "supersedes": [team.ids["rule"]]}
    said = refusals(team.member(called("remember", memories=[draft])))
    assert "shared in scope tenant" in said
    said = refusals(team.lead(called("update", id=team.ids["rule"], scope="user")))
    assert "shared in scope tenant" in said
    private = stored(team.member, "My own meeting is at ten", scope="user", key="meeting")
    assert {private, team.ids["rule"]} <= set(recalled(team.member, key="meeting"))


def test_a_wide_forget_leaves_out_what_is_the_team_s(team: Team) -> None:
    before = {name: team.history(name) for name in ("rule", "coffee")}
    for erase in (False, True):
        mine = stored(team.member, f"A note of Bob's, {erase}", scope="user", tags=["m"])
        wide = {"tags": ["m"], "erase": erase}
        preview = team.member(called("forget", **wide)).values
        listed = {memory["id"] for memory in preview["memories"]}
        assert mine in listed
        assert not listed & {team.ids["rule"], team.ids["coffee"]}
        done = team.member(called("forget", **wide, confirm=preview["confirm"])).values
        assert done["done"]
    assert {name: team.history(name) for name in before} == before
    assert set(recalled(team.member)) == {team.ids["rule"], team.ids["coffee"]}
    preview = team.lead(called("forget", tags=["m"])).values
    assert {memory["id"] for memory in preview["memories"]} == {
        team.ids["rule"],
        team.ids["coffee"],
    }
    for other in (team.member, team.second, team.outsider):
        refusals(other(called("forget", tags=["m"], confirm=preview["confirm"])))
    assert {name: team.history(name) for name in before} == before


def test_with_its_scope_anybody_of_the_tenant_changes_what_is_shared(team: Team) -> None:
    ask, rule = team.second, team.ids["rule"]
    assert ask(called("update", id=rule, content="The team meets at ten")).result
    assert recalled(team.member, scopes=["tenant"])[rule] == "The team meets at ten"
    draft = {"content": "The team meets at noon on Tuesdays", "scope": "tenant", "key": "meeting"}
    (replaced,) = ask(called("remember", memories=[draft])).values["results"]
    assert replaced["status"] == "superseded"
    third = {"content": "Nobody meets", "scope": "tenant", "supersedes": [replaced["id"]]}
    (last,) = ask(called("remember", memories=[third])).values["results"]
    assert recalled(team.member, scopes=["tenant"]) == {
        last["id"]: "Nobody meets",
        team.ids["coffee"]: COFFEE,
    }
    assert ask(called("forget", ids=[last["id"]])).values["done"]
    assert ask(called("update", id=last["id"], restore_revision=1)).result
    erasing = {"ids": [last["id"], team.ids["coffee"]], "erase": True}
    token = ask(called("forget", **erasing)).values["confirm"]
    assert ask(called("forget", **erasing, confirm=token)).values["done"]
    assert recalled(team.member, scopes=["tenant"]) == {}


def test_the_scope_of_the_team_does_not_contain_the_one_to_write(
    server: Served, issuer: Issuer
) -> None:
    with client() as http:
        ask = Asker(server, http, issuer.token("acme", "eve", f"memory:read {TEAM}"), MODERN)
        answer = ask(called("remember", memories=[{"content": RULE, "scope": "tenant"}]))
        assert "lacks the permission memory:write," in refusals(answer)
        assert recalled(ask) == {}
