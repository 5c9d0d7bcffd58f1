"""No header, query, argument, metadata or `_meta` makes anybody somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import httpx2
import pytest

from mcp_memory.identity.resolver import META_PROJECT
from tests.http.isolation import attackers
from tests.http.isolation.matrix import CURSORS, ERAS, FIXED, PROMPTS, RECALL, TEMPLATES
from tests.http.isolation.tenants import Caller, Trove, World
from tests.support.http_client import MODERN, Ask, Asker, called, client, reading
from tests.support.http_server import Issuer, Served, bearer

NAMES = ("tenant", "user", "scope", "partition", "agent", "sub", "org", "as_user", "owner")
HEADERS = {
    "X-Mcp-Memory-{}": ("Tenant", "User", "Scope", "Agent"),
    "X-{}": ("Tenant-Id", "User", "User-Id", "Forwarded-User", "Remote-User", "Org-Id"),
    "X-Auth-Request-{}": ("User", "Email"),
    "Mcp-Param-{}": ("Tenant", "User"),
}


@pytest.fixture(scope="module")
def world(server: Served, issuer: Issuer) -> Iterator[World]:
    """One tenant to be attacked."""
    with client() as http, ExitStack() as stack:
        made = World(server, issuer, http)
        made.add("acme", stack)
        yield made


@pytest.fixture
def stranger(world: World) -> Caller:
    """Ana of another tenant."""
    return world.caller("stranger", "elsewhere", "ana")


def disguised(ask: Ask, victim: Trove) -> dict[str, Ask]:
    """The same request, each time as if it came from the victim."""
    tenant, user, token = victim.tenant, victim.owner.user, victim.owner.token
    told = dict.fromkeys(NAMES, user) | {"tenant": tenant, "partition": f"{tenant}/user/{user}/"}
    ours = {f"io.github.mcp-memory/{name}": value for name, value in told.items()}
    values = {
        pattern.format(name): tenant if name[0] in "TO" else user
        for pattern, names in HEADERS.items()
        for name in names
    }
    proxied = {
        "Forwarded": f"for=127.0.0.1;host=localhost;by={user}",
        "X-Forwarded-For": "127.0.0.1",
        "X-Original-Authorization": f"Bearer {token}",
        "Proxy-Authorization": f"Bearer {token}",
        "Cookie": f"access_token={token}; tenant={tenant}; user={user}",
    }
    query = f"{ask.path}?tenant={tenant}&user={user}&sub={user}&access_token={token}"

    def meta(values: dict[str, object]) -> Ask:
        return replace(ask, params={**ask.params, "_meta": values})

    return {
        "headers": replace(ask, headers=values),
        "proxy": replace(ask, headers=proxied),
        "query": replace(ask, path=query),
        "_meta": meta({**told, **ours, "claims": told, "token": token}),
        "params": replace(ask, params={**ask.params, **told}),
    }


@pytest.mark.parametrize("era", ERAS)
def test_a_disguise_changes_no_answer(world: World, stranger: Caller, era: str) -> None:
    (victim,) = world.troves
    ask = world.ask(stranger, era).open()
    wrong: list[str] = []
    for case in (*FIXED, *TEMPLATES, *PROMPTS, *CURSORS, *RECALL):
        plain = case.ask(victim.aim)
        expected = ask(plain).comparable()
        for name, other in disguised(plain, victim).items():
            answer = ask(other)
            told = world.leaked(stranger, victim.aim.blank(answer, plain).text)
            if answer.comparable() != expected or told:
                wrong.append(f"{case.thing} {name}: {answer}")
    assert wrong == []
    assert world.changed() == []


@pytest.mark.parametrize("era", ERAS)
def test_what_is_written_in_disguise_is_one_s_own(world: World, stranger: Caller, era: str) -> None:
    (victim,) = world.troves
    ask, owner = world.ask(stranger, era).open(), world.ask(victim.owner, era).open()
    told = {"tenant": victim.tenant, "user": victim.owner.user, "partition": "acme/user/ana/"}
    for scope in ("tenant", "user"):
        draft = {"content": f"Planted in {era}", "scope": scope, "metadata": told}
        for other in disguised(called("remember", memories=[draft]), victim).values():
            (result,) = ask(other).values["results"]
            mine = ask(reading(f"memory://memories/{result['id']}"))
            assert "Planted" in mine.text
            assert "no memory" in owner(reading(f"memory://memories/{result['id']}")).text
    assert "Planted" not in owner(called("recall", metadata=told, limit=50)).text
    assert "Planted" not in owner(called("recall", query=f"Planted in {era}", limit=50)).text
    assert world.changed() == []


@pytest.mark.parametrize("era", ERAS)
def test_no_argument_names_another_scope(world: World, stranger: Caller, era: str) -> None:
    (victim,) = world.troves
    ask = world.ask(stranger, era).open()
    given = {
        "recall": {},
        "remember": {"memories": ["Planted"]},
        "update": {"id": victim.aim.memory, "content": "Planted"},
        "forget": {"ids": [victim.aim.memory]},
    }
    for name in ("tenant", "user", "project", "session", "_meta", *NAMES):
        for tool, arguments in given.items():
            said = ask(called(tool, **{**arguments, name: "acme"})).message["result"]
            assert said["isError"]
            text = said["content"][0]["text"]
            assert text.startswith(f"{name}: got ") or f".{name}: got " in text, text
        draft = {"content": "Planted", name: "acme"}
        assert ask(called("remember", memories=[draft])).message["result"]["isError"]
    assert "Planted" not in ask(called("recall", query="Planted", tags=["none"])).text
    assert world.changed() == []


@pytest.mark.parametrize("project", ["acme/user/ana", "../../acme/user/ana/", "app/../app", "/"])
def test_a_project_s_name_leads_nowhere_else(world: World, stranger: Caller, project: str) -> None:
    ask = world.ask(stranger)
    for recall in (called("recall", limit=50), reading("memory://recent"), reading("memory://me")):
        params = {**recall.params, "_meta": {META_PROJECT: project}}
        answer = ask(replace(recall, params=params, headers={"X-Mcp-Memory-Project": project}))
        if project == "/":
            assert "project: got '/'; it names nothing" in answer.text
        else:
            assert answer.status == 200
        assert world.leaked(stranger, answer.text) == set()


def test_a_token_counts_only_as_the_one_authorization_header(world: World) -> None:
    (victim,) = world.troves
    nobody = Caller(name="nobody", token="")
    for name, ask in disguised(called("recall"), victim).items():
        answer = world.ask(nobody)(ask)
        assert answer.status == 401, name
        assert world.leaked(nobody, answer.text + answer.challenge) == set()
    theirs = world.caller("stranger", "elsewhere", "ana").token
    for tokens in ((theirs, victim.owner.token), (victim.owner.token, theirs)):
        twice = [("Authorization", f"Bearer {token}") for token in tokens]
        answer = httpx2.post(world.server.url, json={}, headers=twice)
        assert answer.status_code == 400
    for scheme in ("Basic", "Token", "DPoP"):
        header = {"Authorization": bearer(theirs)["Authorization"].replace("Bearer", scheme)}
        assert httpx2.post(world.server.url, json={}, headers=header).status_code == 400


def test_names_that_look_alike_are_scopes_of_their_own(world: World) -> None:
    (victim,) = world.troves
    callers = [victim.owner, *attackers.look_alikes(world, victim.tenant)]
    seen: list[str] = []
    for caller in callers:
        ask = Asker(world.server, world.http, caller.token, MODERN)
        caller = ask(called("recall", limit=1)).values["caller"]
        seen.append(f"{caller['tenant']}/{caller['user']}")
    assert len(set(seen)) == len(callers)
    assert seen[0] == "acme/ana"
