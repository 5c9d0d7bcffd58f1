"""Sessions of the older era and headers of the newer, as the protocol wants them checked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.http_server import Served, message
from tests.support.raw_http import INITIALIZE, LIST, Answer, Header, ask, json_headers, request

NEWER, OLDER = "2026-07-28", "2025-11-25"
MISMATCH, INVALID_PARAMS, UNSUPPORTED, NOT_FOUND = -32020, -32602, -32022, -32601
VERSION, METHOD, NAME = "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"
SESSION = "Mcp-Session-Id"
RECALL: dict[str, Any] = {"name": "recall", "arguments": {}}


@pytest.fixture
def server(unharmed: Served) -> Served:
    """A server for everybody on this machine, which each test must leave unharmed."""
    return unharmed


def newer(
    server: Served,
    method: str,
    *headers: Header,
    params: dict[str, Any] | None = None,
    said: str = NEWER,
) -> Answer:
    """The answer to a request of the newer era with just these headers."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": said,
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = json.dumps(message(method, {**(params or {}), "_meta": meta})).encode()
    return ask(server, request(server, body, headers=json_headers(*headers)))


def in_session(server: Served, body: bytes, *headers: Header, method: str = "POST") -> Answer:
    return ask(server, request(server, body, method=method, headers=json_headers(*headers)))


def code_of(answer: Answer) -> int:
    return answer.json()["error"]["code"]


def test_a_request_of_the_newer_era_stands_alone(server: Served) -> None:
    assert newer(server, "tools/list", (VERSION, NEWER), (METHOD, "tools/list")).status == 200
    call = [(VERSION, NEWER), (METHOD, "tools/call"), (NAME, "recall")]
    answer = newer(server, "tools/call", *call, params=RECALL)
    assert answer.status == 200
    assert SESSION.lower() not in answer.headers
    encoded = [*call[:2], (NAME, "=?base64?cmVjYWxs?=")]
    assert newer(server, "tools/call", *encoded, params=RECALL).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        [(VERSION, NEWER)],
        [(VERSION, NEWER), (METHOD, "tools/call")],
        [(VERSION, NEWER), (NAME, "recall")],
        [(VERSION, NEWER), (METHOD, "tools/list"), (NAME, "recall")],
        [(VERSION, NEWER), (METHOD, "TOOLS/CALL"), (NAME, "recall")],
        [(VERSION, NEWER), (METHOD, "tools/call"), (NAME, "forget")],
        [(VERSION, NEWER), (METHOD, "tools/call"), (NAME, "=?base64?Zm9yZ2V0?=")],
        [(VERSION, NEWER), (METHOD, "tools/call"), (NAME, "=?base64?!?=")],
        [(VERSION, "2099-01-01"), (METHOD, "tools/call"), (NAME, "recall")],
        [(VERSION, OLDER), (METHOD, "tools/call"), (NAME, "recall")],
        [(METHOD, "tools/call"), (NAME, "recall")],
        [(VERSION, NEWER)] * 2 + [(METHOD, "tools/call"), (NAME, "recall")],
        [(VERSION, OLDER), (VERSION, NEWER), (METHOD, "tools/call"), (NAME, "recall")],
        [(VERSION, NEWER), (METHOD, "tools/call"), (METHOD, "tools/call"), (NAME, "recall")],
        [(VERSION, NEWER), (METHOD, "tools/call"), (NAME, "recall"), (NAME, "forget")],
        [(VERSION, NEWER), (METHOD, "tools/call"), (NAME, "forget"), (NAME, "recall")],
    ],
    ids=lambda headers: " ".join(value for _, value in headers),
)
def test_headers_that_say_something_else_than_the_body_are_refused(
    server: Served, headers: list[Header]
) -> None:
    answer = newer(server, "tools/call", *headers, params=RECALL)
    assert answer.status == 400
    assert code_of(answer) == MISMATCH


def test_a_version_that_nobody_speaks_is_refused_with_those_that_are_spoken(
    server: Served,
) -> None:
    headers = [(VERSION, "2099-01-01"), (METHOD, "tools/list")]
    answer = newer(server, "tools/list", *headers, said="2099-01-01")
    assert answer.status == 400
    assert code_of(answer) == UNSUPPORTED
    assert NEWER in answer.json()["error"]["data"]["supported"]
    assert in_session(server, LIST, (VERSION, "1999-01-01")).status == 400
    assert in_session(server, LIST, (VERSION, "nonsense")).status == 400


def test_the_newer_era_has_no_sessions_and_no_streams(server: Served) -> None:
    for method in ("GET", "DELETE"):
        answer = in_session(server, b"", (VERSION, NEWER), method=method)
        assert answer.status == 405
        assert answer.headers["allow"] == "POST"
    opening = json.loads(INITIALIZE)["params"]
    headers = [(VERSION, NEWER), (METHOD, "initialize")]
    answer = newer(server, "initialize", *headers, params=opening)
    assert answer.status == 404
    assert code_of(answer) == NOT_FOUND
    nothing = b'{"jsonrpc":"2.0","id":1,"result":{}}'
    assert in_session(server, nothing, (VERSION, NEWER)).status == 400


def test_a_newer_request_without_its_envelope_is_told_what_it_needs(server: Served) -> None:
    answer = in_session(server, LIST, (VERSION, NEWER), (METHOD, "tools/list"))
    assert answer.status == 400
    assert code_of(answer) == INVALID_PARAMS


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize("name", ["never-opened", "0" * 32, "null", " ", "a b", "%00"])
def test_a_session_that_is_none_is_not_found(server: Served, method: str, name: str) -> None:
    body = LIST if method == "POST" else b""
    answer = in_session(server, body, (SESSION, name), method=method)
    assert answer.status == (404 if name.strip() else 400)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_without_a_session_there_is_no_stream_and_nothing_to_end(
    server: Served, method: str
) -> None:
    assert in_session(server, b"", method=method).status == 400


def test_a_session_lasts_until_it_is_ended(server: Served) -> None:
    name = ask(server, request(server, INITIALIZE)).headers[SESSION.lower()]
    session = (SESSION, name)
    assert in_session(server, LIST, session).status == 200
    assert in_session(server, LIST, session, (VERSION, OLDER)).status == 200
    assert in_session(server, LIST, session, (SESSION, "another")).status == 400
    assert in_session(server, LIST, (SESSION, "another"), session).status == 400
    assert in_session(server, b"", session, method="DELETE").status in {200, 204}
    for method, body in (("POST", LIST), ("GET", b""), ("DELETE", b"")):
        assert in_session(server, body, session, method=method).status == 404


def test_a_session_that_could_not_be_opened_is_none(server: Served) -> None:
    plain = [("Content-Type", "application/json")]
    answer = ask(server, request(server, INITIALIZE, headers=plain))
    assert answer.status == 406
    assert SESSION.lower() not in answer.headers
