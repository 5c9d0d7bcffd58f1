"""A token that is made while a server runs that had none of its kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.daemon import command, status
from tests.support.http_server import Issuer, Served, bearer, served
from tests.support.raw_http import INITIALIZE, LIST, Answer, Header, ask, json_headers, request

METADATA = "/.well-known/oauth-protected-resource"


def sent(server: Served, token: str, body: Any = LIST, *headers: Header) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = json_headers(*bearer(token).items(), *headers)
    return ask(server, request(server, content, headers=given))


def looked(server: Served, path: str) -> Answer:
    """What somebody without a token gets to see."""
    return ask(server, request(server, method="GET", path=path, headers=[]))


def test_the_first_token_closes_an_open_server_at_once(tmp_path: Path) -> None:
    with served(tmp_path / "store") as server:
        session = sent(server, "", json.loads(INITIALIZE)).headers["mcp-session-id"]
        assert looked(server, "/metrics").status == 200
        added = command("token", "add", "--user", "ana", home=server.home)
        token = added.stdout.strip()
        assert added.stdout == f"{token}\n", "a script can take it as it is"
        assert "local/ana" in added.stderr and "not shown again" in added.stderr
        assert token not in added.stderr
        assert sent(server, "").status == 401
        assert sent(server, "", LIST, ("Mcp-Session-Id", session)).status == 401
        assert looked(server, "/metrics").status == 401
        assert looked(server, f"{METADATA}/mcp").status == 200
        assert sent(server, token).status == 200
        assert sent(server, token, LIST, ("Mcp-Session-Id", session)).status == 404
        assert status(server.home)["needs a token"] == "yes"
        (server.home / "tokens.json").unlink()
        assert sent(server, "").status == 401, "it does not open again by itself"


def test_a_server_of_jwts_takes_the_first_token_of_the_file_at_once(
    issuer: Issuer, tmp_path: Path
) -> None:
    with served(tmp_path / "store", **issuer.settings()) as server:
        added = command("token", "add", "--user", "ana", "--tenant", "acme", home=server.home)
        assert sent(server, added.stdout.split()[0]).status == 200
        assert sent(server, issuer.token("acme", "ana")).status == 200
