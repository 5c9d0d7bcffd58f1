"""Who calls: anybody with a token, and those who must not notice what others do."""

from __future__ import annotations

import json
import re
from typing import Any

from mcp.shared.inbound import NAME_BEARING_METHODS, encode_header_value

from mcp_memory.server.middleware import encodable
from tests.fuzz.calls import CAPABILITIES, NEWER, PROTOCOL, Call
from tests.fuzz.connection import Answer, Line, Message
from tests.fuzz.values import members_of
from tests.support.http_server import ALL, Issuer, Served, bearer, message
from tests.support.mcp_client import explained

TELLING = ("walrus", "88z12")
"""What only the private memories of victims say."""
_PRIVATE = "The vault code of {} is walrus-88z12"
_TEAM = "The team of {} meets in room seven"


class Caller:
    """Somebody with a token, on a connection of his own."""

    def __init__(self, server: Served, token: str) -> None:
        self._line = Line(server.url)
        self._back = Line(server.url)
        self._token = bearer(token)

    def close(self) -> None:
        """Hang up."""
        self._line.close()
        self._back.close()

    def send(self, call: Call) -> Answer:
        """Make a call. See Line.send."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **self._token,
            **_headers(call),
        }

        def asked(question: Message) -> None:
            given = {"action": "accept", "content": {"forget": call.agrees, "erase": call.agrees}}
            body = {"jsonrpc": "2.0", "id": question["id"], "result": given}
            self._back.send(json.dumps(body).encode(), headers, lambda _: None)

        return self._line.send(call.content, headers, asked)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a request of the newer era, which must succeed."""
        meta: Message = {PROTOCOL: NEWER, CAPABILITIES: {}}
        body = message(method, {**params, "_meta": meta})
        answer = self.send(Call(body=body, version=NEWER))
        assert answer.result and not answer.result.get("isError"), answer.text
        return answer.result

    def tool(self, name: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers, which must succeed."""
        asked = explained(name, arguments)
        return self.ask("tools/call", name=name, arguments=asked)["structuredContent"]

    def read(self, uri: str) -> str:
        """The text of a resource."""
        return self.ask("resources/read", uri=uri)["contents"][0]["text"]


class Victim(Caller):
    """Somebody whose memories nobody else may change, and whose private ones nobody may see."""

    def __init__(self, server: Served, issuer: Issuer, tenant: str, user: str) -> None:
        super().__init__(server, issuer.token(tenant, user, ALL))
        private = {"content": _PRIVATE.format(user), "key": "vault", "tags": ["work"]}
        team = {"content": _TEAM.format(tenant), "scope": "tenant", "tags": ["work"]}
        stored = self.tool("remember", memories=[private, team])["results"]
        self.ids = [result["id"] for result in stored]
        self.trace = self.tool("recall", query="where is the vault code")["trace_id"]
        self.token: str = self.tool("forget", ids=self.ids, erase=True)["confirm"]
        self._newest, self._everything = self.newest(), self.everything()

    def newest(self) -> str:
        """What he sees of his newest memories."""
        return re.sub(r"</?memory [0-9a-f]+>", "", self.read("memory://recent"))

    def everything(self) -> list[str]:
        """Everything he sees of his memories."""
        of_ids = [f"memory://memories/{i}{part}" for i in self.ids for part in ("", "/history")]
        uris = ["memory://me", "memory://stats", *of_ids]
        return [self.read(uri) for uri in uris]

    def is_untouched(self, *, thoroughly: bool = False) -> bool:
        """Whether he sees what he saw at first."""
        is_same = not thoroughly or self.everything() == self._everything
        return is_same and self.newest() == self._newest


def _headers(call: Call) -> dict[str, str]:
    """The headers that the call's era asks for, and those that it has of its own."""
    body = members_of(call.body)
    method = str(body.get("method", ""))
    name = members_of(body.get("params")).get(NAME_BEARING_METHODS.get(method, ""))
    sent = {"MCP-Protocol-Version": call.version} if call.version else {}
    if call.session:
        sent["Mcp-Session-Id"] = call.session
    if call.version == NEWER:
        sent["Mcp-Method"] = encode_header_value(encodable(method))
    if call.version == NEWER and isinstance(name, str):
        sent["Mcp-Name"] = encode_header_value(encodable(name))
    return {**sent, **call.headers}
