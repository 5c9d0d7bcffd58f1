"""What models write, through a real client: taken where it is obvious, else told the form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mcp import Client

from tests.support.mcp_client import call, refusal, remember, text_of

pytestmark = pytest.mark.anyio


async def stored(client: Client, **arguments: Any) -> dict[str, Any]:
    """What became of one memory that must be stored."""
    (result,) = (await call(client, "remember", **arguments))["results"]
    assert result["status"] == "stored"
    return result


async def recalled(client: Client, **arguments: Any) -> list[str]:
    found = await call(client, "recall", **arguments)
    return [memory["content"] for memory in found["memories"]]


async def test_a_memory_needs_no_list_around_it(client: Client) -> None:
    await stored(client, text="The kiln reaches cone six", tags="pottery, kiln", type="note")
    assert await recalled(client, tags="kiln,pottery") == ["The kiln reaches cone six"]


async def test_a_duration_may_be_a_number_of_seconds_and_the_answer_says_the_end(
    client: Client,
) -> None:
    arguments = {"content": "The guest wifi is open", "expires_in": 3600}
    result = await client.call_tool("remember", arguments)
    said = text_of(result).partition("expires ")[2][:20]
    ends = datetime.fromisoformat(said)
    assert abs(ends - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=5)


async def test_keys_and_queries_may_be_numbers(client: Client) -> None:
    await stored(client, content=1138, key=42)
    assert await recalled(client, key="42") == ["1138"]
    assert await recalled(client, query=1138) == ["1138"]


async def test_null_as_a_text_is_nothing_but_for_what_is_said(client: Client) -> None:
    nothing = {"key": "null", "scope": "None", "tags": "undefined", "expires_at": "null"}
    await stored(client, memories=[{"content": "null", "type": "note", **nothing}])
    assert await recalled(client, query="null", types="null", since="None") == ["null"]


@pytest.mark.parametrize(
    "form", ["[{}]", "#{}", "`{}`", "…{}", "memory://memories/{}", "id: {}", "({})"]
)
async def test_an_id_is_found_whatever_stands_around_it(client: Client, form: str) -> None:
    memory = await remember(client, f"The form {form} names a memory")
    end, whole = form.format(memory[-8:]), form.format(memory.replace("-", ""))
    changed = await call(client, "update", id=end, importance=0.9)
    assert changed["memory"]["id"] == memory
    assert (await call(client, "forget", ids=f"{end}, {whole}"))["total"] == 1


async def test_several_ids_may_be_one_text(client: Client) -> None:
    ids = [await remember(client, f"Crate {n} is empty") for n in range(3)]
    assert (await call(client, "forget", ids=", ".join(ids)))["total"] == 3


async def test_the_good_of_a_batch_is_stored_and_the_bad_rejected(client: Client) -> None:
    memories: list[Any] = [
        "The first lamp is blue",
        {"content": "x", "type": "fakt"},
        {"text": " "},
        {"content": "The second lamp is amber", "supersedes": "deadbeef"},
        {"content": "The third lamp is grey"},
        {"content": "x", "tenant": "acme"},
        7,
    ]
    result = await client.call_tool("remember", {"memories": memories})
    text = text_of(result)
    assert not result.is_error
    assert text.startswith("2 stored, 5 rejected\n")
    for told in (
        "rejected memories[1].type: got 'fakt'; expected one of",
        "rejected memories[2].text: got ' '",
        "rejected memories[3].supersedes: no memory 'deadbeef' in your scope",
        "rejected memories[5].tenant: got 'acme'; leave this out",
        "rejected memories[6]: got 7; expected an object",
    ):
        assert told in text
    assert {"The first lamp is blue", "The third lamp is grey"} <= set(
        await recalled(client, query="lamp colours first third")
    )


async def test_a_batch_with_nothing_good_is_an_error(client: Client) -> None:
    text = await refusal(client, "remember", memories=[{"content": ""}, {"content": "x", "kye": 1}])
    assert text.startswith("2 rejected\nrejected memories[0].content")
    assert "memories[1].kye: got 1; there is no such argument (did you mean 'key'?)" in text


async def test_a_query_for_everything_is_answered_with_everything(client: Client) -> None:
    await stored(client, content="The anvil is in the shed", tags="forge", key="anvil")
    plain = await recalled(client, tags="forge")
    for query in ("*", "list all memories", "what have you saved?", "你记得什么"):
        assert await recalled(client, query=query, tags="forge") == plain
        assert await recalled(client, query=query)


async def test_forgetting_everything_is_told_how_to(client: Client) -> None:
    ways: list[dict[str, Any]] = [
        *({}, {"query": "*"}, {"query": "everything"}, {"all": True}, {"everything": True}),
        *({"ids": "all"}, {"ids": ["*"]}, {"ids": ["everything"], "erase": True}, {"id": "alles"}),
        *({"deleteAll": "yes"}, {"all": True, "erase": True}, {"ids": "all memories"}),
    ]
    for arguments in ways:
        text = await refusal(client, "forget", **arguments)
        assert "for everything give types: all of profile, preference" in text
    every = "profile, preference, task, fact, procedure, episode, summary"
    preview = await call(client, "forget", query="*", types=every)
    assert (preview["done"], bool(preview["confirm"])) == (False, True)


async def test_a_filter_of_another_type_is_told(client: Client) -> None:
    await stored(client, content="The bellows leak", metadata={"grade": 5, "by": {"who": "Ana"}})
    for metadata, told in (
        ({"grade": "5"}, 'metadata.grade: got "5", but stored is 5'),
        ({"by.who": "Ana"}, "metadata.by.who: a name is no path"),
    ):
        result = await client.call_tool("recall", {"query": "bellows", "metadata": metadata})
        assert told in text_of(result)
