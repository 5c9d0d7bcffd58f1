"""How much one user may ask of a server, and that nobody else is the poorer for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from tests.support.http_server import Issuer, Served, bearer, served, tool
from tests.support.raw_http import (
    INITIALIZE,
    LIST,
    Answer,
    Header,
    ask,
    json_headers,
    line,
    request,
)

READS, WRITES, SESSIONS_EACH, SESSIONS_MAX, DEADLINE_S = 12, 3, 2, 3, 1
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def server(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of which one can easily ask too much."""
    limits = {
        "READS_PER_MINUTE": READS,
        "WRITES_PER_MINUTE": WRITES,
        "MEGABYTES_PER_DAY": 1,
        "SESSIONS_EACH": SESSIONS_EACH,
        "SESSIONS_MAX": SESSIONS_MAX,
    }
    values = {f"MCP_MEMORY_HTTP_{name}": str(value) for name, value in limits.items()}
    with served(tmp_path_factory.mktemp("tight") / "store", **issuer.settings(**values)) as running:
        yield running


def sent(server: Served, token: str, body: Any = LIST, *headers: Header) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = json_headers(*bearer(token).items(), *headers)
    return ask(server, request(server, content, headers=given))


def until_refused(server: Served, token: str, body: Any, most: int) -> tuple[int, Answer]:
    """How often a request was taken, and the answer that took it no more."""
    for taken in range(2 * most + 1):  # two minutes may meet in between
        answer = sent(server, token, body)
        if answer.status != 200:
            return taken, answer
    pytest.fail("nothing was ever refused")


@pytest.mark.parametrize(
    ("body", "most", "other"),
    [
        (tool("recall"), READS, tool("remember", memories="Ants dig")),
        (tool("remember", memories="Ants dig"), WRITES, tool("recall")),
    ],
    ids=["reads", "writes"],
)
def test_too_many_requests_are_told_when_to_come_again_and_cost_nobody_else(
    server: Served, issuer: Issuer, body: Any, most: int, other: Any
) -> None:
    user = f"busy-{most}"
    taken, answer = until_refused(server, issuer.token("acme", user), body, most)
    assert most <= taken <= 2 * most
    assert answer.status == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.json()["id"] == body["id"]
    assert sent(server, issuer.token("acme", user), other).status == 200, "the others go on"
    assert sent(server, issuer.token("acme", user, client_id="x"), body).status == 429
    assert sent(server, issuer.token("acme", f"{user}-else"), body).status == 200
    assert sent(server, issuer.token("umbrella", user), body).status == 200


def test_what_is_free_counts_as_a_read(server: Served, issuer: Issuer) -> None:
    taken, answer = until_refused(server, issuer.token("acme", "lister"), LIST, READS)
    assert READS <= taken <= 2 * READS
    assert answer.status == 429


def test_a_user_may_send_so_many_megabytes_a_day(server: Served, issuer: Issuer) -> None:
    token, spare = issuer.token("acme", "talker"), MEBIBYTE - len(LIST)
    assert sent(server, token, LIST + b" " * spare).status == 200
    answer = sent(server, token)
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 60
    assert b"1 MB a day" in answer.body
    assert sent(server, issuer.token("acme", "listener")).status == 200


@pytest.mark.parametrize(
    ("permission", "body", "status"),
    [
        ("memory:read", tool("remember", memories="Ants dig"), 200),
        ("memory:read", b"{" + b" " * 1000, 400),
        ("", tool("recall"), 200),
    ],
    ids=["may not write", "no JSON", "may nothing"],
)
def test_what_is_refused_counts_too(
    server: Served, issuer: Issuer, permission: str, body: Any, status: int
) -> None:
    token = issuer.token("acme", f"refused-{permission}-{status}", permission)
    answers = [sent(server, token, body) for _ in range(2 * READS + 1)]
    assert {answer.status for answer in answers} == {status, 429}
    assert all(answer.status == status for answer in answers[:READS])


@pytest.mark.parametrize("is_chunked", [False, True])
def test_bytes_are_counted_of_what_is_refused_and_then_not_read_any_more(
    server: Served, issuer: Issuer, is_chunked: bool
) -> None:
    user = issuer.token("acme", f"wasteful-{is_chunked}")
    headers, junk = [*json_headers(), *bearer(user).items()], b"x" * (MEBIBYTE - 1)
    if is_chunked:
        junk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(junk), junk)
    chunked = [("Transfer-Encoding", "chunked")] * is_chunked
    first = ask(server, request(server, junk, headers=[*headers, *chunked]))
    assert first.status == 400
    with line(server) as connection:
        connection.send(request(server, headers=[*headers, ("Content-Length", "2")]))
        assert connection.read().status == 429, "before anything of it was sent"


def test_bytes_that_are_on_their_way_are_counted_already(server: Served, issuer: Issuer) -> None:
    headers = [*json_headers(), *bearer(issuer.token("acme", "parallel")).items()]
    headers += [("Content-Length", str(MEBIBYTE)), ("Expect", "100-continue")]
    with line(server) as first, line(server) as second:
        first.send(request(server, headers=headers))
        assert first.head().status == 100, "the server waits for its body"
        second.send(request(server, headers=headers))
        assert second.head().status == 429


def test_who_opens_too_many_sessions_loses_the_one_unused_for_longest(
    server: Served, issuer: Issuer
) -> None:
    def opened(user: str) -> Answer:
        return sent(server, issuer.token("acme", user), INITIALIZE)

    def status(user: str, answer: Answer) -> int:
        session = ("Mcp-Session-Id", answer.headers["mcp-session-id"])
        return sent(server, issuer.token("acme", user), LIST, session).status

    first, second = opened("opener"), opened("opener")
    assert status("opener", first) == 200
    third = opened("opener")
    assert [status("opener", session) for session in (first, second, third)] == [200, 404, 200]
    assert opened("another").status == 200
    full = opened("a-third")
    assert full.status == 503
    assert int(full.headers["retry-after"]) > 0
    assert "mcp-session-id" not in full.headers
    assert opened("opener").status == 200, "who has sessions gives one of them up"
    assert sent(server, issuer.token("acme", "a-third")).status == 200, "and needs none"


def test_who_opens_too_many_streams_is_told_so(server: Served, issuer: Issuer) -> None:
    def open_stream(user: str) -> Answer:
        headers = list(bearer(issuer.token("acme", user)).items())
        connection = stack.enter_context(line(server))
        connection.send(request(server, method="GET", path="/sse", headers=headers))
        return connection.head()

    with ExitStack() as stack:
        assert [open_stream("watcher").status for _ in range(SESSIONS_EACH + 1)] == [200, 200, 429]
        assert open_stream("guard").status == 200
        full = open_stream("late")
        assert full.status == 503
        assert int(full.headers["retry-after"]) > 0


def test_what_takes_longer_than_the_deadline_leaves_nothing_behind(
    issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    long = " ".join(f"word{n}" for n in range(400))
    batches = [
        tool("remember", memories=[{"content": f"{b} {n} {long}", "tags": [b]} for n in range(50)])
        for b in ("a", "b", "c", "d")
    ]
    settings = issuer.settings(MCP_MEMORY_HTTP_DEADLINE_SECONDS=str(DEADLINE_S))
    token = issuer.token("acme", "ana")
    home = tmp_path_factory.mktemp("deadline") / "store"
    with served(home, **settings) as server, ThreadPoolExecutor(len(batches)) as threads:
        answers = list(threads.map(partial(sent, server, token), batches))
        given_up = [b"nothing was stored; try again later" in answer.body for answer in answers]
        for name, answer, is_given_up in zip("abcd", answers, given_up, strict=True):
            found = sent(server, token, tool("recall", tags=[name], limit=50)).body
            assert found.count(long.encode()) in ((0,) if is_given_up else (50, 100)), name
            assert is_given_up or b'"status":"stored"' in answer.body
    assert any(given_up), "four batches of this size take longer than a second"
