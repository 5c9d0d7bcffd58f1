"""Who is let in over HTTP, what the others are told, and how soon a token ends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.config import settings
from mcp_memory.domain.permissions import Permission
from mcp_memory.errors import SettingsInvalid
from mcp_memory.http.endpoint import Endpoint
from tests.support.daemon import command
from tests.support.http_server import (
    ALL,
    ISSUER,
    Issuer,
    Served,
    bearer,
    connect,
    message,
    served,
    tool,
)
from tests.support.key_server import published
from tests.support.mcp_client import call
from tests.support.raw_http import INITIALIZE, LIST, Answer, Header, ask, json_headers, request

METADATA = "/.well-known/oauth-protected-resource"
GUARDED = (("POST", "/mcp"), ("GET", "/mcp"), ("DELETE", "/mcp"), ("GET", "/sse"))
TOLD = re.compile(r'(\w+)="([^"]*)"')


@pytest.fixture(scope="module")
def server(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that takes JWTs and tokens of a file, and logs all that it ever logs."""
    home = tmp_path_factory.mktemp("both") / "store"
    with served(home, **issuer.settings(**by_file(home), MCP_MEMORY_LOG_LEVEL="info")) as running:
        yield running


def by_file(home: Path) -> dict[str, str]:
    """The setting of a file that need not be there yet."""
    return {"MCP_MEMORY_HTTP_TOKENS": str(home.with_name("tokens.json"))}


def sent(server: Served, token: str, body: Any = LIST, *headers: Header) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = json_headers(*bearer(token).items(), *headers)
    return ask(server, request(server, content, headers=given))


def challenged(answer: Answer) -> dict[str, str]:
    """What a refusal tells in its header for clients."""
    told = answer.headers["www-authenticate"]
    assert told.startswith("Bearer ")
    return dict(TOLD.findall(told))


def made(server: Served, *arguments: str) -> str:
    """A token that a person made on the command line, while the server was running."""
    return token_command(server, "add", "--user", "ana", *arguments).splitlines()[0]


def token_command(server: Served, *arguments: str) -> str:
    said = command("token", *arguments, home=server.home, **by_file(server.home))
    assert said.returncode == 0, said.stderr
    return said.stdout


@pytest.mark.parametrize(
    ("method", "path"), [*GUARDED, ("POST", "/messages/"), ("GET", "/metrics")]
)
def test_who_has_no_token_is_told_where_to_get_one(server: Served, method: str, path: str) -> None:
    answer = ask(server, request(server, method=method, path=path, headers=json_headers()))
    assert answer.status == 401
    assert challenged(answer) == {
        "scope": "memory:read memory:write",
        "resource_metadata": f"{server.base}{METADATA}/mcp",
    }


@pytest.mark.parametrize("path", [METADATA, f"{METADATA}/mcp"])
def test_the_metadata_name_this_server_and_who_issues_its_tokens(server: Served, path: str) -> None:
    answer = ask(server, request(server, method="GET", path=path, headers=[]))
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["resource"] == server.url
    assert told["authorization_servers"] == [ISSUER]
    assert told["bearer_methods_supported"] == ["header"]
    assert told["scopes_supported"] == ALL.split()


def test_health_is_for_everybody_and_says_nothing(server: Served) -> None:
    answer = ask(server, request(server, method="GET", path="/health", headers=[]))
    assert answer.json() == {"status": "ok"}


def test_a_token_that_is_wrong_is_not_let_in(
    server: Served, issuer: Issuer, tmp_path: Path
) -> None:
    good = issuer.token("acme", "ana")
    assert sent(server, good).status == 200
    wrong = [
        Issuer(tmp_path).token("acme", "ana"),
        issuer.token("acme", "ana", exp=1),
        issuer.token("acme", "ana", aud=server.base),
        issuer.token("", "ana"),
        good[:-3],
        f"{good} {good}",
        "mcpm_00000000_" + "x" * 43,
        "word",
        "x" * 20_000,
    ]
    for token in wrong:
        answer = sent(server, token)
        assert answer.status == 401, token
        assert challenged(answer)["error"] == "invalid_token"
        assert challenged(answer)["resource_metadata"] == f"{server.base}{METADATA}/mcp"


def test_one_bearer_token_in_its_header_is_the_only_way_in(server: Served, issuer: Issuer) -> None:
    token = issuer.token("acme", "ana")
    for other in (f"Basic {token}", f"Token {token}", token, "Bearer", ""):
        answer = ask(server, request(server, LIST, headers=json_headers(("Authorization", other))))
        assert answer.status in (400, 401), other
    twice = [("Authorization", f"Bearer {token}")] * 2
    answer = ask(server, request(server, LIST, headers=json_headers(*twice)))
    assert answer.status == 400
    assert challenged(answer)["error"] == "invalid_request"
    elsewhere = [("Cookie", f"access_token={token}"), ("X-Authorization", f"Bearer {token}")]
    for path in (f"/mcp?access_token={token}", f"/mcp?token={token}"):
        data = request(server, LIST, path=path, headers=json_headers(*elsewhere))
        assert ask(server, data).status == 401
    odd = json_headers(("aUTHORIZATION", f"bEaReR   {token}  "))
    assert ask(server, request(server, LIST, headers=odd)).status == 200


def as_text(name: str, **arguments: Any) -> dict[str, Any]:
    """A call whose arguments are JSON text."""
    return message("tools/call", {"name": name, "arguments": json.dumps(arguments)})


FORGET = {"ids": ["01a20000-0000-7000-8000-000000000000"]}
URI = {"uri": "memory://recent"}
NEEDED: Mapping[str, tuple[Permission, Any]] = {
    "recall": (Permission.READ, tool("recall")),
    "remember": (Permission.WRITE, tool("remember", memories="wombats dig")),
    "update": (Permission.WRITE, tool("update", id=FORGET["ids"][0], content="x")),
    "forget": (Permission.WRITE, tool("forget", **FORGET)),
    "erase": (Permission.ERASE, tool("forget", **FORGET, erase=True)),
    "erase in words": (Permission.ERASE, tool("forget", **FORGET, erase="Yes")),
    "erase as text": (Permission.ERASE, as_text("forget", **FORGET, erase=True)),
    "an unknown tool": (Permission.WRITE, tool("drop_table")),
    "read": (Permission.READ, message("resources/read", URI)),
    "subscribe": (Permission.READ, message("resources/subscribe", URI)),
    "listen": (Permission.READ, message("subscriptions/listen", {"notifications": {}})),
    "resources": (Permission.READ, message("resources/list")),
    "prompt": (Permission.READ, message("prompts/get", {"name": "with_memory"})),
    "complete": (Permission.READ, message("completion/complete")),
    "an unknown method": (Permission.READ, message("memories/dump")),
}


def refusal_of(answer: Answer) -> str:
    """What the model is told of a call that was refused."""
    assert answer.status == 200
    (message,) = re.findall(rb"^(?:data: )?({.*})\s*$", answer.body, re.MULTILINE)
    result = json.loads(message)["result"]
    assert result["isError"] is True
    return str(result["content"][0]["text"])


@pytest.mark.parametrize("deed", NEEDED)
def test_what_a_token_does_not_permit_is_told_with_the_scope_that_is_missing(
    server: Served, issuer: Issuer, deed: str
) -> None:
    needed, body = NEEDED[deed]
    others = " ".join(p.value for p in Permission if p is not needed)
    for caller in ("", others):
        answer = sent(server, issuer.token("acme", "ana", caller), body)
        if body["method"] == "tools/call":
            assert f"lacks the permission {needed.value}," in refusal_of(answer)
            continue
        assert answer.status == 403
        told = challenged(answer)
        assert (told["error"], told["scope"]) == ("insufficient_scope", needed.value)
        assert needed.value in told["error_description"]
        assert answer.json()["id"] == 1
    answer = sent(server, issuer.token("acme", "ana", needed.value), body)
    assert answer.status != 403 and b"lacks the scope" not in answer.body


def test_figures_need_their_own_scope(server: Served, issuer: Issuer) -> None:
    def figures(caller: str) -> Answer:
        headers = list(bearer(issuer.token("acme", "ana", caller)).items())
        return ask(server, request(server, method="GET", path="/metrics", headers=headers))

    refused = figures(ALL.replace(" memory:admin", ""))
    assert refused.status == 403
    assert challenged(refused)["scope"] == "memory:admin"
    assert figures("memory:admin").status == 200


def test_no_spelling_of_a_message_gets_past_its_permission(server: Served, issuer: Issuer) -> None:
    reader = issuer.token("acme", "reader", "memory:read")
    recall = json.dumps(tool("recall")["params"])
    remember = json.dumps(tool("remember", memories="wombats")["params"])
    for spelt in (
        f'"params":{recall},"params":{remember}',
        f'"params":{remember}'.replace("remember", "\\u0072emember"),
        f'"method":"ping","params":{remember},"method":"tools/call"',
    ):
        body = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call",{spelt}}}'
        assert "lacks the permission memory:write," in refusal_of(
            sent(server, reader, body.encode())
        )


def test_a_session_is_its_owner_s_alone(server: Served, issuer: Issuer) -> None:
    ana = issuer.token("acme", "ana", client_id="laptop")
    session = ("Mcp-Session-Id", sent(server, ana, INITIALIZE).headers["mcp-session-id"])
    for other in (
        issuer.token("acme", "bob", client_id="laptop"),
        issuer.token("umbrella", "ana", client_id="laptop"),
        issuer.token("acme", "ana", client_id="phone"),
    ):
        assert sent(server, other, LIST, session).status == 404
    assert sent(server, ana, LIST, session).status == 200
    less = issuer.token("acme", "ana", "memory:write", client_id="laptop")
    assert "memory:read" in refusal_of(sent(server, less, tool("recall"), session))


def test_a_token_of_the_file_opens_and_ends_without_a_restart(server: Served) -> None:
    token = made(server, "--tenant", "acme", "--note", "laptop")
    assert sent(server, token).status == 200
    assert "memory:erase" in refusal_of(sent(server, token, tool("forget", **FORGET, erase=True)))
    listed = token_command(server, "list")
    assert "laptop" in listed and token.split("_")[1] in listed
    assert token.split("_", 2)[2] not in listed
    token_command(server, "revoke", token.split("_")[1])
    assert sent(server, token).status == 401


@pytest.mark.anyio
async def test_another_token_of_the_same_user_finds_what_an_agent_has_kept(server: Served) -> None:
    """The agent is the client's name: a token that replaces another changes nothing."""
    async with connect(server, "http-legacy", made(server)) as client:
        kept = {"content": "Haiku is how I answer", "scope": "agent"}
        await call(client, "remember", memories=[kept])
    async with connect(server, "http-auto", made(server)) as client:
        (found,) = (await call(client, "recall", query="haiku"))["memories"]
        assert found["content"] == kept["content"]


def test_a_file_of_tokens_that_cannot_be_read_refuses_nobody_for_good(server: Served) -> None:
    token = made(server)
    file = server.home.with_name("tokens.json")
    good = file.read_bytes()
    file.write_bytes(b"{")
    answer = sent(server, token)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "www-authenticate" not in answer.headers
    assert str(file) not in answer.body.decode()
    file.write_bytes(good)
    assert sent(server, token).status == 200


def test_keys_are_exchanged_while_the_server_runs(server: Served, issuer: Issuer) -> None:
    old = issuer.token("acme", "ana")
    assert sent(server, old).status == 200
    issuer.rotate("k2")
    assert sent(server, issuer.token("acme", "ana")).status == 200
    assert sent(server, old).status == 401


def test_no_token_is_ever_logged(server: Served, issuer: Issuer) -> None:
    tokens = [
        made(server),
        issuer.token("acme", "ana"),
        issuer.token("acme", "ana", exp=1),
        "a-word",
    ]
    for token in tokens:
        sent(server, token)
        sent(server, token, tool("recall", query=token))
    logged = (server.home / "daemon" / "log").read_text("utf-8")
    assert "a token was refused" in logged
    for token in tokens:
        assert token not in logged
        assert token[-20:] not in logged or token == "a-word"
    assert "wombat" not in logged


def test_keys_that_cannot_be_had_refuse_nobody_for_good(issuer: Issuer, tmp_path: Path) -> None:
    with published(issuer) as endpoint:
        endpoint.status = 500
        keys = {"MCP_MEMORY_HTTP_JWT_KEYS": endpoint.url}
        with served(tmp_path / "store", **issuer.settings(**keys)) as server:
            for _ in range(3):
                answer = sent(server, issuer.token("acme", "ana"))
                assert answer.status == 503
                assert int(answer.headers["retry-after"]) > 0
                assert "www-authenticate" not in answer.headers
            assert endpoint.fetched == 1


ELSEWHERE = ["0.0.0.0:0", "[::]:0", "192.168.1.5:0", "memory.lan:0", "localhost.lan:0"]


@pytest.mark.parametrize("http", ELSEWHERE)
def test_others_are_served_only_with_tokens_and_by_a_name(tmp_path: Path, http: str) -> None:
    def enter(**given: str) -> None:
        environ = {f"MCP_MEMORY_HTTP_{name}": value for name, value in given.items()}
        Endpoint.of(settings.load(environ, home=tmp_path), http)

    with pytest.raises(SettingsInvalid, match="without authentication"):
        enter(URL="https://memory.example")
    with pytest.raises(SettingsInvalid, match="without authentication"):
        enter()
    with pytest.raises(SettingsInvalid, match="http_url: got nothing"):
        enter(TOKENS=str(tmp_path / "tokens.json"))


def test_a_server_that_others_could_reach_does_not_start_without_tokens(tmp_path: Path) -> None:
    said = command("serve", "--http", "0.0.0.0:0", home=tmp_path / "store")
    assert said.returncode == 2
    assert said.stdout == ""
    assert "without authentication only this machine may reach it" in said.stderr
    assert "mcp-memory token add" in said.stderr
    assert "Traceback" not in said.stderr
