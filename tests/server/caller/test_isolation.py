"""Two scopes never see each other: through no verb, resource, prompt, completion or error."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any

import mcp.types as types
import pytest
from mcp import Client, MCPError

from mcp_memory.config.settings import Settings
from mcp_memory.domain.ids import new_id
from mcp_memory.runtime import Application
from mcp_memory.server.app import build
from tests.support.mcp_client import ERAS, as_caller, by_name, call, read, text_of

pytestmark = pytest.mark.anyio

SECRET = "The vault code is walrus-88z12 and Ana keeps it in Zürich"
CHANGED = "The vault code is walrus-99z34 and Ana keeps it in Genf"
TELLING = ("walrus", "88z12", "99z34", "zürich", "genf", "vaultkey", "vaulttag")
PAIRS = {
    "users": ("ana/app/s1", "bob/app/s1", "user"),
    "projects": ("ana/app/s1", "ana/site/s1", "project"),
    "sessions": ("ana/app/s1", "ana/app/s2", "session"),
    "look-alikes": ("ana/app/s1", "ana/App/s1", "project"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Two callers of one server, and what the first keeps from the second."""

    owner: Client
    other: Client
    scope: str
    memory: str
    trace: str
    token: str
    before: tuple[str, str]


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """One application for all cases: each has users of its own."""
    folder = tmp_path_factory.mktemp("shared")
    opened = Application(Settings(home=folder / "store", working_dir=folder))
    yield opened
    opened.close()


NUMBERS = count()


@pytest.fixture(params=[(pair, era) for pair in PAIRS for era in ERAS], ids="-".join)
async def case(request: pytest.FixtureRequest, application: Application) -> AsyncGenerator[Case]:
    pair, era = request.param
    owner_name, other_name, scope = PAIRS[pair]
    number = next(NUMBERS)
    owner_name, other_name = (
        name.replace("/", f"{number}/", 1) for name in (owner_name, other_name)
    )
    server = build(application, by_name)
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(as_caller(server, era, owner_name))
        other = await stack.enter_async_context(as_caller(server, era, other_name))
        await call(other, "recall", query="anything")  # the model is loaded from here on
        before = await read(other, "me"), await read(other, "stats")
        draft = {"content": SECRET, "scope": scope, "key": "vaultkey", "tags": ["vaulttag"]}
        stored = await call(owner, "remember", memories=[draft])
        memory = stored["results"][0]["id"]
        await call(owner, "update", id=memory, content=CHANGED)
        found = await call(owner, "recall", query="where is the vault code")
        assert found["memories"][0]["id"] == memory, "the owner finds it, so there is a secret"
        preview = await call(owner, "forget", ids=[memory], erase=True)
        yield Case(
            owner=owner,
            other=other,
            scope=scope,
            memory=memory,
            trace=found["trace_id"],
            token=preview["confirm"],
            before=before,
        )
        kept = json.loads(await read(owner, f"memories/{memory}"))
        assert (kept["content"], kept["status"]) == (CHANGED, "active"), "nothing was changed"


def assert_silent(case: Case, said: str, *, ids: bool = True) -> None:
    """Nothing that only the owner could have told was said."""
    lowered = said.lower()
    assert not [word for word in TELLING if word in lowered], said
    assert not ids or (case.memory[-8:] not in said and case.trace not in said), said


async def anything(client: Client, verb: str, **arguments: Any) -> str:
    result = await client.call_tool(verb, arguments)
    return text_of(result) + json.dumps(result.structured_content, ensure_ascii=False)


async def error_of(client: Client, verb: str, **arguments: Any) -> str:
    result = await client.call_tool(verb, arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


async def test_recall_finds_nothing_of_another_scope(case: Case) -> None:
    for arguments in (
        {},
        {"query": "where is the vault code walrus"},
        {"query": CHANGED, "explain": True},
        {"key": "vaultkey"},
        {"tags": ["vaulttag"]},
        {"as_of": "2099-01-01"},
        {"since": "2000-01-01", "limit": 50, "max_tokens": 20000},
        {"scopes": [case.scope], "query": "vault code"},
    ):
        said = await anything(case.other, "recall", **arguments)
        echo = str(arguments.get("query", ""))
        assert_silent(case, said.replace(echo, "") if echo else said)


async def test_no_argument_names_another_scope(case: Case) -> None:
    refusals = {
        **dict.fromkeys(("user", "tenant", "project", "agent", "session"), "leave this out: whose"),
        "scope": "expected one of tenant, user, project, agent, session",
        "partition": "there is no such argument",
    }
    for name, refusal in refusals.items():
        said = await error_of(case.other, "recall", **{name: "ana"})
        assert said.startswith(name) and f"got 'ana'; {refusal}" in said, said
        said = await error_of(case.other, "remember", memories=[{"content": "x", name: "ana"}])
        assert said.startswith(f"rejected memories[0].{name}: got 'ana'")
    metadata = {"user": "ana", "project": "app", "session": "s1", "tenant": "local"}
    await call(case.other, "remember", memories=[{"content": "mine", "metadata": metadata}])
    found = await call(case.owner, "recall", query="mine", metadata=metadata)
    visible = [m["content"] for m in found["memories"]]
    # Only a scope that both share (the same user's project) may show it to the owner.
    assert visible == [] or case.scope == "session"


async def test_a_foreign_id_is_like_one_that_does_not_exist(case: Case) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("update", {"id": "ID", "content": "stolen"}),
        ("update", {"id": "ID", "restore_revision": 1}),
        ("update", {"id": "ID", "scope": "user"}),
        ("forget", {"ids": ["ID"]}),
        ("forget", {"ids": ["ID"], "erase": True}),
        ("forget", {"ids": ["ID"], "erase": True, "confirm": case.token}),
        ("remember", {"memories": [{"content": "x", "supersedes": ["ID"]}]}),
    ]
    for verb, arguments in calls:
        said = [
            (await error_of(case.other, verb, **_with(arguments, an_id))).replace(an_id, "ID")
            for an_id in (case.memory, new_id())
        ]
        assert said[0] == said[1]


def _with(arguments: dict[str, Any], an_id: str) -> dict[str, Any]:
    return json.loads(json.dumps(arguments).replace('"ID"', json.dumps(an_id)))


async def test_resources_show_nothing_of_another_scope(case: Case) -> None:
    for path in ("me", "context", "session", "recent", "stats"):
        for contents in (await case.other.read_resource(f"memory://{path}")).contents:
            assert isinstance(contents, types.TextResourceContents)
            assert_silent(case, contents.text)
    assert (await read(case.other, "me"), await read(case.other, "stats")) == case.before
    listed = await case.other.list_resources()
    while listed.next_cursor:
        listed = await case.other.list_resources(cursor=listed.next_cursor)
        assert_silent(case, listed.model_dump_json())


async def test_foreign_resources_are_like_ones_that_do_not_exist(case: Case) -> None:
    for path, foreign in (
        ("memories/ID", case.memory),
        ("memories/ID/history", case.memory),
        ("traces/ID", case.trace),
    ):
        said: list[tuple[int, str]] = []
        for an_id in (foreign, new_id()):
            with pytest.raises(MCPError) as caught:
                await read(case.other, path.replace("ID", an_id))
            error = caught.value.error
            assert error.data == {"uri": f"memory://{path}".replace("ID", an_id)}
            said.append((error.code, error.message.replace(an_id, "ID")))
        assert said[0] == said[1]


async def test_a_cursor_with_a_foreign_id_shows_no_more_than_any_other(case: Case) -> None:
    await call(case.other, "remember", memories=["mine alone"])
    refusals: list[str] = []
    for an_id in (case.memory, new_id()):
        with pytest.raises(MCPError, match="no memory") as refused:
            await case.other.list_resources(cursor=f"0:{an_id}")
        refusals.append(str(refused.value).replace(an_id, ""))
    assert_silent(case, refusals[0])
    assert refusals[0] == refusals[1]


async def test_completions_and_prompts_show_nothing_of_another_scope(case: Case) -> None:
    for uri in ("memory://memories/{id}", "memory://memories/{id}/history", "memory://traces/{id}"):
        for prefix in ("", case.memory[:8], case.memory):
            ref = types.ResourceTemplateReference(uri=uri)
            found = await case.other.complete(ref, {"name": "id", "value": prefix})
            assert case.memory not in found.completion.values
            assert case.trace not in found.completion.values
    tags = await case.other.complete(
        types.PromptReference(name="with_memory"), {"name": "tag", "value": ""}
    )
    assert "vaulttag" not in tags.completion.values
    for name, arguments in (
        ("with_memory", {"question": "where is it kept?"}),
        ("with_memory", {"question": "x", "tag": "vault"}),
        ("remember_session", {}),
        ("consolidate", {}),
    ):
        prompt = await case.other.get_prompt(name, arguments)
        assert_silent(case, prompt.model_dump_json())


async def test_the_same_statement_and_key_elsewhere_is_a_memory_of_its_own(case: Case) -> None:
    draft = {"content": CHANGED, "key": "vaultkey", "scope": case.scope}
    answer = await call(case.other, "remember", memories=[draft])
    (result,) = answer["results"]
    assert result["status"] == "stored"
    assert result["id"] != case.memory
    assert "similar" not in result


async def test_forgetting_widely_stays_within_the_scope(case: Case) -> None:
    for arguments in (
        {"query": "vault code"},
        {"tags": ["vaulttag"]},
        {"key": "vaultkey"},
        {"before": "2099-01-01"},
        {"types": ["fact"], "erase": True},
    ):
        preview = await call(case.other, "forget", **arguments)
        assert preview["total"] == 0
        said = await anything(case.other, "forget", **arguments, confirm=case.token)
        assert_silent(case, said)
