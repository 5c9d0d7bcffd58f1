"""One contract, all transports: the same calls give the same answers over stdio, HTTP and SSE."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp.types as types
import pytest
from mcp import Client, MCPError

from mcp_memory.identity.resolver import META_SESSION
from tests.support import mcp_client
from tests.support.http_server import TRANSPORTS, Issuer, connect, served

pytestmark = pytest.mark.anyio

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-([0-9a-f]{12})")
_NEVER_THE_SAME = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+Z|<memory [0-9a-f]+>|</memory [0-9a-f]+>|[0-9a-f]{8,12}-[0-9a-f]{24}"
    r"|(, )?'session [\w-]+'|\b[0-9a-f]{8}\b|, 'session': '[^']*'|(?<=\"session\":\")[^\"]*"
    r"|\d+ \w{3} \d{4} \d\d:\d\d"
)
_OF_AN_ERA = {"meta", "ttl_ms", "cache_scope"}
PROJECT = {"X-Mcp-Memory-Project": "app"}
UNNAMED = "session"
NAMED: Any = {META_SESSION: "talk"}
"""A conversation that the client names, in either era; one of the older has its own besides."""


@asynccontextmanager
async def through(transport: str, folder: Path) -> AsyncGenerator[Client]:
    """A client of an empty store, as the same user in the same project."""
    if transport.startswith("stdio-"):
        async with mcp_client.connect(folder / "store", transport.removeprefix("stdio-")) as client:
            yield client
        return
    issuer = Issuer(folder)
    with served(folder / "store", **issuer.settings()) as running:
        token = issuer.token("local", "ana")
        async with connect(running, transport, token, headers=PROJECT) as client:
            yield client


async def everything(client: Client) -> list[Any]:
    """One conversation with every verb, resource, prompt and kind of error."""
    said: list[Any] = []

    async def call(name: str, **arguments: Any) -> types.CallToolResult:
        result = await client.call_tool(name, arguments)
        said.append((name, result.is_error, result.structured_content, mcp_client.text_of(result)))
        return result

    drafts = [
        {"content": "Ana takes green tea in the afternoon", "type": "preference"},
        {"content": "Europe/Lisbon", "type": "profile", "key": "timezone"},
        {"content": "The release is planned for 3 May", "type": "task", "tags": ["release"]},
        {"content": "The team meets on Mondays", "scope": "tenant"},
        {"content": "The boiler was serviced", "scope": "agent", "source": "walk#1"},
    ]
    stored = await call("remember", memories=drafts)
    ids = re.findall(r"^stored (\S+)", mcp_client.text_of(stored), re.MULTILINE)
    await call("remember", memories="Ana takes green tea in the afternoon")
    await call("recall", query="what does Ana drink?", explain=True)
    await call("recall", query="zebra crossing in Ulan Bator")
    await call("recall", tags=["release"], limit=3)
    await call("update", id=ids[0], content="Ana takes black tea", reason="she said so")
    await call("forget", ids=[ids[2]])
    await call("forget", tags=["release"], erase=True)
    await call("forget", query="boiler")
    await call("recall", limit="many")
    await call("update", id="no-such-id", content="x")
    await call("nope")
    paths = ["context", "recent", f"memories/{ids[0]}", f"memories/{ids[0]}/history"]
    said += [(path, await mcp_client.read(client, path)) for path in paths]
    for query in ("which port?", ""):
        await client.call_tool("recall", {"query": query}, meta=NAMED)
    said.append(await client.read_resource(f"memory://{UNNAMED}", meta=NAMED))
    said.append(await client.list_tools())
    said.append(await client.list_resource_templates())
    said.append((await client.list_resources()).resources)
    said.append(await client.get_prompt("with_memory", {"question": "what does Ana drink?"}))
    for uri in ("memory://nope", "memory://memories/01a20000-0000-7000-8000-000000000000"):
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)
        said.append((refused.value.code, refused.value.message))
    said.append((UNNAMED, await mcp_client.read(client, UNNAMED)))
    return said


def comparable(said: list[Any]) -> list[str]:
    """What was said, without what is never the same twice, and what only one era has."""
    texts = [
        json.dumps(part.model_dump(mode="json", exclude=_OF_AN_ERA), sort_keys=True)
        if hasattr(part, "model_dump")
        else repr(part)
        for part in said
    ]
    order: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return order.setdefault(match[0], f"id-{len(order)}")

    return [_NEVER_THE_SAME.sub("", _ID.sub(number, text)) for text in texts]


@pytest.fixture(scope="module")
async def expected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the stdio proxy says."""
    async with through("stdio-legacy", tmp_path_factory.mktemp("stdio")) as client:
        return comparable(await everything(client))


@pytest.mark.parametrize("transport", ["stdio-auto", *TRANSPORTS])
async def test_every_transport_gives_the_same_answers(
    transport: str, tmp_path: Path, expected: list[str]
) -> None:
    async with through(transport, tmp_path) as client:
        said = comparable(await everything(client))
    assert len(said) > 20
    has_session = not transport.endswith("-auto")
    for ours, theirs in zip(said, expected, strict=True):
        if theirs is expected[-1] and not has_session:
            assert ours == repr((UNNAMED, "This session so far, newest last: nothing yet"))
            assert "what does Ana drink?" in theirs
        else:
            assert ours == theirs
