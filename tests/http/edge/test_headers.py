"""Heads of requests that no honest client sends, and what the HTTP server answers to each."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.support.http_server import Served
from tests.support.raw_http import INITIALIZE, LIST, Header, ask, json_headers, line, request

EVIL = "http://evil.example"
JSON_LIKE = "application/json, text/event-stream"


@pytest.fixture
def server(unharmed: Served) -> Served:
    """A server for everybody on this machine, which each test must leave unharmed."""
    return unharmed


def filled(server: Served, text: str) -> str:
    """The text with the server's own port, and the one after it."""
    port = int(server.base.rpartition(":")[2])
    return text.format(port=port, other=port + 1)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("LocalHost:{port}", 200),
        ("[::1]:{port}", 200),
        ("", 421),
        ("127.0.0.1", 421),
        ("127.0.0.1:{other}", 421),
        ("127.0.0.1:0{port}", 421),
        ("127.0.0.1:{port}.evil.example", 421),
        ("127.0.0.1.evil.example:{port}", 421),
        ("127.0.0.1.:{port}", 421),
        ("evil.example@127.0.0.1:{port}", 421),
        ("127.0.0.1:{port}@evil.example", 421),
        ("evil.example", 421),
        ("0.0.0.0:{port}", 421),
        ("[::ffff:127.0.0.1]:{port}", 421),
        ("2130706433:{port}", 421),
        ("127.0.0.1:{port}, evil.example", 421),
        ("127.0.0.1:{port}/mcp", 421),
    ],
)
def test_only_the_servers_own_names_are_taken_for_a_host(
    server: Served, host: str, status: int
) -> None:
    assert ask(server, request(server, LIST, host=filled(server, host))).status == status


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /health HTTP/1.1", 400),
        ("GET /health HTTP/1.0", 421),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}", 400),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example", 400),
        ("GET http://evil.example/health HTTP/1.1\r\nHost: 127.0.0.1:{port}", 404),
        ("GET /health HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: 127.0.0.1:{port}", 421),
        ("GET /health HTTP/1.1\r\nHost : 127.0.0.1:{port}", 400),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n folded: yes", 400),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: a\r\n b", 400),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: a\r\n\tb: c", 400),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX:\r\n \r\nY: b", 400),
        ("GET /health HTTP/1.1\nHost: 127.0.0.1:{port}\nX: a\n b", 400),
        ("GET /health HTTP/1.1\r\n X: a\r\nHost: 127.0.0.1:{port}", 400),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: a b\tc", 200),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: a\rb", 400),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: a\x00b", 400),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nnonsense", 400),
        ("GET /he alth HTTP/1.1\r\nHost: 127.0.0.1:{port}", 400),
        ("PRI * HTTP/2.0", 421),
        ("\x16\x03\x01\x02\x00\x01", 400),
    ],
)
def test_a_head_that_is_none_is_refused(server: Served, head: str, status: int) -> None:
    data = f"{filled(server, head)}\r\nConnection: close\r\n\r\n".encode("latin-1")
    assert ask(server, data).status == status


@pytest.mark.parametrize(
    "lengths",
    [
        ["{size}, {size}"],
        ["{size},{size}"],
        ["{size}", "{size}"],
        ["{size}", "5"],
        ["{size}, 5"],
        ["{size},"],
        ["+{size}"],
        ["-1"],
        ["0x10"],
        ["{size} {size}"],
        [""],
        ["{size}.0"],
    ],
    ids=str,
)
def test_a_body_has_one_length(server: Served, lengths: list[str]) -> None:
    given = [("Content-Length", length.format(size=len(LIST))) for length in lengths]
    answer = ask(server, request(server, LIST, headers=[*json_headers(), *given]))
    assert answer.status == 400
    good = [*json_headers(), ("CONTENT-LENGTH", f" {len(LIST)} ")]
    assert ask(server, request(server, LIST, headers=good)).status == 200


def test_a_folded_line_is_refused_after_a_good_request_too(server: Served) -> None:
    folded = request(server, LIST, headers=[*json_headers(), ("X", "a\r\n b")])
    with line(server) as opened:
        opened.send(request(server, LIST) + folded)
        assert opened.read().status == 200
        assert opened.read().status == 400


@pytest.mark.parametrize(
    ("origins", "status"),
    [
        (["http://127.0.0.1:{port}"], 200),
        (["http://localhost:{port}"], 200),
        (["null"], 403),
        ([""], 403),
        (["*"], 403),
        (["http://127.0.0.1:{other}"], 403),
        (["https://127.0.0.1:{port}"], 403),
        (["http://127.0.0.1"], 403),
        (["http://127.0.0.1:{port}/"], 403),
        (["http://127.0.0.1:{port}.evil.example"], 403),
        (["http://evil.localhost:{port}"], 403),
        (["http://evil@127.0.0.1:{port}"], 403),
        (["http://127.0.0.1:{port} http://evil.example"], 403),
        (["http://127.0.0.1:{port}", "http://127.0.0.1:{port}"], 403),
        (["http://127.0.0.1:{port}", EVIL], 403),
        ([EVIL], 403),
        (["file://"], 403),
    ],
    ids=str,
)
def test_only_pages_of_the_servers_own_may_call(
    server: Served, origins: list[str], status: int
) -> None:
    headers = [*json_headers(), *(("Origin", filled(server, origin)) for origin in origins)]
    answer = ask(server, request(server, LIST, headers=headers))
    assert answer.status == status
    is_allowed = answer.headers.get("access-control-allow-origin") == filled(server, origins[0])
    assert is_allowed == (status == 200), "a browser must show the answer to nobody else"


@pytest.mark.parametrize(("origin", "status"), [("http://127.0.0.1:{port}", 200), (EVIL, 403)])
def test_a_browser_is_told_what_a_page_may_send(server: Served, origin: str, status: int) -> None:
    wanted = [
        ("Origin", filled(server, origin)),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization, mcp-session-id"),
    ]
    answer = ask(server, request(server, method="OPTIONS", headers=wanted))
    assert answer.status == status
    assert ("access-control-allow-headers" in answer.headers) == (status == 200)
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/mcp", {"GET", "POST", "DELETE"}),
        ("/sse", {"GET"}),
        ("/messages/", {"POST"}),
        ("/health", {"GET", "HEAD"}),
        ("/metrics", {"GET", "HEAD"}),
    ],
)
def test_other_methods_are_refused_with_those_that_are_allowed(
    server: Served, path: str, allowed: set[str]
) -> None:
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get"}
    for method in sorted(known - allowed):
        with line(server) as connection:
            connection.send(request(server, method=method, path=path))
            answer = connection.read(is_head=method == "HEAD")
        assert answer.status == 405, method
        assert set(answer.headers["allow"].split(", ")) == allowed


def test_head_of_a_path_of_figures_sends_no_body(server: Served) -> None:
    with line(server) as connection:
        connection.send(request(server, method="HEAD", path="/health"))
        assert connection.read(is_head=True).status == 200
        connection.send(request(server, method="GET", path="/health"))
        assert connection.read().json() == {"status": "ok"}


@pytest.mark.parametrize(
    "path",
    [
        "//mcp",
        "/MCP",
        "/x/../mcp",
        "/mcp/../health",
        "/mcp%00",
        "/mcp//",
        "/mcp;x=1",
        "/sse/",
        "/messages",
        "/.env",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/docs",
        "*",
    ],
)
def test_there_is_nothing_at_any_other_path(server: Served, path: str) -> None:
    answer = ask(server, request(server, LIST, path=path))
    assert answer.status == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize("path", ["", "/mcp"])
def test_where_nobody_needs_a_token_nothing_says_how_to_get_one(server: Served, path: str) -> None:
    metadata = f"/.well-known/oauth-protected-resource{path}"
    assert ask(server, request(server, method="GET", path=metadata, headers=[])).status == 404


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_who_comes_through_a_proxy_is_not_of_this_machine(server: Served, name: str) -> None:
    for target in (("POST", "/mcp"), ("GET", "/sse"), ("GET", "/metrics")):
        method, path = target
        headers = json_headers((name, "203.0.113.7"))
        body = LIST if method == "POST" else b""
        data = request(server, body, method=method, path=path, headers=headers)
        answer = ask(server, data)
        assert answer.status == 403, target
        assert b"token add" in answer.body


@pytest.mark.parametrize(
    ("types", "status"),
    [
        (["application/json"], 200),
        (["Application/JSON; Charset=utf-8"], 200),
        (["application/json; charset=utf-8"], 200),
        (['application/json;charset="UTF-8"'], 200),
        ([], 415),
        ([""], 415),
        (["text/plain"], 415),
        (["application/jsonx"], 415),
        (["application/json-rpc"], 415),
        (["application/json; charset=utf-16"], 415),
        (["application/json; charset=latin-1"], 415),
        (["multipart/form-data; boundary=application/json"], 415),
        (["application/x-www-form-urlencoded"], 415),
        (["text/plain; application/json"], 415),
        (["application/json, text/plain"], 415),
        (["application/json", "text/plain"], 415),
    ],
    ids=str,
)
@pytest.mark.parametrize("body", [LIST, INITIALIZE], ids=["list", "initialize"])
def test_only_json_in_utf_8_is_taken(
    server: Served, types: list[str], status: int, body: bytes
) -> None:
    headers = [("Accept", JSON_LIKE), *(("Content-Type", kind) for kind in types)]
    assert ask(server, request(server, body, headers=headers)).status == status


@pytest.mark.parametrize(
    ("codings", "status"),
    [
        (["identity"], 200),
        (["gzip"], 415),
        (["br"], 415),
        (["identity, gzip"], 415),
        (["identity", "gzip"], 415),
    ],
    ids=str,
)
def test_no_body_is_unpacked(server: Served, codings: list[str], status: int) -> None:
    headers = json_headers(*(("Content-Encoding", coding) for coding in codings))
    assert ask(server, request(server, LIST, headers=headers)).status == status


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (JSON_LIKE, 200),
        ("*/*", 200),
        ("application/*, text/*", 200),
        ("", 406),
        ("application/json", 406),
        ("text/event-stream", 406),
        ("text/html", 406),
    ],
)
def test_a_client_must_take_both_kinds_of_answer(server: Served, accept: str, status: int) -> None:
    headers = [("Content-Type", "application/json"), *([("Accept", accept)] if accept else [])]
    assert ask(server, request(server, LIST, headers=headers)).status == status


def smuggled(*headers: Header, chunked: bool = False) -> tuple[Iterable[Header], bytes]:
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(LIST), LIST) if chunked else LIST
    return json_headers(*headers), body


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (smuggled(("Transfer-Encoding", "chunked"), chunked=True), 200),
        (smuggled(("Content-Length", "5"), ("Transfer-Encoding", "chunked"), chunked=True), 400),
        (smuggled(("Transfer-Encoding", "chunked"), ("Content-Length", "5"), chunked=True), 400),
        (smuggled(("Transfer-Encoding", "gzip, chunked"), chunked=True), 400),
        (smuggled(("Transfer-Encoding", "xchunked"), chunked=True), 400),
        (smuggled(("Transfer-Encoding", "chunked, identity"), chunked=True), 400),
        (smuggled(("Transfer-Encoding", "identity")), 400),
        (smuggled(("Content-Length", "5"), ("Content-Length", "6")), 400),
        (smuggled(("Content-Length", "5, 6")), 400),
        (smuggled(("Content-Length", "-5")), 400),
        (smuggled(("Content-Length", "+5")), 400),
        (smuggled(("Content-Length", "0x5")), 400),
        (smuggled(("Content-Length", "")), 400),
        (smuggled(("Content-Length", "9" * 30)), 400),
    ],
)
def test_a_body_whose_end_is_in_doubt_ends_the_connection(
    server: Served, sent: tuple[Iterable[Header], bytes], status: int
) -> None:
    headers, body = sent
    with line(server) as connection:
        connection.send(request(server, body, headers=headers))
        assert connection.read().status == status
        if status == 400:
            assert connection.rest() == b"", "what follows must not be read as a request"


def test_two_requests_in_one_packet_get_two_answers_in_order(server: Served) -> None:
    first = request(server, LIST.replace(b'"id": 1', b'"id": "first"'))
    second = request(server, LIST.replace(b'"id": 1', b'"id": "second"'))
    with line(server) as connection:
        connection.send(first + second)
        assert b'"id":"first"' in connection.read().body
        assert b'"id":"second"' in connection.read().body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("X-Long", "x" * 30_000)], 200),
        ([("X-Mcp-Memory-Project", "x" * 30_000)], 200),
        ([("Mcp-Session-Id", "x" * 30_000)], 404),
        ([("Mcp-Session-Id", "../../etc/passwd")], 404),
    ],
    ids=["any", "project", "session", "path"],
)
def test_long_headers_do_no_harm(server: Served, headers: list[Header], status: int) -> None:
    answer = ask(server, request(server, LIST, headers=json_headers(*headers)))
    assert answer.status == status


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/mcp", [("X-Long", "x" * 1_000_000)]),
        ("/mcp", [(f"X-{n}", "y" * 90) for n in range(10_000)]),
        ("/" + "x" * 1_000_000, []),
    ],
    ids=["one", "many", "address"],
)
def test_a_head_is_not_kept_however_long_it_gets(
    server: Served, path: str, headers: list[Header]
) -> None:
    try:
        status = ask(server, request(server, path=path, headers=headers)).status
    except (ConnectionError, EOFError):  # it hung up while we were still sending
        return
    assert status == 400


def test_a_response_cannot_be_split_by_what_a_request_says(server: Served) -> None:
    for path in ("/mcp?x=%0d%0aX-Evil:%201", "/%0d%0aX-Evil:%201", "/health%0d%0aX-Evil:1"):
        headers = json_headers(("Mcp-Session-Id", "x%0d%0aX-Evil: 1"))
        assert (
            "x-evil" not in ask(server, request(server, LIST, path=path, headers=headers)).headers
        )
