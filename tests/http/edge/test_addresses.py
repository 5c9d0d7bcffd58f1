"""Where the server answers."""

from __future__ import annotations

import pytest

from tests.support.http_server import Issuer, Served, bearer
from tests.support.raw_http import INITIALIZE, LIST, ask, json_headers, request


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_the_endpoint_is_the_same_with_a_slash(server: Served, issuer: Issuer, path: str) -> None:
    token = issuer.token("acme", "slash")
    headers = [*json_headers(), *bearer(token).items()]
    opened = ask(server, request(server, INITIALIZE, path=path, headers=headers))
    assert opened.status == 200
    session = ("Mcp-Session-Id", opened.headers["mcp-session-id"])
    answer = ask(server, request(server, LIST, path=path, headers=[*headers, session]))
    assert answer.status == 200 and b"recall" in answer.body
    challenged = ask(server, request(server, LIST, path=path, headers=json_headers()))
    assert challenged.status == 401
    assert "resource_metadata" in challenged.headers["www-authenticate"]
    ended = request(server, method="DELETE", path=path, headers=[*headers, session])
    assert ask(server, ended).status == 200


def test_the_root_says_what_this_is(server: Served) -> None:
    answer = ask(server, request(server, method="GET", path="/", headers=[]))
    assert answer.status == 200
    text = answer.body.decode()
    assert text.startswith("mcp-memory: ")
    assert f"{server.url} " in text and f"{server.sse_url} " in text
    assert len(text.splitlines()) <= 6
