"""A head that is refused before all of it was read: the client gets the answer all the same."""

from __future__ import annotations

import http.client
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.support.http_server import Served

TRIES = 5
LARGE = 1_000_000
"""Bytes, of which a server that reads 64 KiB leaves most unread."""


@pytest.fixture
def server(unharmed: Served) -> Served:
    """A server for everybody on this machine, which each test must leave unharmed."""
    return unharmed


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/mcp", {"Mcp-Name": "a" * LARGE}),
        ("/mcp", {"Mcp-Name": "=?base64?" + "YWFh" * (LARGE // 4) + "?="}),
        ("/mcp?" + "a" * LARGE, {}),
        ("/mcp", {"Authorization": "Bearer " + "a" * LARGE}),
        ("/mcp", {f"X-{n}": "a" * 1_000 for n in range(LARGE // 1_000)}),
        ("/mcp", {"X-Long": "a" * 300_000}),
    ],
    ids=["name", "encoded name", "address", "token", "many", "just over what is read at once"],
)
def test_the_refusal_of_a_large_head_can_be_read(
    server: Served, path: str, headers: dict[str, str]
) -> None:
    parts = urlsplit(server.url)
    for _ in range(TRIES):  # whether it was lost depended on what had arrived
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        with suppress(BrokenPipeError):  # the rest is not sent, but the answer is there
            connection.request("POST", path, b"{}", {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (400, b"Invalid HTTP request received.")
        connection.close()


def test_a_refused_client_that_goes_on_sending_is_let_go(server: Served) -> None:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.connect()
    assert connection.sock is not None
    connection.sock.sendall(b"rubbish\r\n\r\n")
    with pytest.raises(ConnectionError):
        while True:
            connection.sock.sendall(b"more rubbish")
    connection.close()
