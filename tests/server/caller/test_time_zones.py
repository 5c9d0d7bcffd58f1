"""Times in queries and arguments, through the proxy: the days are the client's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from mcp import Client

from mcp_memory.identity.resolver import META_ZONE
from tests.support.mcp_client import ERAS, joined, remember

pytestmark = pytest.mark.anyio

FAR_EAST, FAR_WEST = "Pacific/Kiritimati", "Pacific/Pago_Pago"
"""25 hours apart: it is never the same day in both."""


async def recalled(client: Client, zone: str, **arguments: Any) -> str:
    meta: Any = {META_ZONE: zone}
    answer = await client.call_tool("recall", arguments, meta=meta)
    assert not answer.is_error, answer.content
    return answer.model_dump_json()


def first(answer: str, *words: str) -> str:
    """Which of the words comes first."""
    found = {answer.index(word): word for word in words if word in answer}
    return found[min(found)]


@pytest.mark.parametrize("era", ERAS)
async def test_today_and_yesterday_are_those_of_the_client(
    shared_home: Path, user: str, era: str
) -> None:
    async with joined(shared_home, era, {"MCP_MEMORY_USER": user}) as client:
        now = datetime.now(UTC)
        for word, at in (("apricot", now), ("banana", now - timedelta(hours=25))):
            content = f"Standup: Ben spoke about the {word}."
            await remember(client, content, type="episode", valid_from=at.isoformat())
        # Now is today everywhere; 25 hours ago is yesterday, or the day before it after midnight.
        for zone in (FAR_EAST, FAR_WEST, "America/Los_Angeles", "Asia/Kolkata"):
            today = await recalled(client, zone, query="standup today")
            assert first(today, "apricot", "banana") == "apricot"
            bare = await recalled(client, zone, query="what happened today?")
            assert "apricot" in bare
            assert "banana" not in bare
            there = (now - timedelta(hours=25)).astimezone(ZoneInfo(zone))
            named = await recalled(client, zone, query=f"standup on {there:%d.%m.%Y}")
            assert first(named, "apricot", "banana") == "banana"
            figures = await recalled(client, zone, query=f"{there:%Y-%m-%d}")
            assert first(figures, "apricot", "banana") == "banana"


@pytest.mark.parametrize("era", ERAS)
async def test_a_date_that_may_be_two_days_is_told_of(
    shared_home: Path, user: str, era: str
) -> None:
    async with joined(shared_home, era, {"MCP_MEMORY_USER": user}) as client:
        for word, at in (("apricot", "2026-04-03"), ("banana", "2026-03-04")):
            await remember(client, f"Audit: the {word} was short.", valid_from=f"{at}T12:00Z")
        answer = await recalled(client, "UTC", query="audit on 03/04/2026")
        assert "03/04/2026 may be 3 Apr 2026 or 4 Mar 2026" in answer
        assert "apricot" in answer
        assert "banana" in answer


@pytest.mark.parametrize("era", ERAS)
async def test_the_arguments_take_the_words_that_queries_take(
    shared_home: Path, user: str, era: str
) -> None:
    async with joined(shared_home, era, {"MCP_MEMORY_USER": user, "TZ": FAR_WEST}) as client:
        await remember(client, "The kettle is red", expires_at="tomorrow")
        for since in ("today", "yesterday", "last week", "2 weeks ago", "Monday", "gestern"):
            assert "kettle" in await recalled(client, FAR_EAST, since=since), since
        for until in ("yesterday", "last week", "2 weeks ago", "2001-11", "ayer"):
            assert "kettle" not in await recalled(client, FAR_WEST, until=until), until
        assert "kettle" in await recalled(client, FAR_WEST, until="today")
        for field in ("since", "until", "as_of"):
            for day in ("2026-02-30", "31.11.2026"):
                refused = await client.call_tool("recall", {field: day})
                assert refused.is_error
                assert f"{field}: got '{day}'; no calendar has such a day" in str(refused.content)
        preview = await client.call_tool("forget", {"before": "last week"})
        assert "nothing matches" in str(preview.content)


@pytest.mark.parametrize("era", ERAS)
async def test_an_end_named_by_a_day_is_the_end_of_that_day_there(
    shared_home: Path, user: str, era: str
) -> None:
    async with joined(shared_home, era, {"MCP_MEMORY_USER": user}) as client:
        ends: dict[str, str] = {}
        for zone in (FAR_EAST, FAR_WEST):
            meta: Any = {META_ZONE: zone}
            draft = {"content": f"The kettle of {zone} is red", "expires_at": "2999-12-31"}
            answer = await client.call_tool("remember", {"memories": [draft]}, meta=meta)
            assert not answer.is_error, answer.content
            ends[zone] = answer.model_dump_json().partition("expires ")[2][:20]
        assert ends == {FAR_EAST: "2999-12-31T10:00:00Z", FAR_WEST: "3000-01-01T11:00:00Z"}
