"""Who is asked before anything is erased, and what becomes of it where nobody answers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import mcp.types as types
import pytest
from mcp import Client

from mcp_memory.identity.resolver import Signals
from mcp_memory.runtime import Application
from mcp_memory.server import elicitation
from mcp_memory.server.app import build
from mcp_memory.server.scheduler import QUESTION_S, RequestScheduler
from tests.support.daemon import daemon_home, proxy
from tests.support.mcp_client import ERAS, as_caller, by_name, call, refusal, remember, text_of
from tests.support.stdio_client import INITIALIZE

pytestmark = pytest.mark.anyio

ASKABLE: dict[str, Any] = {**INITIALIZE, "capabilities": {"elicitation": {}}}
CONFIRM = re.compile(r"the same arguments and confirm=(\S+)\n")
Reply = types.ElicitResult | types.ErrorData

UNANSWERED: dict[str, Reply] = {
    "cancelled": types.ElicitResult(action="cancel"),
    "agreed to nothing": types.ElicitResult(action="accept"),
    "agreed to something else": types.ElicitResult(action="accept", content={"other": True}),
    "agreed with a word": types.ElicitResult(action="accept", content={"erase": "maybe"}),
    "agreed with an empty form": types.ElicitResult(action="accept", content={}),
}
ERRORS: dict[str, Reply] = {
    "cannot": types.ErrorData(code=-32601, message="Method not found"),
    "failed": types.ErrorData(code=-32603, message="no terminal to ask at"),
    "refused": types.ErrorData(code=-32600, message="elicitation not supported"),
}
KINDS = [
    *((kind, era) for kind in UNANSWERED for era in ERAS),
    *((kind, "legacy") for kind in ERRORS),
]


def replying(reply: Reply) -> Callable[..., Awaitable[Any]]:
    async def answer(context: Any, params: types.ElicitRequestParams) -> Reply:
        return reply

    return answer


async def erase(client: Client, memory: str, **arguments: Any) -> str:
    result = await client.call_tool("forget", {"ids": [memory], "erase": True, **arguments})
    assert not result.is_error, text_of(result)
    return text_of(result)


async def is_there(client: Client, memory: str) -> bool:
    found = await call(client, "recall", limit=50)
    return memory in [each["id"] for each in found["memories"]]


@pytest.mark.parametrize(("kind", "era"), KINDS)
async def test_a_client_that_does_not_ask_is_no_user_who_said_no(
    application: Application, kind: str, era: str
) -> None:
    server = build(application, by_name)
    reply = replying({**UNANSWERED, **ERRORS}[kind])
    async with as_caller(server, era, "ana/app/", elicitation_callback=reply) as client:
        memory = await remember(client, "The cellar proxy sticks")
        text = await erase(client, memory)
        assert text.startswith("the client did not ask its user, so ask them yourself; nothing is")
        assert "The cellar proxy sticks" in text
        told = CONFIRM.search(text)
        assert told is not None
        preview = await call(client, "forget", ids=[memory], erase=True)
        assert (preview["done"], preview["erased"], preview["would_erase"]) == (False, False, True)
        assert preview["confirm"]
        assert "confirm" in await refusal(client, "forget", ids=[memory], erase=True, confirm="x")
        assert await is_there(client, memory)
        assert (await erase(client, memory, confirm=told[1])).startswith("erased for good: 1\n")
        assert not await is_there(client, memory)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "reply",
    [
        types.ElicitResult(action="decline"),
        types.ElicitResult(action="accept", content={"erase": False}),
    ],
    ids=["declined", "left unticked"],
)
async def test_a_no_of_the_user_stays_one_and_says_so(
    application: Application, era: str, reply: Reply
) -> None:
    server = build(application, by_name)
    async with as_caller(server, era, "ana/app/", elicitation_callback=replying(reply)) as client:
        memory = await remember(client, "The cellar proxy sticks")
        for _ in range(2):
            text = await erase(client, memory, confirm="a-made-up-token")
            assert text.startswith("the user declined, so nothing was done")
            assert "confirm=" not in text
        values = await call(client, "forget", ids=[memory], erase=True)
        assert (values["done"], values["erased"]) == (False, False)
        assert values["note"].startswith("the user declined")
        assert "confirm" not in values
        assert await is_there(client, memory)


@pytest.mark.parametrize(
    ("client_name", "reading_s", "is_users"),
    [
        ("codex-mcp-client", 60.0, False),
        ("codex-mcp-client", 0.0, True),
        ("claude-code", 60.0, True),
    ],
    ids=["at once by a client that declines alone", "after a while by it", "by another client"],
)
async def test_a_client_that_declines_by_itself_is_no_user_who_said_no(
    application: Application,
    monkeypatch: pytest.MonkeyPatch,
    client_name: str,
    reading_s: float,
    is_users: bool,
) -> None:
    monkeypatch.setattr(elicitation, "READING_S", reading_s)
    server = build(application, lambda request: Signals(configured_user="ana"))
    reply = replying(types.ElicitResult(action="decline"))
    async with as_caller(server, "legacy", client_name, elicitation_callback=reply) as client:
        memory = await remember(client, "The cellar proxy sticks")
        text = await erase(client, memory)
        assert text.startswith("the user declined") is is_users
        confirm = CONFIRM.search(text)
        assert (confirm is None) is is_users
        if confirm is not None:
            assert (await erase(client, memory, confirm=confirm[1])).startswith("erased for good")


async def test_a_question_that_nobody_answers_is_given_up(application: Application) -> None:
    assert QUESTION_S < 60, "after a minute most clients give up the call"
    server = build(application, by_name, scheduler=RequestScheduler(question_s=0.05))
    asked: list[str] = []

    async def silent(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        await anyio.sleep_forever()
        raise AssertionError

    async with as_caller(server, "legacy", "ana/app/", elicitation_callback=silent) as client:
        memory = await remember(client, "The cellar proxy sticks")
        told = CONFIRM.search(await erase(client, memory))
        assert told is not None
        assert await is_there(client, memory)
        assert (await erase(client, memory, confirm=told[1])).startswith("erased for good: 1\n")
        assert len(asked) == 1, "whoever did not answer is not waited for again"


async def test_a_wide_forget_is_done_the_same_way(application: Application) -> None:
    server = build(application, by_name)
    reply = replying(types.ElicitResult(action="cancel"))
    async with as_caller(server, "legacy", "ana/app/", elicitation_callback=reply) as client:
        memory = await remember(client, "The cellar proxy sticks", tags=["cellar"])
        values = await call(client, "forget", tags=["cellar"])
        assert (values["done"], values["would_erase"]) == (False, False)
        done = await call(client, "forget", tags=["cellar"], confirm=values["confirm"])
        assert (done["done"], done["erased"]) == (True, False)
        assert not await is_there(client, memory)


@pytest.mark.parametrize(
    "reply",
    [{"error": {"code": -32601, "message": "Method not found"}}, {"result": {"action": "cancel"}}],
    ids=["cannot", "cancelled"],
)
def test_it_is_the_same_through_the_proxy(tmp_path: Path, reply: dict[str, Any]) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.ask("initialize", **ASKABLE)
        client.notify("notifications/initialized")
        stored = client.call("remember", memories="The spare key is under the stone")
        ids = [stored["structuredContent"]["results"][0]["id"]]
        client.send("tools/call", name="forget", arguments={"ids": ids, "erase": True})
        client.respond(client.read_question()["id"], reply)
        result = client.read()["result"]
        assert "structuredContent" not in result
        told = CONFIRM.search(result["content"][0]["text"])
        assert told is not None
        again = {"ids": ids, "erase": True, "confirm": told[1]}
        done = client.ask("tools/call", name="forget", arguments=again)["result"]
        assert done["content"][0]["text"].startswith("erased for good: 1\n")
