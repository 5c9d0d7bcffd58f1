"""Requests put together by hand, in either protocol era and over each transport."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
from mcp.shared.inbound import NAME_BEARING_METHODS

from mcp_memory.domain.memory import NOTHING, Json
from mcp_memory.identity.resolver import META_PROJECT, META_SESSION
from tests.support.http_server import TIMEOUT_S, Served, bearer
from tests.support.mcp_client import explained

LEGACY, MODERN, SSE = "2025-11-25", "2026-07-28", "sse"
"""How a caller comes in: either era over streamable HTTP, or the older one over SSE."""
SAME = {META_PROJECT: "app", META_SESSION: "talk"}
"""Everybody says to be in the same project and conversation."""

ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NEVER_THE_SAME = re.compile(
    rf"\d{{4}}-\d\d-\d\dT[\d:.]+Z|memory [0-9a-f]{{6}}|{ID}|[0-9a-f]{{8}}-[0-9a-f]{{24}}"
    r"|\b[0-9a-f]{8}\b|\d+\.\d+|[0-9a-f]{32}"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One request: a method of the protocol, or, without one, a bare request at a path."""

    method: str = ""
    params: Json = field(default_factory=lambda: NOTHING)
    capabilities: Json = field(default_factory=lambda: NOTHING)
    verb: str = "POST"
    path: str = "/mcp"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def sent(self) -> str:
        """All that whoever asks knows already."""
        return json.dumps([dict(self.params), self.path, self.headers], ensure_ascii=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back: `challenge` is the WWW-Authenticate header."""

    status: int
    text: str
    challenge: str = ""

    @property
    def message(self) -> dict[str, Any]:
        """The JSON-RPC answer, whether it came plain or as an event; {} for none."""
        lines = self.text.splitlines()
        data = [line.removeprefix("data:") for line in lines if line.startswith("data:")]
        for text in data or ([self.text] if self.text.startswith("{") else []):
            message = json.loads(text)
            if "result" in message or "error" in message:
                return cast("dict[str, Any]", message)
        return {}

    @property
    def result(self) -> dict[str, Any]:
        """What a request gave that must succeed."""
        result = self.message.get("result")
        assert result is not None and not result.get("isError"), self.text
        return cast("dict[str, Any]", result)

    @property
    def values(self) -> dict[str, Any]:
        """The typed answer of a tool that must succeed."""
        return cast("dict[str, Any]", self.result["structuredContent"])

    def comparable(self) -> str:
        """The answer without what is never the same twice."""
        body = {**self.message, "id": 0} if self.message else self.text
        text = json.dumps(body, sort_keys=True, ensure_ascii=False)
        return f"{self.status} {self.challenge} {_NEVER_THE_SAME.sub('#', text)}"


def called(tool: str, **arguments: Any) -> Ask:
    """A call of a tool, with its typed answer."""
    return Ask(method="tools/call", params={"name": tool, "arguments": explained(tool, arguments)})


def reading(uri: str) -> Ask:
    """The reading of a resource."""
    return Ask(method="resources/read", params={"uri": uri})


class Asker:
    """One caller in one era, over streamable HTTP; of the older era with a session."""

    def __init__(self, server: Served, http: httpx2.Client, token: str, era: str) -> None:
        self._server = server
        self._http = http
        self._headers = {"Accept": "application/json, text/event-stream", **bearer(token)}
        self._is_modern = era == MODERN
        self.session = ""

    def open(self) -> Asker:
        """Begin a session, where the era has them."""
        if not self._is_modern:
            response = self._send(handshake())
            self.session = response.headers["mcp-session-id"]
            assert self(Ask(method="notifications/initialized")).status == 202
        return self

    def __call__(self, ask: Ask) -> Answer:
        """Ask, and wait for the answer; of a stream only its beginning."""
        return _answer(self._send(ask))

    def _send(self, ask: Ask) -> httpx2.Response:
        headers = {**self._headers, **self._of_era(ask), **ask.headers}
        body = self._body(ask) if ask.method else None
        url = f"{self._server.base}{ask.path}"
        with self._http.stream(ask.verb, url, json=body, headers=headers) as response:
            is_open = response.headers.get("content-type", "").startswith("text/event-stream")
            if not is_open or (ask.verb == "POST" and ask.method != "subscriptions/listen"):
                response.read()
            return response

    def _of_era(self, ask: Ask) -> dict[str, str]:
        if not self._is_modern:
            return {"Mcp-Session-Id": self.session} if self.session else {}
        headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": ask.method}
        name = NAME_BEARING_METHODS.get(ask.method)
        return {**headers, "Mcp-Name": str(ask.params[name])} if name else headers

    def _body(self, ask: Ask) -> dict[str, Any]:
        meta = {**SAME, **ask.params.get("_meta", {})}
        if self._is_modern:
            meta["io.modelcontextprotocol/protocolVersion"] = MODERN
            meta["io.modelcontextprotocol/clientInfo"] = {"name": "hand", "version": "1"}
            meta["io.modelcontextprotocol/clientCapabilities"] = dict(ask.capabilities)
        return message(ask, meta, 1)


class SseAsker:
    """One caller with an event stream."""

    def __init__(self, server: Served, http: httpx2.Client, token: str, stack: ExitStack) -> None:
        self._server = server
        self._http = http
        self._headers = bearer(token)
        stream = http.stream("GET", server.sse_url, headers=self._headers)
        self._events = _events(stack.enter_context(stream))
        self.endpoint = next(self._events)
        self._count = 0

    def open(self) -> SseAsker:
        """Shake hands."""
        assert self(handshake()).result
        self(Ask(method="notifications/initialized"))
        return self

    def __call__(self, ask: Ask) -> Answer:
        """Ask, and wait for the answer on the stream, with the notices before it."""
        self._count += 1
        path = self.endpoint if ask.path == "/mcp" else ask.path
        meta = {**SAME, **ask.params.get("_meta", {})}
        headers = {**self._headers, **ask.headers}
        url = f"{self._server.base}{path}"
        response = self._http.post(url, json=message(ask, meta, self._count), headers=headers)
        is_taken = response.status_code == 202 and path == self.endpoint
        if not is_taken or ask.method.startswith("notifications/"):
            return _answer(response)
        told: list[str] = []
        for text in self._events:
            told.append(f"data:{text}")
            if json.loads(text).get("id") == self._count:
                return Answer(status=200, text="\n".join(told))
        raise AssertionError("the stream ended")


def message(ask: Ask, meta: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The JSON-RPC message of a request or, for a notification, without an id."""
    params = {**ask.params, "_meta": dict(meta)}
    body = {"jsonrpc": "2.0", "method": ask.method, "params": params}
    return body if ask.method.startswith("notifications/") else {**body, "id": number}


def handshake() -> Ask:
    """The first request of the older era."""
    info = {"name": "hand", "version": "1"}
    params = {"protocolVersion": LEGACY, "clientInfo": info, "capabilities": {}}
    return Ask(method="initialize", params=params)


def client() -> httpx2.Client:
    """A client that keeps its connections, for any number of askers and threads."""
    limits = httpx2.Limits(max_connections=400, max_keepalive_connections=40)
    return httpx2.Client(timeout=TIMEOUT_S, limits=limits)


def _events(response: httpx2.Response) -> Iterator[str]:
    """The data of each event, as it comes."""
    for line in response.iter_lines():
        if line.startswith("data:"):
            yield line.removeprefix("data:").strip()


def _answer(response: httpx2.Response) -> Answer:
    return Answer(
        status=response.status_code,
        text=response.text if response.is_stream_consumed else "",
        challenge=response.headers.get("www-authenticate", ""),
    )
