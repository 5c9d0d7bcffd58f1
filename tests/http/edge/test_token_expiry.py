"""What becomes of a request whose token ends while it lasts."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from mcp_memory.auth.jwks import Unavailable
from mcp_memory.auth.jwt_verifier import Refused
from mcp_memory.auth.principal import Principal
from mcp_memory.auth.token_file import Token, TokenFile
from mcp_memory.http.authentication import Authenticated, Verification
from mcp_memory.http.edge import STREAMS
from tests.support.http_server import TIMEOUT_S


@pytest.mark.anyio
async def test_a_stream_ends_soon_after_its_token(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    values = dict.fromkeys(("id", "digest", "note", "created_at", "expires_at"), "")
    token = file.add(Token(tenant="acme", user="ana", permissions=("memory:read",), **values))
    began, ended = anyio.Event(), anyio.Event()

    async def stream(asgi_scope: Scope, receive: Receive, send: Send) -> None:
        began.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    guarded = Authenticated(stream, Verification(file, None), "", check_s=0.001)
    headers = [(b"authorization", f"Bearer {token}".encode())]
    async with anyio.create_task_group() as tasks:
        asgi_scope = {"type": "http", "headers": headers, STREAMS: True}
        tasks.start_soon(guarded, asgi_scope, nothing, ignored)
        with anyio.fail_after(TIMEOUT_S):
            await began.wait()
            assert not ended.is_set()
            file.revoke(token.split("_")[1])
            await ended.wait()


@pytest.mark.anyio
async def test_a_stream_outlives_a_failure_to_verify_its_token() -> None:
    outcomes: list[Exception | None] = [
        None,
        Unavailable("a"),
        Unavailable("b"),
        None,
        Refused("c"),
    ]

    async def verify(token: str) -> Principal:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        return Principal(tenant="acme", user="ana", permissions=frozenset())

    async def stream(asgi_scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.sleep_forever()

    guarded = Authenticated(stream, verify, "", check_s=0.001)
    with anyio.fail_after(TIMEOUT_S):
        asgi_scope = {"type": "http", "headers": [(b"authorization", b"Bearer x")], STREAMS: True}
        await guarded(asgi_scope, nothing, ignored)
    assert outcomes == []


@pytest.mark.anyio
async def test_what_ends_by_itself_is_answered_though_its_token_has_ended_meanwhile() -> None:
    looked, answered = anyio.Event(), anyio.Event()

    async def verify(token: str) -> Principal:
        if began.is_set():
            looked.set()
            raise Refused("over")
        return Principal(tenant="acme", user="ana", permissions=frozenset())

    async def call(asgi_scope: Scope, receive: Receive, send: Send) -> None:
        began.set()
        await looked.wait()
        await anyio.lowlevel.checkpoint()
        answered.set()

    began = anyio.Event()
    guarded = Authenticated(call, verify, "", check_s=0.001)
    with anyio.fail_after(TIMEOUT_S):
        asgi_scope = {"type": "http", "headers": [(b"authorization", b"Bearer x")]}
        await guarded(asgi_scope, nothing, ignored)
    assert answered.is_set()


async def nothing() -> Message:
    await anyio.sleep_forever()
    raise AssertionError


async def ignored(message: Message) -> None:
    pass
