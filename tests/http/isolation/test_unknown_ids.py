"""An id of somebody else gets the same words as one that never was, over every transport."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from mcp import Client, MCPError

from mcp_memory.domain.ids import new_id
from tests.support import mcp_client
from tests.support.http_server import TRANSPORTS, Issuer, Served, connect
from tests.support.mcp_client import ERAS, call, read, remember, text_of

pytestmark = pytest.mark.anyio

SPELLINGS: dict[str, Callable[[str], str]] = {
    "whole": str,
    "ending": lambda an_id: an_id[-8:],
    "capitals": str.upper,
    "without dashes": lambda an_id: an_id.replace("-", ""),
    "in brackets": lambda an_id: f"[{an_id[-8:]}]",
    "address": lambda an_id: f"memory://memories/{an_id}",
    "cut off": lambda an_id: f"…{an_id[-8:]}",
}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("update", {"id": "ID", "content": "Stolen"}),
    ("update", {"id": "ID", "importance": 0.9, "reason": "mine now"}),
    ("update", {"id": "ID", "restore_revision": 1}),
    ("update", {"id": "ID", "scope": "project"}),
    ("forget", {"ids": ["ID"]}),
    ("forget", {"ids": ["MINE", "ID"]}),
    ("forget", {"ids": ["ID"], "erase": True}),
    ("forget", {"ids": ["ID"], "erase": True, "confirm": "TOKEN"}),
    ("remember", {"memories": [{"content": "The gate is shut", "supersedes": ["ID"]}]}),
    ("remember", {"memories": [{"content": "The gate is shut", "supersedes": ["MINE", "ID"]}]}),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Somebody who asks, a memory of his, and the ids that are somebody else's, or nobody's."""

    asker: Client
    mine: str
    memory: str
    trace: str
    token: str
    erased: str


@pytest.fixture(scope="module", params=[*(f"stdio-{era}" for era in ERAS), *TRANSPORTS])
async def pair(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    server: Served,
    issuer: Issuer,
) -> AsyncGenerator[Pair]:
    """Two users of one server, through one transport."""
    home: Path = tmp_path_factory.mktemp("same") / "store"

    async def entered(user: str) -> Client:
        transport, _, era = request.param.partition("-")
        if transport == "stdio":
            one = mcp_client.connect(home, era, {"MCP_MEMORY_USER": user})
        else:
            one = connect(server, request.param, issuer.token(f"same-{transport}-{era}", user))
        return await stack.enter_async_context(one)

    async with AsyncExitStack() as stack:
        owner, asker = await entered("ana"), await entered("bob")
        memory = await remember(owner, "The zyxomatic vault is green", scope="user")
        erased = await remember(owner, "The quelbrant vault is blue", scope="user")
        for gone in (erased, memory):
            token = (await call(owner, "forget", ids=[gone], erase=True))["confirm"]
            if gone == erased:
                await call(owner, "forget", ids=[gone], erase=True, confirm=token)
        found = await call(owner, "recall", query="which vault is zyxomatic?")
        mine = await remember(asker, "The gate is open", scope="user")
        yield Pair(
            asker=asker,
            mine=mine,
            memory=memory,
            trace=found["trace_id"],
            token=token,
            erased=erased,
        )
        kept = json.loads(await read(owner, f"memories/{memory}"))
        assert (kept["status"], kept["revision"]) == ("active", 1), "nothing was changed"
        kept = json.loads(await read(asker, f"memories/{mine}"))
        assert (kept["status"], kept["revision"]) == ("active", 1), "nor was a part done"


def _filled(value: Any, **names: str) -> Any:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: _filled(member, **names) for name, member in members.items()}
    if isinstance(value, list):
        return [_filled(member, **names) for member in cast("list[Any]", value)]
    return names.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("spelt", SPELLINGS)
@pytest.mark.parametrize(("verb", "arguments"), CALLS)
async def test_a_verb_says_the_same_of_both(
    pair: Pair, verb: str, arguments: dict[str, Any], spelt: str
) -> None:
    said: list[str] = []
    for an_id in (pair.memory, pair.erased, new_id()):
        name = SPELLINGS[spelt](an_id)
        given = _filled(arguments, ID=name, MINE=pair.mine, TOKEN=pair.token)
        result = await pair.asker.call_tool(verb, given)
        assert result.is_error, text_of(result)
        whole = text_of(result) + json.dumps([result.structured_content, result.meta])
        assert "in your scope" in whole, "it is the id that is refused"
        said.append(whole.replace(name, "ID"))
    assert said[1:] == said[:1] * 2


@pytest.mark.parametrize("spelt", ["whole", "ending", "capitals", "without dashes"])
@pytest.mark.parametrize("path", ["memories/{}", "memories/{}/history", "traces/{}"])
async def test_a_resource_says_the_same_of_both(pair: Pair, path: str, spelt: str) -> None:
    foreign = [pair.trace, pair.memory] if path.startswith("traces") else [pair.memory, pair.erased]
    said: list[tuple[int, str, str]] = []
    for an_id in (*foreign, new_id()):
        name = SPELLINGS[spelt](an_id)
        with pytest.raises(MCPError, match="in your scope") as refused:
            await read(pair.asker, path.format(name))
        error = refused.value.error
        told = (error.message.replace(name, "ID"), json.dumps(error.data).replace(name, "ID"))
        said.append((error.code, *told))
    assert said[1:] == said[:1] * 2
