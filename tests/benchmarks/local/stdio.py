"""The MCP stdio proxy: the real proxy and daemon as processes, the official client before them."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import TextContent, TextResourceContents

from tests.support.daemon import command as command_line
from tests.support.mcp_client import environment, explained

COMMAND = (sys.executable, "-m", "mcp_memory")
"""What the console script `mcp-memory` runs."""


class WrongAnswer(Exception):
    """The server did not do what was asked of it."""


class Proxy:
    """A client connected to a server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def remember(self, *memories: Mapping[str, Any] | str) -> list[str]:
        """Remember all in one call; the id of the memory that holds each, in order."""
        found = await self.remember_all(*memories)
        ids = [str(result["id"]) for result in found["results"] if result["id"]]
        if len(ids) != len(memories):
            raise WrongAnswer(f"{len(memories)} memories were sent, {len(ids)} were taken")
        return ids

    async def remember_all(self, *memories: Mapping[str, Any] | str) -> dict[str, Any]:
        """The structured answer of the remember tool."""
        return await self._call("remember", {"memories": list(memories)})

    async def recall(self, query: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of the recall tool."""
        return await self._call("recall", {"query": query, **arguments})

    async def recalled(self, query: str) -> str:
        """What a model is given for a query: the text of the recall tool."""
        result = await self._client.call_tool("recall", {"query": query})
        (content,) = result.content
        if result.is_error or not isinstance(content, TextContent):
            raise WrongAnswer(f"recall answered: {result.content}")
        return content.text

    async def trace(self, trace_id: str) -> dict[str, Any]:
        """What one recall searched, with every candidate and the parts of its score."""
        (content,) = (await self._client.read_resource(f"memory://traces/{trace_id}")).contents
        assert isinstance(content, TextResourceContents)
        return json.loads(content.text)

    async def _call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        result = await self._client.call_tool(tool, explained(tool, arguments))
        if result.is_error or result.structured_content is None:
            raise WrongAnswer(f"{tool} answered: {result.content}")
        return result.structured_content


@asynccontextmanager
async def opened(home: Path, user: str, project: str) -> AsyncGenerator[Proxy]:
    """Connect through a proxy to the daemon of the store in `home`, which ends afterwards.

    For one user and project. The handshake is the older one, which most clients still use.
    """
    command, *arguments = COMMAND
    server = StdioServerParameters(
        command=command,
        args=[*arguments, "--home", str(home)],
        env=environment(home, MCP_MEMORY_USER=user, MCP_MEMORY_PROJECT=project),
    )
    try:
        async with Client(stdio_client(server), mode="legacy") as client:
            yield Proxy(client)
    finally:
        command_line("daemon", "stop", home=home)
