"""One client at each transport of a daemon that serves HTTP, by hand, on one event loop."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from mcp_memory.ipc import client, protocol
from mcp_memory.ipc.address import Address
from tests.benchmarks.filling import PROJECT
from tests.benchmarks.load.http import Answer, Http
from tests.benchmarks.local.stdio import WrongAnswer

OLDER, NEWER = "2025-11-25", "2026-07-28"
_INFO = {"name": "benchmark", "version": "1"}
_GREETING = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": _INFO}
_INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
_META = {
    "io.modelcontextprotocol/protocolVersion": NEWER,
    "io.modelcontextprotocol/clientInfo": _INFO,
    "io.modelcontextprotocol/clientCapabilities": {},
}
_LIMIT_BYTES = 16 * 1024 * 1024

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Guest:
    """Who comes in where: the daemon's store and its URL, and the name and token of the guest."""

    home: Path
    url: str
    tenant: str
    user: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What goes with each request over HTTP."""
        return {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/json, text/event-stream",
            "X-Mcp-Memory-Project": PROJECT,
        }


class Caller(Protocol):
    """A client that has come in and shaken hands."""

    async def ask(self, method: str, params: Json) -> Json:
        """The result of a request. Raises WrongAnswer."""
        ...

    def close(self) -> None:
        """Leave."""
        ...


class Socket:
    """Over the local socket, as the stdio proxy does."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = count(1)

    @classmethod
    async def open(cls, guest: Guest) -> Caller:
        """Greet the daemon with a user's environment, then shake hands."""
        environ = {
            "MCP_MEMORY_TENANT": guest.tenant,
            "MCP_MEMORY_USER": guest.user,
            "MCP_MEMORY_PROJECT": PROJECT,
        }
        pairs = client.identity_pairs(str(guest.home), environ)
        met = client.meet(Address(str(guest.home)), protocol.SERVE, pairs)
        if met is None:
            raise WrongAnswer("nobody listens at the socket")
        connected, verdict, text = met
        if verdict != protocol.WELCOME:
            raise WrongAnswer(f"the daemon answered: {verdict} {text}")
        own = socket.socket(fileno=connected.socket.detach())
        own.setblocking(False)
        caller = cls(*await asyncio.open_connection(sock=own, limit=_LIMIT_BYTES))
        await caller.ask("initialize", _GREETING)
        caller._send(_INITIALIZED)
        return caller

    async def ask(self, method: str, params: Json) -> Json:
        """See Caller."""
        number = next(self._numbers)
        self._send(_request(number, method, params))
        while line := await self._reader.readline():
            message = json.loads(line)
            if message.get("id") == number:
                return _result(message)
        raise WrongAnswer("the daemon has closed the connection")

    def close(self) -> None:
        """See Caller."""
        self._writer.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")


class Session:
    """Over streamable HTTP in the older era, within a session."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._numbers = count(1)
        self._headers: dict[str, str] = {}

    @classmethod
    async def open(cls, guest: Guest) -> Caller:
        """Shake hands."""
        caller = cls(Http(guest.url, guest.headers))
        message = _request(0, "initialize", _GREETING)
        answer, _ = await caller._http.post("/mcp", message, {})
        caller._headers = {
            "Mcp-Session-Id": answer.headers.get("mcp-session-id", ""),
            "MCP-Protocol-Version": OLDER,
        }
        _expect(202, await caller._http.post("/mcp", _INITIALIZED, caller._headers))
        return caller

    async def ask(self, method: str, params: Json) -> Json:
        """See Caller."""
        message = _request(next(self._numbers), method, params)
        return _result(_expect(200, await self._http.post("/mcp", message, self._headers)))

    def close(self) -> None:
        """See Caller."""
        self._http.close()


class Stateless:
    """Over streamable HTTP in the newer era, in which each request stands alone."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._numbers = count(1)

    @classmethod
    async def open(cls, guest: Guest) -> Caller:
        """Nothing to do: there is no handshake."""
        return cls(Http(guest.url, guest.headers))

    async def ask(self, method: str, params: Json) -> Json:
        """See Caller."""
        headers = {
            "MCP-Protocol-Version": NEWER,
            "Mcp-Method": method,
            "Mcp-Name": str(params.get("name") or params.get("uri")),
        }
        message = _request(next(self._numbers), method, {**params, "_meta": _META})
        return _result(_expect(200, await self._http.post("/mcp", message, headers)))

    def close(self) -> None:
        """See Caller."""
        self._http.close()


class Stream:
    """Over the older HTTP transport: one connection for the events, one for what is posted."""

    def __init__(self, stream: Http, posts: Http) -> None:
        self._stream = stream
        self._events = stream.events()
        self._posts = posts
        self._path = ""
        self._numbers = count(1)

    @classmethod
    async def open(cls, guest: Guest) -> Caller:
        """Open the stream of events, then shake hands."""
        stream, posts = [Http(guest.url, guest.headers) for _ in range(2)]
        _expect(200, (await stream.get("/sse"), b""))
        caller = cls(stream, posts)
        caller._path = (await anext(caller._events)).decode()
        await caller.ask("initialize", _GREETING)
        _expect(202, await posts.post(caller._path, _INITIALIZED, {}))
        return caller

    async def ask(self, method: str, params: Json) -> Json:
        """See Caller."""
        number = next(self._numbers)
        _expect(202, await self._posts.post(self._path, _request(number, method, params), {}))
        async for data in self._events:
            message = json.loads(data)
            if message.get("id") == number:
                return _result(message)
        raise WrongAnswer("the stream of events has ended")

    def close(self) -> None:
        """See Caller."""
        self._posts.close()
        self._stream.close()


TRANSPORTS: Mapping[str, Callable[[Guest], Awaitable[Caller]]] = {
    "socket": Socket.open,
    "HTTP, sessions": Session.open,
    "HTTP, stateless": Stateless.open,
    "SSE": Stream.open,
}
"""How to come in, by the name of the transport; the first is what the others are held against."""


def _request(number: int, method: str, params: Json) -> Json:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def _expect(status: int, answered: tuple[Answer, bytes]) -> Any:
    """The message of an answer that has this status. Raises WrongAnswer."""
    answer, body = answered
    if answer.status != status:
        raise WrongAnswer(f"HTTP {answer.status}: {body[:500]!r}")
    return json.loads(body) if body.startswith(b"{") else None


def _result(message: Any) -> Json:
    if "result" not in message:
        raise WrongAnswer(f"a request was answered: {message}")
    return message["result"]
