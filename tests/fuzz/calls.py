"""Calls to make: written from what a server publishes, most of them valid, some of them not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import strategies as st

from mcp_memory.identity.resolver import META_CODEX, META_PROJECT, META_SESSION
from tests.fuzz.values import Json, chosen, fitting, held, ids, nothing, sentences, spoiled, weird

NEWER = "2026-07-28"
OLDER = "2025-11-25"
PROTOCOL = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
_NAMES = ("app", "site", "s1", "/home/ana/app", "file:///srv/app", "a b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What the server says that it has."""

    tools: list[dict[str, Any]]
    prompts: list[dict[str, Any]]
    templates: list[str]
    resources: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One message, with the headers that are not as they should be.

    `version` is that of the protocol, and `session` whether one of the older era is used.
    `agrees` is what to do when the server asks something back.
    """

    body: Any
    version: str
    session: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    agrees: bool = True

    @property
    def content(self) -> bytes:
        """The body, which is sent as it is where it is bytes already."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def methods(published: Published) -> dict[str, Json]:
    """Parameters for each method of the protocol."""
    expanded = [
        st.builds(one.replace, st.just("{id}"), held("traces") if "trace" in one else ids)
        for one in published.templates
    ]
    uris = st.one_of(st.sampled_from(published.resources), *expanded)
    cursors = chosen({"cursor": st.one_of(held("cursors"), st.builds("0:{}".format, ids))})
    return {
        "tools/call": st.one_of([_tool(tool) for tool in published.tools]),
        "prompts/get": st.one_of([_prompt(prompt) for prompt in published.prompts]),
        "resources/read": st.fixed_dictionaries({"uri": uris}),
        "completion/complete": _completion(published),
        "subscriptions/listen": _listening(uris),
        "resources/subscribe": st.fixed_dictionaries({"uri": uris}),
        "resources/unsubscribe": st.fixed_dictionaries({"uri": uris}),
        "resources/list": cursors,
        "tools/list": cursors,
        "prompts/list": cursors,
        "resources/templates/list": cursors,
        "initialize": _handshake(),
        "server/discover": nothing,
        "ping": nothing,
    }


_WEIGHTS = {"tools/call": 12, "resources/read": 6, "prompts/get": 2, "completion/complete": 4}
_OF_NEWER = frozenset({"server/discover", "subscriptions/listen"})
_OF_OLDER = frozenset({"initialize", "ping", "resources/subscribe", "resources/unsubscribe"})
_UNKNOWN = (
    "logging/setLevel",
    "tasks/get",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "x",
    "rpc.a",
)


def _tool(tool: dict[str, Any]) -> Json:
    arguments = fitting(tool["inputSchema"])
    return st.fixed_dictionaries({"name": st.just(tool["name"]), "arguments": arguments})


def _prompt(prompt: dict[str, Any]) -> Json:
    names = [argument["name"] for argument in prompt["arguments"]]
    required = [part["name"] for part in prompt["arguments"] if part["required"]]
    arguments = chosen({name: fitting({"type": "string"}, name) for name in names}, required)
    return st.fixed_dictionaries({"name": st.just(prompt["name"]), "arguments": arguments})


def _completion(published: Published) -> Json:
    named = [
        ({"type": "ref/prompt", "name": prompt["name"]}, argument["name"])
        for prompt in published.prompts
        for argument in prompt["arguments"]
    ]
    named += [({"type": "ref/resource", "uri": uri}, "id") for uri in published.templates]
    values = st.one_of(st.just(""), ids, sentences, st.sampled_from(("0", "w", "re")))

    def completed(pair: tuple[dict[str, Any], str], value: str) -> dict[str, Any]:
        return {"ref": pair[0], "argument": {"name": pair[1], "value": value}}

    return st.builds(completed, st.sampled_from(named), values)


def _listening(uris: Json) -> Json:
    wanted = {name: st.booleans() for name in ("toolsListChanged", "resourcesListChanged")}
    notifications = chosen({**wanted, "resourceSubscriptions": st.lists(uris, max_size=3)})
    return st.fixed_dictionaries({"notifications": notifications})


_capabilities: Json = st.sampled_from(
    (
        *({}, {}, {}, {"elicitation": {}}),
        *({"elicitation": {"form": {}}}, {"roots": {"listChanged": True}}, {"sampling": {}}),
    )
)


def _handshake() -> Json:
    info = st.fixed_dictionaries({"name": sentences, "version": st.just("1")})
    members: dict[str, Json] = {
        "protocolVersion": st.sampled_from((OLDER, "2025-06-18", "2024-11-05", NEWER, "1")),
        "capabilities": _capabilities,
        "clientInfo": info,
    }
    return st.fixed_dictionaries(members)


_meta: Json = st.sampled_from(
    (
        *({}, {}, {"progressToken": 1}, {"progressToken": "a b"}),
        *({META_PROJECT: name} for name in _NAMES),
        *({META_SESSION: name} for name in _NAMES),
        {META_PROJECT: "app", META_SESSION: "s1"},
        {META_CODEX: {"session_id": "s1"}, "progressToken": 2},
        {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
    )
)
_request_ids = st.one_of(st.integers(), st.text(max_size=5))
_notifications: Json = st.one_of(
    st.tuples(st.just("notifications/initialized"), nothing),
    st.tuples(st.just("notifications/roots/list_changed"), nothing),
    st.tuples(
        st.just("notifications/cancelled"),
        st.fixed_dictionaries({"requestId": _request_ids, "reason": sentences}),
    ),
    st.tuples(
        st.just("notifications/progress"),
        st.fixed_dictionaries({"progressToken": _request_ids, "progress": st.integers()}),
    ),
)
_responses: Json = st.one_of(
    st.fixed_dictionaries({"result": st.one_of(nothing, weird)}),
    st.fixed_dictionaries(
        {"error": st.fixed_dictionaries({"code": st.integers(), "message": sentences})}
    ),
)
_raw = st.one_of(
    st.binary(max_size=20),
    st.sampled_from((b"\xef\xbb\xbf{}", b'{"a":"\xff"}', b"[" * 100_000, b'{"id":' + b"1" * 5000)),
    st.sampled_from((b"NaN", b'"x"', b"null", b"[]", b"{}", b"{} {}", b'{"a":1,"a":2}', b"\x00")),
    weird.map(lambda value: json.dumps(value).encode()),
)
_spoiling_headers: Json = st.dictionaries(
    st.sampled_from(("Mcp-Method", "Mcp-Name", "MCP-Protocol-Version", "Accept", "Mcp-Param-Id")),
    st.sampled_from(("", "x", "tools/call", "recall", "*/*", "application/json", OLDER, "é", "=?")),
    min_size=1,
    max_size=2,
)


_KINDS = st.sampled_from(("request",) * 16 + ("notification", "response", "unknown"))
_VERSIONS = st.sampled_from((NEWER, NEWER, OLDER, OLDER, ""))
_SPOILING = st.sampled_from(("",) * 10 + ("params",) * 4 + ("envelope", "headers"))
_SESSIONS = held("sessions")
_UNKNOWN_CALLS: Json = st.tuples(
    st.sampled_from(_UNKNOWN), st.one_of(st.just({"level": "info"}), weird)
)


class _Writer:
    """Writes messages for one server."""

    def __init__(self, published: Published) -> None:
        self._params = methods(published)
        self._names = {version: self._weighted(version) for version in (NEWER, OLDER, "")}

    def _weighted(self, version: str) -> st.SearchStrategy[str]:
        """The methods of an era by weight, and once those of the other."""
        others = _OF_OLDER if version == NEWER else _OF_NEWER
        known = [name for name in self._params if name not in others]
        weighted = [name for name in known for _ in range(2 * _WEIGHTS.get(name, 1))]
        return st.sampled_from([*weighted, *sorted(others)])

    def message(self, draw: st.DrawFn, version: str) -> dict[str, Any]:
        """A message as the protocol has it, still without what an era asks for."""
        kind = draw(_KINDS)
        if kind == "response":
            return {"jsonrpc": "2.0", "id": draw(_request_ids), **draw(_responses)}
        if kind == "notification":
            method, params = draw(_notifications)
            return {"jsonrpc": "2.0", "method": method, "params": params}
        if kind == "unknown":
            method, params = draw(_UNKNOWN_CALLS)
        else:
            method = draw(self._names[version])
            params = draw(self._params[method])
        return {"jsonrpc": "2.0", "id": draw(_request_ids), "method": method, "params": params}

    def call(self, draw: st.DrawFn) -> Call:
        """A message in an era, now and then with something about it that is wrong."""
        version = draw(_VERSIONS)
        message = self.message(draw, version)
        params = message.get("params")
        if isinstance(params, dict):
            self._add_meta(draw, version, cast("dict[str, Any]", params))
        is_first = message.get("method") == "initialize"
        spoil = draw(_SPOILING)
        if spoil == "params" and isinstance(params, dict):
            message["params"] = spoiled(draw, cast("Any", params))
        if spoil == "envelope":
            message = spoiled(draw, message)
        return Call(
            body=message,
            version=version,
            session=draw(_SESSIONS) if version == OLDER and not is_first else "",
            headers=draw(_spoiling_headers) if spoil == "headers" else {},
            agrees=draw(st.booleans()),
        )

    def valid(self, draw: st.DrawFn, version: str, method: str, params: dict[str, Any]) -> Call:
        """A call with nothing wrong about it."""
        self._add_meta(draw, version, params)
        body = {"jsonrpc": "2.0", "id": draw(_request_ids), "method": method, "params": params}
        has_session = version == OLDER and method != "initialize"
        return Call(body=body, version=version, session=draw(_SESSIONS) if has_session else "")

    def _add_meta(self, draw: st.DrawFn, version: str, params: dict[str, Any]) -> None:
        """Give the parameters what a client says beside them, and what the era asks for."""
        meta = {PROTOCOL: NEWER, CAPABILITIES: draw(_capabilities)} if version == NEWER else {}
        params["_meta"] = {**draw(_meta), **meta}


def each(published: Published) -> st.SearchStrategy[list[Call]]:
    """A valid call of each tool, prompt, resource and method, in each era that has it."""
    writer = _Writer(published)
    params = methods(published)
    one_by_one: list[tuple[str, Json]] = [
        *(("tools/call", _tool(tool)) for tool in published.tools),
        *(("prompts/get", _prompt(prompt)) for prompt in published.prompts),
        *(("resources/read", st.just({"uri": uri})) for uri in published.resources),
        *(item for item in params.items() if item[0] not in ("tools/call", "prompts/get")),
    ]

    @st.composite
    def written(draw: st.DrawFn) -> list[Call]:
        return [
            writer.valid(draw, version, method, draw(some))
            for method, some in one_by_one
            for version, others in ((NEWER, _OF_OLDER), (OLDER, _OF_NEWER))
            if method not in others
        ]

    return written()


def calls(published: Published) -> st.SearchStrategy[Call]:
    """Calls of a server, most of them valid."""
    writer = _Writer(published)
    raw = st.builds(Call, body=_raw, version=st.sampled_from((NEWER, OLDER)), session=_SESSIONS)

    @st.composite
    def written(draw: st.DrawFn) -> Call:
        is_raw = draw(st.integers(0, 29)) == 29
        return draw(raw) if is_raw else writer.call(draw)

    return written()
