"""Bodies that no honest client sends, and what the HTTP server answers to each."""

from __future__ import annotations

import json

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from mcp_memory.config.http import HttpSettings
from mcp_memory.http.admission import BODY_BYTES_MAX, DEPTH_MAX, Admission
from mcp_memory.http.rate_limits import Limiter
from tests.support.http_server import Served, tool
from tests.support.raw_http import INITIALIZE, LIST, Answer, ask, json_headers, line, request

INVALID, PARSE = -32600, -32700
HEAD, TAIL = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"x":', b"}}"


@pytest.fixture
def server(unharmed: Served) -> Served:
    """A server for everybody on this machine, which each test must leave unharmed."""
    return unharmed


def sent(server: Served, body: bytes) -> Answer:
    return ask(server, request(server, body))


def sized(size: int) -> bytes:
    return HEAD + b'"' + b"a" * (size - len(HEAD) - len(TAIL) - 2) + b'"' + TAIL


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def nested(depth: int) -> bytes:
    return HEAD + b"[" * (depth - 2) + b"]" * (depth - 2) + TAIL


def test_a_body_may_have_a_mebibyte_and_not_a_byte_more(server: Served) -> None:
    assert sent(server, sized(BODY_BYTES_MAX)).status == 200
    assert sent(server, sized(BODY_BYTES_MAX + 1)).status == 413
    in_chunks = json_headers(("Transfer-Encoding", "chunked"))
    for size, status in ((BODY_BYTES_MAX, 200), (BODY_BYTES_MAX + 1, 413)):
        data = request(server, chunked(sized(size)), headers=in_chunks)
        assert ask(server, data).status == status


def test_a_body_that_is_declared_too_large_is_not_waited_for(server: Served) -> None:
    declared = json_headers(("Content-Length", str(2**40)))
    assert ask(server, request(server, headers=declared)).status == 413


def test_a_body_shorter_than_declared_is_never_acted_on(server: Served) -> None:
    body = json.dumps(tool("remember", memories="half of a wombat")).encode()
    declared = json_headers(("Content-Length", str(len(body) + 1)))
    with line(server) as connection:
        connection.send(request(server, body, headers=declared))
        connection.hang_up()
        assert connection.rest() == b""
    assert b"half of a wombat" not in sent(server, json.dumps(tool("recall")).encode()).body


def test_what_follows_a_body_is_another_request(server: Served) -> None:
    declared = json_headers(("Content-Length", str(len(LIST))))
    with line(server) as connection:
        connection.send(request(server, LIST + b"rubbish\r\n\r\n", headers=declared))
        assert connection.read().status == 200
        assert connection.read().status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"[" * BODY_BYTES_MAX,
        b"[]" * (BODY_BYTES_MAX // 2),
        b'{"a":' * (BODY_BYTES_MAX // 5),
        b'"' * BODY_BYTES_MAX,
        b"\\" * BODY_BYTES_MAX,
        b'\\"' * (BODY_BYTES_MAX // 2),
        b'"\\' * (BODY_BYTES_MAX // 2),
        b'"' + b"\\" * (BODY_BYTES_MAX - 1),
        b'["' + b'","' * (BODY_BYTES_MAX // 3 - 2) + b'"]',
        b"-" * BODY_BYTES_MAX,
        b"9" * BODY_BYTES_MAX,
        b" " * BODY_BYTES_MAX,
    ],
    ids=lambda body: body[:5].decode(),
)
def test_a_mebibyte_of_anything_is_refused(server: Served, body: bytes) -> None:
    assert sent(server, body).status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (nested(DEPTH_MAX), 200),
        (nested(DEPTH_MAX + 1), 400),
        (nested(100_000), 400),
        (HEAD + b'{"a":' * DEPTH_MAX + b"1" + b"}" * DEPTH_MAX + TAIL, 400),
        (HEAD + b"[],[]," * 100 + TAIL, 400),
        (HEAD + b"[" + b"[]," * 9_000 + b"[]]" + TAIL, 200),
        (HEAD + b'"' + b"[{" * 10_000 + b'"' + TAIL, 200),
        (HEAD + b'"\\"' + b"[{" * 10_000 + b'"' + TAIL, 200),
        (HEAD + b'"' + b"\\\\" * 100_000 + b'"' + TAIL, 200),
        (HEAD + b'["\\\\"' + b",[" * DEPTH_MAX + b"]" * DEPTH_MAX + b"]" + TAIL, 400),
        (b"]" * 100 + b"[" * 100, 400),
    ],
    ids=range(11),
)
def test_json_may_be_nested_to_a_depth(server: Served, body: bytes, status: int) -> None:
    assert sent(server, body).status == status


@pytest.mark.parametrize(
    ("item", "count"),
    [
        ("[]", 150_000),
        ('"t"', 200_000),
        ("{}", 100_000),
        ('{"a":1}', 60_000),
        ("[1,2]", 50_000),
        ("null", 20_001),
    ],
)
@pytest.mark.parametrize("member", ["memories", "tags"])
def test_a_body_of_too_many_values_is_refused_by_their_number(
    server: Served, member: str, item: str, count: int
) -> None:
    call = json.dumps(tool("remember", **{member: 0}))
    answer = sent(server, call.replace(": 0}", f": [{','.join([item] * count)}]}}").encode())
    assert answer.status == 400
    assert answer.json()["id"] == tool("remember")["id"]
    assert "more than 20000 values" in answer.json()["error"]["message"]


def test_commas_and_brackets_within_texts_are_not_counted(server: Served) -> None:
    for text in ("a,b;" * 8_000, "[{,}]" * 6_000, '",' * 12_000):
        answer = sent(server, json.dumps(tool("recall", query=text)).encode())
        assert answer.status == 200
        assert "more than 20000" not in answer.body.decode()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", PARSE),
        (b"  \r\n", PARSE),
        (b"\xef\xbb\xbf" + LIST, PARSE),
        (LIST.decode().encode("utf-16"), PARSE),
        (LIST.decode().encode("utf-32"), PARSE),
        (HEAD + b'"\xff\xfe"' + TAIL, PARSE),
        (HEAD + b'"\xc0\xaf"' + TAIL, PARSE),
        (HEAD + b'"\xed\xa0\x80"' + TAIL, PARSE),
        (HEAD + b'"a\nb"' + TAIL, PARSE),
        (HEAD + b"9" * 5_000 + TAIL, PARSE),
        (b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping","params":[]}', INVALID),
        (LIST + LIST, PARSE),
        (LIST[:-1], PARSE),
        (b"\x1f\x8b\x08\x00", PARSE),
        (b"jsonrpc=2.0&method=ping", PARSE),
        (b"[]", INVALID),
        (b"[" + LIST + b"]", INVALID),
        (b"[" + LIST + b"," + LIST + b"]", INVALID),
        (b'"tools/list"', INVALID),
        (b"null", INVALID),
        (b"1", INVALID),
        (b"{}", INVALID),
        (b'{"id":1,"method":"ping"}', INVALID),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', INVALID),
        (b'{"jsonrpc":"2.0","id":1}', INVALID),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', INVALID),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', INVALID),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}', INVALID),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', INVALID),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', INVALID),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', INVALID),
        (b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}', INVALID),
        (b'{"jsonrpc":"2.0","id":1e999,"method":"ping"}', INVALID),
        (b'{"jsonrpc":"2.0","id":[],"method":"ping"}', INVALID),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', INVALID),
        (b'{"jsonrpc":"2.0","id":false,"result":{}}', INVALID),
        (b'{"jsonrpc":"2.0","id":true,"error":{"code":1,"message":"x"}}', INVALID),
        (b'{"jsonrpc":"2.0","id":1.5,"result":{}}', INVALID),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else value,
)
def test_what_is_no_message_is_told_so(server: Served, body: bytes, code: int) -> None:
    answer = sent(server, body)
    assert answer.status == 400
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "9" * 40, "-1", "1.5", "true"])
def test_a_number_that_is_none_is_refused_by_the_field_that_has_it(
    server: Served, value: str
) -> None:
    body = json.dumps(tool("recall", limit=0)).replace("0}", f"{value}}}")
    assert b"limit: got" in sent(server, body.encode()).body


def test_the_last_of_two_members_of_one_name_counts_for_all_readers(server: Served) -> None:
    twice = LIST.replace(b'"method": ', b'"method": "server/discover", "method": ')
    assert b'"tools":[' in sent(server, twice).body


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":"never asked","error":{"code":1,"message":"x"}}',
        b'{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}}',
        b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":[]}}',
        b'{"jsonrpc":"2.0","method":"notifications/never-heard-of"}',
    ],
)
def test_what_needs_no_answer_gets_none_and_does_nothing(server: Served, body: bytes) -> None:
    session = sent(server, INITIALIZE).headers["mcp-session-id"]
    for headers in (json_headers(), json_headers(("Mcp-Session-Id", session))):
        answer = ask(server, request(server, body, headers=headers))
        assert (answer.status, answer.body) == (202, b"")


def test_a_call_without_an_id_stores_nothing(server: Served) -> None:
    ghost = tool("remember", memories="the ghost of a wombat")
    del ghost["id"]
    assert sent(server, json.dumps(ghost).encode()).status == 202
    assert b"the ghost of a wombat" not in sent(server, json.dumps(tool("recall")).encode()).body


def test_a_client_that_goes_away_in_the_middle_leaves_others_alone(server: Served) -> None:
    data = request(server, json.dumps(tool("remember", memories="wombat " * 700)).encode())
    for end in (1, 30, data.index(b"\r\n\r\n"), data.index(b"\r\n\r\n") + 4, len(data) - 1):
        with line(server) as connection:
            connection.send(data[:end])
    with line(server) as connection:
        connection.send(data)  # it never reads the answer
    assert sent(server, LIST).status == 200


@pytest.mark.anyio
async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    answers: list[Message] = []
    waited_for = anyio.Event()

    async def never(asgi_scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("there was no body")

    async def receive() -> Message:
        waited_for.set()
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        answers.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in json_headers()]
    asgi_scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": headers}
    gate = Admission(never, Limiter(HttpSettings()), "", body_timeout_s=0.01)
    await gate(asgi_scope, receive, send)
    assert waited_for.is_set()
    assert answers[0]["status"] == 408
    assert (b"connection", b"close") in answers[0]["headers"]
