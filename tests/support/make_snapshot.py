"""Makes `proxy/snapshot.json`: what the server of this version says that is the same for all.

    python -m tests.support.make_snapshot

The server is asked over a real wire, in every protocol version that it speaks, so that the
stdio transport answers to the letter what a daemon would. A test compares them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from mcp_memory.config.settings import Settings
from mcp_memory.identity.resolver import Signals
from mcp_memory.proxy.snapshot import ANSWERS, FILE, META_VERSION, VERSIONS
from mcp_memory.runtime import Application
from mcp_memory.server.app import build
from mcp_memory.server.connection import Connection
from mcp_memory.server.middleware import of_connection
from mcp_memory.server.transport.jsonrpc import JsonRpcConnection, serve

SHARED = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
"""What is asked in both eras and answered alike to everyone, on its first page."""
_META = {
    "io.modelcontextprotocol/clientInfo": {"name": "statics", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_CLIENT = {"capabilities": {}, "clientInfo": {"name": "statics", "version": "1"}}


async def collect() -> list[dict[str, Any]]:
    """Groups of protocol versions in which the answers are the same, with the answers."""
    groups: list[dict[str, Any]] = []
    for version in (*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS):
        answers = await _answers(version)
        # What a handshake agrees on is put in by the transport.
        answers.get("initialize", {}).pop("protocolVersion", None)
        group = next((group for group in groups if group[ANSWERS] == answers), None)
        if group is None:
            groups.append({VERSIONS: [version], ANSWERS: answers})
        else:
            group[VERSIONS].append(version)
    return groups


async def _answers(version: str) -> dict[str, Any]:
    if version in MODERN_PROTOCOL_VERSIONS:
        meta = {"_meta": {**_META, META_VERSION: version}}
        return await _asked([(m, meta) for m in ("server/discover", *SHARED)])
    greeting = ("initialize", {**_CLIENT, "protocolVersion": version})
    return await _asked([greeting, *((method, {}) for method in SHARED)])


def text(groups: list[dict[str, Any]]) -> str:
    """The contents of the file."""
    return json.dumps(groups, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


async def _asked(questions: list[tuple[str, Any]]) -> dict[str, Any]:
    """The result of each request, asked in this order over one connection."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        application = Application(Settings(home=home, working_dir=home))
        server = build(application, of_connection)
        script = _Script(questions)
        known = Signals(configured_user="statics")
        await serve(server, JsonRpcConnection(script), Connection(signals=known))
        application.close()
    return script.results


class _Script:
    """A client that asks one thing after the other; see `jsonrpc.Transport`."""

    def __init__(self, questions: list[tuple[str, Any]]) -> None:
        self._questions = questions
        self._answered = anyio.Event()
        self.results: dict[str, Any] = {}
        self.request = None

    async def lines(self) -> AsyncIterator[bytes]:
        """Each request, once the one before it is answered."""
        for number, (method, params) in enumerate(self._questions):
            self._answered = anyio.Event()
            message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            yield json.dumps(message).encode()
            await self._answered.wait()
            if method == "initialize":
                yield b'{"jsonrpc":"2.0","method":"notifications/initialized"}'

    async def write(self, data: bytes) -> None:
        """Take in an answer; an error is a fault of this script."""
        answer = json.loads(data)
        self.results[self._questions[answer["id"]][0]] = answer["result"]
        self._answered.set()

    def close(self) -> None:
        """Nothing waits here."""


if __name__ == "__main__":
    Path(FILE).write_text(text(anyio.run(collect)), "utf-8")
