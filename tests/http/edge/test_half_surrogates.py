"""Half of a surrogate pair, which JSON can spell and Unicode does not have, in every place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.http_server import Served, message, tool
from tests.support.raw_http import Answer, ask, json_headers, request

INVALID_PARAMS, NEWER = -32602, "2026-07-28"
CLIENT: dict[str, Any] = {"protocolVersion": "2025-11-25", "capabilities": {}}
ERAS: dict[str, dict[str, Any]] = {
    "older": {},
    "newer": {"_meta": {"io.modelcontextprotocol/protocolVersion": NEWER}},
}
HALVES = ("\ud800", "\udfff", "a\ud83db", "\udc00\ud800", "\U0001f600\ude00")


@pytest.fixture
def server(unharmed: Served) -> Served:
    """A server for everybody on this machine, which each test must leave unharmed."""
    return unharmed


def sent(server: Served, body: dict[str, Any], *more: tuple[str, str]) -> Answer:
    return ask(server, request(server, json.dumps(body).encode(), headers=json_headers(*more)))


@pytest.mark.parametrize("half", HALVES, ids=ascii)
@pytest.mark.parametrize("era", ERAS)
def test_an_id_with_half_a_pair_is_refused_and_given_back(
    server: Served, era: str, half: str
) -> None:
    for method in ("ping", "tools/list", "no/such"):
        answer = sent(server, message(method, ERAS[era], id_=half))
        assert answer.status == 400
        assert answer.json()["id"] == half
        assert answer.json()["error"]["code"] == INVALID_PARAMS
        assert answer.json()["error"]["message"].startswith("id: got '")


@pytest.mark.parametrize("half", HALVES, ids=ascii)
@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("initialize", {**CLIENT, "clientInfo": {"name": "HALF"}}, "clientInfo.name"),
        ("tools/call", {"name": "HALF", "arguments": {}}, "name"),
        ("tools/call", {"name": "recall", "arguments": {"query": "HALF"}}, "arguments.query"),
        ("tools/call", {"name": "recall", "arguments": {"tags": ["HALF"]}}, "arguments.tags[0]"),
        ("resources/read", {"uri": "memory://memories/HALF"}, "uri"),
        ("resources/subscribe", {"uri": "memory://traces/HALF"}, "uri"),
        ("resources/list", {"cursor": "HALF"}, "cursor"),
        ("prompts/get", {"name": "with_memory", "arguments": {"tag": "HALF"}}, "arguments.tag"),
        ("prompts/get", {"name": "with_memory", "arguments": {"HALF": "x"}}, "arguments."),
        ("completion/complete", {"ref": {"type": "ref/resource", "uri": "HALF"}}, "ref.uri"),
        ("tools/list", {"_meta": {"progressToken": "HALF"}}, "_meta.progressToken"),
        ("no/such", {"a": [{"b": "HALF"}]}, "a[0].b"),
    ],
)
def test_a_text_with_half_a_pair_is_refused_by_the_name_of_its_field(
    server: Served, method: str, params: dict[str, Any], field: str, half: str
) -> None:
    filled = json.loads(json.dumps(params).replace("HALF", json.dumps(half)[1:-1]))
    answer = sent(server, message(method, filled, id_=7))
    assert answer.status == 400
    assert answer.json()["id"] == 7
    assert answer.json()["error"]["code"] == INVALID_PARAMS
    assert answer.json()["error"]["message"].startswith(f"params.{field}")
    assert "half of a surrogate pair" in answer.json()["error"]["message"]


def test_a_method_and_a_cancelled_request_are_named_too(server: Served) -> None:
    cancelled = {"requestId": "\ud800"}
    for body, field in (
        (message("\ud800"), "method"),
        ({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled}, "requestId"),
    ):
        answer = sent(server, body)
        assert answer.status == 400
        assert f"{field}: got" in answer.json()["error"]["message"]


@pytest.mark.parametrize("half", HALVES, ids=ascii)
def test_the_newer_era_lets_the_tool_say_which_argument_it_is(server: Served, half: str) -> None:
    body = tool("remember", memories=[{"content": half}, {"content": "The lamp is green"}])
    meta: dict[str, Any] = {
        **ERAS["newer"]["_meta"],
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body["params"]["_meta"] = meta
    headers = {"MCP-Protocol-Version": NEWER, "Mcp-Method": "tools/call", "Mcp-Name": "remember"}
    answer = sent(server, body, *headers.items())
    assert answer.status == 200
    said = answer.json()["result"]["content"][0]["text"]
    assert "memories[0].content: got" in said
    assert "surrogate" in said


def test_a_header_and_a_body_of_two_eras_are_refused_with_any_id(server: Served) -> None:
    older = ("MCP-Protocol-Version", "2025-11-25")
    for an_id in ("\ud800", "é", "\U0001f600", "\x00", 2**70):
        answer = sent(server, message("tools/list", ERAS["newer"], id_=an_id), older)
        assert answer.status == 400
        assert answer.json()["id"] == an_id


def test_whole_pairs_are_characters_like_any_other(server: Served) -> None:
    body = message("tools/list", id_="\U0001f600")
    assert "\\ud83d\\ude00" in json.dumps(body)
    assert sent(server, body).status == 200
