"""Forgetting somebody, through a real client: the preview, a part of it, and all of it."""

from __future__ import annotations

import pytest
from mcp import Client

from mcp_memory.domain.ids import ending
from tests.support.mcp_client import call, remember, text_of

pytestmark = pytest.mark.anyio


async def test_a_near_name_is_not_the_name_and_a_part_can_be_taken_by_ids(client: Client) -> None:
    smith = await remember(client, "Anna Smith prefers aisle seats.")
    ours = [
        await remember(client, "Anna Schmidt prefers window seats."),
        await remember(client, "The badge of Anna Schmidt has expired."),
    ]
    preview = await client.call_tool("forget", {"query": "everything about Anna Schmidt"})
    told = text_of(preview)
    assert [ending(memory) in told for memory in (*ours, smith)] == [True, True, False]
    assert "To take a part, give its ids." in told
    part = await call(client, "forget", ids=[ending(ours[1])])
    assert (part["done"], part["total"]) == (True, 1)
    again = await call(client, "forget", query="Anna Schmidt")
    assert again["total"] == 1
    done = await call(client, "forget", query="Anna Schmidt", confirm=again["confirm"])
    assert (done["done"], done["total"]) == (True, 1)
    left = text_of(await client.call_tool("recall", {"query": "Who prefers which seats?"}))
    assert "Anna Smith prefers aisle seats." in left
    assert "window seats" not in left
