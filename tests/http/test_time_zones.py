"""Over HTTP a caller's days are those of its requests, else of the server; a session is its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.identity.resolver import META_ZONE
from tests.support.http_server import TRANSPORTS, connect, served

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"MCP_MEMORY_TIMEZONE": "Asia/Tokyo", "TZ": "Europe/Lisbon"},
            ("Asia/Tokyo", "configuration"),
        ),
        ({"TZ": "Europe/Lisbon"}, ("Europe/Lisbon", "TZ")),
    ],
)
async def test_the_days_are_those_of_the_request_else_of_the_server(
    tmp_path: Path, environ: dict[str, str], expected: tuple[str, str]
) -> None:
    told = {"CLAUDE_CODE_SESSION_ID": "of-whoever-started-it", **environ}
    with served(tmp_path / "store", **told) as server:
        for way in TRANSPORTS:
            async with connect(server, way) as client:
                found = await me(client)
                assert (found["timezone"], found["decided_by"]["timezone"]) == expected
                assert found["decided_by"]["session"] != "CLAUDE_CODE_SESSION_ID"
                there = await me(client, {META_ZONE: "Pacific/Auckland"})
                assert there["timezone"] == "Pacific/Auckland"
                assert there["decided_by"]["timezone"] == "_meta"


async def me(client: Any, meta: Any = None) -> dict[str, Any]:
    (contents,) = (await client.read_resource("memory://me", meta=meta)).contents
    return json.loads(contents.text)
