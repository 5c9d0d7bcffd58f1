"""What merges and what does not, and what a key is, through a real client."""

from __future__ import annotations

import pytest
from mcp import Client

from tests.support.mcp_client import call, remember

pytestmark = pytest.mark.anyio

TWO = [
    ("-18 °C", "18 °C"),
    ("-6 dB", "6 dB"),
    ("10⁶ rows", "106 rows"),
    ("1½", "11\u20442"),
    ("x₁₂", "x12"),
    ("if a:\n    b()\n    c()", "if a:\n    b()\nc()"),
    ("(wins - losses) / games", "wins - (losses / games)"),
    ('"null"', "null"),
    (".gitignore", "gitignore"),
    ("5!", "5."),
]


async def test_what_differs_in_what_means_something_is_stored_twice_and_a_retry_once(
    client: Client,
) -> None:
    for pair in TWO:
        ids = [await remember(client, content) for content in (*pair, *pair)]
        assert len(set(ids)) == 2
        assert ids[:2] == ids[2:]


async def test_what_is_near_is_stored_and_reported_and_what_says_the_same_merges(
    client: Client,
) -> None:
    first = await remember(client, "The crew meets at the old Pier on Tuesdays.")
    asked = [{"content": "the crew meets  at the old pier on tuesdays"}]
    (same,) = (await call(client, "remember", memories=asked))["results"]
    assert (same["id"], same["status"]) == (first, "merged")
    asked = [{"content": "The crew really meets at the old pier on Tuesdays!"}]
    (near,) = (await call(client, "remember", memories=asked))["results"]
    assert near["status"] == "stored"
    assert first in [similar["id"] for similar in near["similar"]]


async def test_a_key_is_one_slot_in_every_verb(client: Client) -> None:
    spellings = ("Ship Name", "shipname", "ship_name", "ship-name", "SHIP NAME")
    ids = {
        await remember(client, f"Ship {n}", key=key, scope="user")
        for n, key in enumerate(spellings)
    }
    assert len(ids) == 1
    for key in spellings:
        (found,) = (await call(client, "recall", key=key))["memories"]
        assert (found["key"], found["content"]) == ("Ship Name", f"Ship {len(spellings) - 1}")
        assert (await call(client, "forget", key=key))["total"] == 1
