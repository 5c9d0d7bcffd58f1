"""An agent: one MCP client with a server process of its own, speaking over stdio."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.types import Implementation, TextContent, TextResourceContents
from transcript import NotAsSaid, Transcript

CALL_TIMEOUT_S = 60.0
OLDER_ERA = frozenset({"cursor"})
"""Clients that open with the handshake of MCP 2025-11-25; the others speak 2026-07-28."""

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What every session needs: the server's command, whose memory, where, and who looks on."""

    command: tuple[str, ...]
    home: Path
    user: str
    transcript: Transcript
    server_log: TextIO

    @asynccontextmanager
    async def enter(self, name: str, folder: Path, label: str) -> AsyncGenerator[Agent]:
        """A session of the client `name`, opened in `folder`; its server ends with it."""
        server = StdioServerParameters(
            command=self.command[0],
            args=list(self.command[1:]),
            env={"MCP_MEMORY_HOME": str(self.home), "MCP_MEMORY_USER": self.user},
            cwd=folder,
        )
        client = Client(
            stdio_client(server, errlog=self.server_log),
            client_info=Implementation(name=name, version="1.0.0"),
            mode="legacy" if name in OLDER_ERA else "auto",
            read_timeout_seconds=CALL_TIMEOUT_S,
        )
        began = time.perf_counter()
        async with client:
            seconds = time.perf_counter() - began
            note = f"MCP {client.protocol_version}, connected in {seconds:.1f} s"
            self.transcript.scene(name, label, note)
            yield Agent(client=client, transcript=self.transcript)


@dataclass(kw_only=True, slots=True)
class Agent:
    """The four verbs, each call timed and written down."""

    client: Client
    transcript: Transcript
    _typical: bool = field(default=False, init=False)

    async def remember(self, content: str, **fields: Any) -> Json:
        """Remember one statement; returns what became of it."""
        memories = [{"content": content, **fields}]
        values = await self._call("remember", f"“{content}”", memories=memories)
        (result,) = values["results"]
        reason = f", {result['reason']}" if "reason" in result else ""
        self.transcript.answer(f"{result['status']} in scope {result['scope']}{reason}")
        return result

    async def remember_all(self, memories: list[Json], shown: str) -> list[Json]:
        """Remember a batch."""
        self._typical = False
        values = await self._call("remember", shown, memories=memories)
        return values["results"]

    async def recall(self, query: str, shown_max: int = 1, **fields: Any) -> Json:
        """Recall; returns the whole answer."""
        values = await self._call("recall", f"“{query}”", query=query, **fields)
        for memory in values["memories"][:shown_max]:
            self.transcript.answer(f"{memory['content']}  ({memory['score']:.2f})")
        if not values["memories"]:
            self.transcript.answer("nothing relevant is remembered")
        return values

    async def recall_quietly(self, query: str, **fields: Any) -> Json:
        """Recall without a line in the transcript."""
        _, values, _ = await self._send("recall", {"query": query, **fields})
        return values

    async def value_of(self, key: str, **fields: Any) -> str:
        """What a key holds, "" for nothing."""
        at = "".join(f", {name} {value[:19]}" for name, value in fields.items())
        values = await self._call("recall", f"the key {key}{at}", key=key, **fields)
        content = values["memories"][0]["content"] if values["memories"] else ""
        self.transcript.answer(content or "nothing")
        return content

    async def update(self, memory_id: str, shown: str, **fields: Any) -> Json:
        """Change one memory; returns it and what it replaced."""
        return await self._call("update", shown, id=memory_id, **fields)

    async def forget(self, shown: str, **selection: Any) -> Json:
        """Forget, or preview it."""
        values = await self._call("forget", shown, **selection)
        verb = "erased" if values["erased"] or values["would_erase"] else "forgotten"
        if values["done"]:
            self.transcript.answer(verb + ("" if values["erased"] else ", and it can be undone"))
        else:
            would = values["memories"][0]["content"]
            self.transcript.answer(f"not yet: {values['total']} would be {verb}, “{would}”")
        return values

    async def refusal(self, verb: str, shown: str, **arguments: Any) -> str:
        """The text with which a call is refused."""
        failed, _, text = await self._timed(verb, shown, arguments)
        if not failed:
            raise NotAsSaid(f"{verb} {shown} is refused; instead it answered: {text}")
        self.transcript.answer(text)
        return text

    async def history(self, memory_id: str) -> list[Json]:
        """Every revision of a memory, oldest first, read as a resource."""
        began = time.perf_counter()
        found = await self.client.read_resource(f"memory://memories/{memory_id}/history")
        milliseconds = (time.perf_counter() - began) * 1000
        self.transcript.call("read", "memory://memories/{id}/history", milliseconds)
        (contents,) = found.contents
        assert isinstance(contents, TextResourceContents)
        revisions: list[Json] = json.loads(contents.text)["revisions"]
        for revision in revisions:
            change = revision["change"]
            said = f"revision {revision['revision']}: {revision['content']}"
            self.transcript.answer(f"{said}, {change['verb']} by {change['agent']}")
        return revisions

    async def unreadable(self, memory_id: str) -> bool:
        """Whether a memory cannot be read by its id."""
        began = time.perf_counter()
        try:
            await self.client.read_resource(f"memory://memories/{memory_id}")
        except MCPError as error:
            milliseconds = (time.perf_counter() - began) * 1000
            self.transcript.call("read", "memory://memories/{its id}", milliseconds)
            self.transcript.answer(str(error))
            return True
        return False

    async def _call(self, verb: str, shown: str, **arguments: Any) -> Json:
        failed, values, text = await self._timed(verb, shown, arguments)
        if failed:
            raise NotAsSaid(f"{verb} {shown} succeeds; instead it was refused: {text}")
        return values

    async def _timed(self, verb: str, shown: str, arguments: Json) -> tuple[bool, Json, str]:
        began = time.perf_counter()
        answer = await self._send(verb, arguments)
        milliseconds = (time.perf_counter() - began) * 1000
        self.transcript.call(verb, shown, milliseconds, typical=self._typical)
        self._typical = True
        return answer

    async def _send(self, verb: str, arguments: Json) -> tuple[bool, Json, str]:
        room = {"max_tokens": 20_000} if verb == "recall" else {}
        result = await self.client.call_tool(verb, {"explain": True, **room, **arguments})
        text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
        return bool(result.is_error), result.structured_content or {}, text
