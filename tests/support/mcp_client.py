"""A real client of a real daemon, through its proxy; or of a server in this process, as anybody."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
import mcp.types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from mcp_memory.identity.resolver import Signals
from tests.support.watchdog import marked

if TYPE_CHECKING:
    from mcp.server import Server

    from mcp_memory.server.middleware import Connection, Request

ERAS = ("legacy", "auto")
"""How the SDK's client is told to speak each protocol era."""

ROOT = Path(__file__).resolve().parents[2]
SERVE = (
    "from mcp_memory.config import settings; from mcp_memory.server.transport import stdio; "
    "stdio.run(settings.load())"
)
"""Serves without a daemon."""


def environment(home: Path, **changes: str) -> dict[str, str]:
    """What the server process finds in its environment, beside what every process has."""
    return {
        "MCP_MEMORY_HOME": str(home),
        "MCP_MEMORY_USER": "ana",
        "MCP_MEMORY_PROJECT": "app",
        "PYTHONPATH": str(ROOT),
        **marked(),
        **changes,
    }


@asynccontextmanager
async def joined(
    home: Path, era: str, env: Mapping[str, str] | None = None, **options: Any
) -> AsyncGenerator[Client]:
    """A client of the store in `home`, through a proxy; the daemon outlives it.

    The proxy finds `env` too in its environment.
    """
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mcp_memory"],
        cwd=str(home.parent),
        env=environment(home, **(env or {})),
    )
    async with Client(stdio_client(parameters), mode=era, **options) as client:
        yield client


@asynccontextmanager
async def connect(
    home: Path, era: str, env: Mapping[str, str] | None = None, **options: Any
) -> AsyncGenerator[Client]:
    """A client as in `joined`, with which the daemon of the store ends."""
    try:
        async with joined(home, era, env, **options) as client:
            yield client
    finally:
        stop = [sys.executable, "-m", "mcp_memory", "daemon", "stop"]
        variables = environment(home, **(env or {}))
        await anyio.run_process(stop, env={**os.environ, **variables}, cwd=home.parent)


def as_caller(server: Server[Connection], era: str, name: str, **options: Any) -> Client:
    """A client in this process whose name is `name`; the tests' proxy reads it."""
    info = types.Implementation(name=name, version="1")
    return Client(server, mode=era, client_info=info, **options)


async def model_is_there(client: Client) -> None:
    """Wait until recall is as good as it gets; each call waits for the model for a while."""
    while (await call(client, "recall", query="anything")).get("degraded"):
        pass


def text_of(result: types.CallToolResult) -> str:
    """The text part of a tool's answer."""
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


def explained(verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments that ask for the typed answer as well, with room for all of its fields."""
    room = {"max_tokens": 20_000} if verb == "recall" else {}
    return {"explain": True, **room, **arguments}


async def call(client: Client, verb: str, **arguments: Any) -> dict[str, Any]:
    """The typed answer of a verb that must succeed."""
    result = await client.call_tool(verb, explained(verb, arguments))
    assert not result.is_error, text_of(result)
    values: Any = result.structured_content
    assert isinstance(values, dict)
    return cast("dict[str, Any]", values)


async def refusal(client: Client, verb: str, **arguments: Any) -> str:
    """The text of a verb that must refuse."""
    result = await client.call_tool(verb, arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


async def remember(client: Client, content: str, **fields: Any) -> str:
    """Remember one statement and give its id."""
    answer = await call(client, "remember", memories=[{"content": content, **fields}])
    return answer["results"][0]["id"]


async def read(client: Client, path: str) -> str:
    """The text of the first contents of `memory://path`."""
    contents = (await client.read_resource(f"memory://{path}")).contents[0]
    assert isinstance(contents, types.TextResourceContents)
    return contents.text


def by_name(request: Request) -> Signals:
    """A proxy that takes the client's name `user/project/session` at its word."""
    client = request.session.client_params
    user, project, session = client.client_info.name.split("/") if client else ("nobody", "", "")
    headers = {"mcp-session-id": session} if session else {}
    return Signals(configured_user=user, configured_project=project, headers=headers)
