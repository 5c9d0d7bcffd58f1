"""What a client sends is what it finds again, byte for byte, and it is told what had to change."""

from __future__ import annotations

import json

import pytest
from mcp import Client

from tests.support.mcp_client import call, read, remember, text_of

pytestmark = pytest.mark.anyio

SNIPPET = "    def total(self):\r\n        return sum(self.parts)\n\n"


async def stored(client: Client, memory_id: str) -> str:
    """The content of a memory as its resource gives it."""
    return json.loads(await read(client, f"memories/{memory_id}"))["content"]


async def test_a_snippet_keeps_its_indentation_and_its_line_ends(client: Client) -> None:
    memory_id = await remember(client, SNIPPET)
    assert await stored(client, memory_id) == SNIPPET
    changed = SNIPPET.replace("sum", "max")
    await client.call_tool("update", {"id": memory_id, "content": changed})
    assert await stored(client, memory_id) == changed
    recalled = text_of(await client.call_tool("recall", {"query": "def total"}))
    assert "-     def total(self):\n          return max(self.parts) · fact" in recalled


async def test_what_had_to_be_changed_is_told(client: Client) -> None:
    content = "Bell\x07 and es\u200bcape\x1b rang."
    told = "1 invisible character left out, 2 control characters made a space"
    (answer,) = (await call(client, "remember", memories=[{"content": content}]))["results"]
    assert answer["reason"] == told
    memory_id = answer["id"]
    assert await stored(client, memory_id) == "Bell  and escape  rang."
    again = {"id": memory_id, "content": f"{content} Again."}
    assert told in text_of(await client.call_tool("update", again))
    assert await stored(client, memory_id) == "Bell  and escape  rang. Again."


async def test_what_is_changed_in_other_fields_is_told(client: Client) -> None:
    fields = {
        "key": "co\x07de",
        "tags": ["a\x00b"],
        "source": "s\x02x",
        "metadata": {"m": "v\x04w"},
    }
    told = "key: 1 control character made a space; source: 1 control character made a space;"
    memories = [{"content": "The code is 7", **fields}]
    answer = text_of(await client.call_tool("remember", {"memories": memories}))
    assert told in answer
    assert "tags: 1 control character made a space; metadata: 1 control character" in answer


async def test_a_key_is_taken_away_by_an_empty_one_alone(client: Client) -> None:
    memory_id = await remember(client, "Kiln at 900", key="kiln")
    filled_in = {"id": memory_id, "key": "", "type": "", "content": "", "pinned": True}
    kept = text_of(await client.call_tool("update", filled_in))
    assert "without its key" not in kept
    assert json.loads(await read(client, f"memories/{memory_id}"))["key"] == "kiln"
    for nothing in ("null", "none", None):
        await client.call_tool("update", {"id": memory_id, "key": nothing, "importance": 0.4})
        assert json.loads(await read(client, f"memories/{memory_id}"))["key"] == "kiln"
    gone = text_of(await client.call_tool("update", {"id": memory_id, "key": "", "reason": "free"}))
    assert "without its key; to undo, update it with restore_revision=" in gone
    assert json.loads(await read(client, f"memories/{memory_id}"))["key"] == ""
    other = await remember(client, "Kiln at 950", key="kiln")
    assert json.loads(await read(client, f"memories/{other}"))["key"] == "kiln"
    both = await call(client, "recall", query="Kiln at which temperature?")
    assert {memory["id"] for memory in both["memories"]} >= {memory_id, other}
