"""What a client tells in the environment of its proxy counts for that client alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError

from mcp_memory.identity.resolver import META_SESSION, META_ZONE
from tests.support import stdio_client
from tests.support.daemon import daemon_home, proxy
from tests.support.mcp_client import ERAS, joined, read, remember

pytestmark = pytest.mark.anyio

SESSION = "CLAUDE_CODE_SESSION_ID"


async def me(client: Client, meta: Any = None) -> dict[str, Any]:
    (contents,) = (await client.read_resource("memory://me", meta=meta)).contents
    return json.loads(contents.model_dump()["text"])


@pytest.mark.parametrize("era", ERAS)
async def test_claude_code_names_its_session_in_the_environment(
    shared_home: Path, user: str, era: str
) -> None:
    async with joined(shared_home, era, {"MCP_MEMORY_USER": user, SESSION: "talk-1"}) as client:
        found = await me(client)
        assert found["caller"]["session"] == "talk-1"
        assert found["decided_by"]["session"] == SESSION
        await remember(client, "Ana: let us begin", type="episode", scope="session")
        assert "let us begin" in await read(client, "session")
        other = await me(client, {META_SESSION: "talk-2"})
        assert (other["caller"]["session"], other["decided_by"]["session"]) == ("talk-2", "_meta")


def my(server: stdio_client.Server) -> dict[str, Any]:
    answer = server.ask("resources/read", uri="memory://me")["result"]
    return json.loads(answer["contents"][0]["text"])


def session_of(server: stdio_client.Server) -> str:
    answer = server.ask("resources/read", uri="memory://session")["result"]
    return answer["contents"][0]["text"]


def test_each_client_of_a_daemon_has_the_session_and_the_zone_of_its_own(shared_home: Path) -> None:
    home = shared_home
    with (
        proxy(home, **{SESSION: "talk-1", "TZ": "Pacific/Auckland"}) as one,
        proxy(home, **{SESSION: "talk-2", "MCP_MEMORY_TIMEZONE": "America/Los_Angeles"}) as two,
        proxy(home, TZ="CET-1CEST") as three,
        proxy(home, **{SESSION: "talk-1"}) as four,
    ):
        for client in (one, two, three, four):
            client.handshake()
        found = [my(client) for client in (one, two, three)]
        assert [each["caller"]["session"] for each in found[:2]] == ["talk-1", "talk-2"]
        assert found[2]["decided_by"]["session"] == "connection"
        assert [each["timezone"] for each in found[:2]] == [
            "Pacific/Auckland",
            "America/Los_Angeles",
        ]
        told = [each["decided_by"]["timezone"] for each in found]
        assert told == ["TZ", "configuration", "system"]

        one.call("remember", memories=[{"content": "Kia ora, Ana", "scope": "session"}])
        assert "Kia ora" in session_of(four), "a session goes on in another process"
        assert "Kia ora" not in session_of(two)


def test_without_a_daemon_the_environment_is_read_too(tmp_path: Path) -> None:
    told: Any = {SESSION: "talk-1", "TZ": "Asia/Tokyo"}
    with stdio_client.server(tmp_path / "store", **told) as server:
        server.handshake()
        found = my(server)
    assert (found["caller"]["session"], found["timezone"]) == ("talk-1", "Asia/Tokyo")


def test_a_setting_that_is_no_time_zone_is_refused_by_name(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home, MCP_MEMORY_TIMEZONE="Mars/Olympus") as server:
        answer = server.ask("initialize", **stdio_client.INITIALIZE)
        if "result" in answer:  # the proxy says the handshake itself, and the refusal after it
            answer = server.ask("resources/read", uri="memory://me")
    assert "timezone (MCP_MEMORY_TIMEZONE): got 'Mars/Olympus'" in json.dumps(answer)


@pytest.mark.parametrize("era", ERAS)
async def test_the_days_of_an_answer_are_those_of_the_client(
    shared_home: Path, user: str, era: str
) -> None:
    async with joined(
        shared_home, era, {"MCP_MEMORY_USER": user, "TZ": "America/Los_Angeles"}
    ) as client:
        at = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
        await remember(client, "The ferry left from pier nine", valid_from=at.isoformat())
        arguments = {"query": "which pier did the ferry leave from?"}
        here = await client.call_tool("recall", arguments)
        assert "28 Feb 2026" in here.model_dump_json()
        away: Any = {META_ZONE: "Pacific/Auckland"}
        there = await client.call_tool("recall", arguments, meta=away)
        assert "1 Mar 2026" in there.model_dump_json()
        assert (await me(client, away))["timezone"] == "Pacific/Auckland"
        bad: Any = {META_ZONE: "Pacific"}
        refused = await client.call_tool("recall", arguments, meta=bad)
        assert refused.is_error
        assert META_ZONE in refused.model_dump_json()
        with pytest.raises(MCPError, match=META_ZONE):
            await client.read_resource("memory://me", meta=bad)
