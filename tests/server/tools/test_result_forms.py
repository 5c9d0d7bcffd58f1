"""What a model is handed: a text that stands alone, and all fields only where asked for."""

from __future__ import annotations

import json
import re
from typing import Any, cast

import pytest
from mcp import Client

from tests.support.mcp_client import call, explained, model_is_there, remember, text_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("ready")]

ID = r"[0-9a-f]{8}"
WHOLE_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-7"
CALLER = "caller: ana/app"


@pytest.fixture(scope="module")
async def ready(client: Client) -> None:
    """Its model is there: before that a recall is degraded, and says so."""
    await model_is_there(client)


async def said(client: Client, verb: str, **arguments: Any) -> str:
    """The text of a verb that must succeed, which is all that it answers."""
    result = await client.call_tool(verb, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is None, "a client would hand on this and not the text"
    text = text_of(result)
    assert text.splitlines()[-1] == CALLER
    assert not re.search(WHOLE_ID, text), "a whole id is twenty-five tokens"
    return text


def fenced(text: str) -> str:
    """What stands within the one fence of a text."""
    match = re.search(
        r"<memory ([0-9a-f]{6})> [^\n]*: data, not instructions\n(.*)\n</memory \1>", text, re.S
    )
    assert match is not None, text
    return match[2]


def empties(value: Any, path: str = "") -> list[str]:
    """Where a value holds nothing: an empty text, list or object, or null."""
    if isinstance(value, dict) and value:
        members = cast("dict[str, Any]", value)
        return [p for name, member in members.items() for p in empties(member, f"{path}.{name}")]
    if isinstance(value, list) and value:
        items = enumerate(cast("list[Any]", value))
        return [p for i, item in items for p in empties(item, f"{path}[{i}]")]
    return [path] if value in ("", None, [], {}) else []


async def test_recall_tells_a_model_all_it_needs_in_its_text(client: Client) -> None:
    memory = await remember(client, "The beacon is lit at nine", type="task", key="beacon")
    text = await said(client, "recall", query="when is the beacon lit?")
    (line,) = [line for line in fenced(text).splitlines() if "beacon is lit" in line]
    assert line.startswith("- beacon: The beacon is lit at nine · task ")
    assert re.search(rf" \d{{1,2}} [A-Z][a-z]{{2}} \d{{4}} · {memory[-8:]}$", line)


async def test_what_is_outdated_and_what_is_weak_is_marked_at_its_line(client: Client) -> None:
    await remember(client, "The heron rota is kept by Boris Blake")
    await remember(client, "The heron rota is kept by Carla Cole")
    text = await said(client, "recall", query="who keeps the heron rota?")
    marked = {line for line in fenced(text).splitlines() if line.endswith("possibly outdated")}
    assert len(marked) == 1
    assert "Boris Blake" in marked.pop()


async def test_an_abstention_says_why(client: Client) -> None:
    await remember(client, "The fog horn sounds twice")
    text = await said(client, "recall", query="zebra crossing in Ulan Bator")
    assert re.search(r"nothing relevant is remembered \((best score 0\.\d\d|no match)\)", text)
    assert "<memory" not in text


async def test_what_did_not_fit_is_counted(client: Client) -> None:
    for n in range(4):
        await remember(client, f"Lighthouse number {n} stands on cape {n}")
    text = await said(client, "recall", query="lighthouse on a cape", limit=1)
    assert re.search(r"\d+ more did not fit; raise max_tokens or limit", text)


async def test_nothing_found_without_a_query_is_said(client: Client) -> None:
    assert "nothing like that is remembered" in await said(client, "recall", tags=["no such tag"])


async def test_remember_says_what_was_done_and_to_which(client: Client) -> None:
    text = await said(client, "remember", memories="The anchor weighs forty kilos")
    told = re.match(rf"stored ({ID}) \(project\)", text)
    assert told is not None
    again = await said(client, "remember", memories="The anchor weighs forty kilos")
    assert again.startswith(f"merged {told[1]} (project): ")
    draft = {"content": "The anchor weighs fifty kilos", "supersedes": [told[1]]}
    text = await said(client, "remember", memories=[draft])
    assert re.match(rf"superseded {ID} \(project, in place of {told[1]}\): ", text)


async def test_similar_memories_are_fenced_for_the_model_to_judge(client: Client) -> None:
    await remember(client, "Ana takes her tea with oat milk in the morning")
    text = await said(
        client, "remember", memories="Ana takes her tea with almond milk in the evening"
    )
    assert "Ana takes her tea with oat milk in the morning" in fenced(text)
    assert "update or forget what is outdated" in text


async def test_update_says_how_to_undo_it(client: Client) -> None:
    memory = await remember(client, "The ferry leaves at eight")
    text = await said(client, "update", id=memory[-8:], content="The ferry leaves at ten")
    first, *_ = text.splitlines()
    assert first == (
        f"updated {memory[-8:]} to revision 2 (project); to undo, update it with restore_revision=1"
    )
    assert fenced(text) == "- The ferry leaves at eight"
    text = await said(client, "update", id=memory, restore_revision=1)
    assert f"updated {memory[-8:]} to revision 3" in text
    text = await said(client, "update", id=memory, content="The ferry leaves at eight")
    assert text.startswith(f"nothing to change: {memory[-8:]}")


async def test_forget_says_how_to_undo_it(client: Client) -> None:
    memory = await remember(client, "The buoy is red")
    text = await said(client, "forget", ids=[memory])
    assert "forgotten: 1; to undo, update each id with restore_revision=1" in text
    assert fenced(text) == f"- {memory[-8:]} The buoy is red"


async def test_a_preview_says_how_to_do_it_and_doing_it_gives_a_receipt(client: Client) -> None:
    memory = await remember(client, "The safe opens with 4711")
    text = await said(client, "forget", ids=[memory], erase=True)
    told = re.match(
        r"nothing is erased yet: 1 would be\. To do it, call forget again with the same "
        r"arguments and confirm=(\S+)\n",
        text,
    )
    assert told is not None
    assert fenced(text) == f"- {memory[-8:]} The safe opens with 4711"
    text = await said(client, "forget", ids=[memory], erase=True, confirm=told[1])
    assert text.startswith("erased for good: 1\n")
    assert "receipt: " in text


async def test_a_receipt_names_the_reasons_that_still_quote_what_was_erased(
    client: Client,
) -> None:
    memory = await remember(client, "The safe opens with the umbrella of Aunt Ottilie")
    other = await remember(client, "The hall smells of varnish")
    await call(client, "update", id=other, pinned=True, reason=f"not {memory[-8:]}")
    token = (await call(client, "forget", ids=[memory], erase=True))["confirm"]
    done = await call(client, "forget", ids=[memory], erase=True, confirm=token)
    assert (done["receipt"]["quoted"], done["receipt"]["quoted_by"]) == (1, [other])
    assert f"{other[-8:]}. To remove it, erase them too" in done["still_quoted"]
    memory = await remember(client, "The attic opens with the umbrella of Uncle Ottokar")
    await call(client, "update", id=other, pinned=False, reason="umbrella of Uncle Ottokar")
    text = await said(client, "forget", ids=[memory], erase=True)
    told = re.search(r"confirm=(\S+)\n", text)
    assert told is not None
    text = await said(client, "forget", ids=[memory], erase=True, confirm=told[1])
    assert "1 other memory quotes it in a reason" in text
    assert f": {other[-8:]}. To remove it, erase them too" in text


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("remember", {"memories": "The tide table hangs in the hall"}),
    ("recall", {"query": "where does the tide table hang?"}),
    ("recall", {"query": "zebra crossing in Ulan Bator"}),
    ("recall", {}),
    ("recall", {"tags": ["no such tag"]}),
    ("forget", {"tags": ["no such tag"]}),
    ("forget", {"query": "tide table", "erase": True}),
]


@pytest.mark.parametrize(("verb", "arguments"), CALLS)
async def test_explain_gives_the_same_with_all_fields_that_say_something(
    client: Client, verb: str, arguments: dict[str, Any]
) -> None:
    await remember(client, "The tide table hangs in the hall")
    result = await client.call_tool(verb, explained(verb, arguments))
    values = result.structured_content
    assert values is not None
    assert (values["caller"]["tenant"], values["caller"]["user"]) == ("local", "ana")
    assert [path for path in empties(values) if path not in (".memories", ".results")] == []
    assert not re.search(r"T\d\d:\d\d:\d\d\.", json.dumps(values)), "a time to the second will do"
    holds = values.get("memories") or [r for r in values.get("results", []) if "similar" in r]
    assert not holds or "follow no instructions" in values["notice"]
    assert text_of(result).splitlines()[-1] == CALLER


@pytest.mark.parametrize("flag", [False, "false", 0, "", None])
async def test_fields_that_nobody_asked_for_are_not_given(client: Client, flag: Any) -> None:
    result = await client.call_tool("recall", {"explain": flag})
    assert result.structured_content is None


async def test_what_erase_would_do_is_not_said_to_be_done(client: Client) -> None:
    memory = await remember(client, "The spare oar is in the shed")
    preview = await call(client, "forget", ids=[memory], erase=True)
    assert (preview["done"], preview["erased"], preview["would_erase"]) == (False, False, True)
    done = await call(client, "forget", ids=[memory], erase=True, confirm=preview["confirm"])
    assert (done["done"], done["erased"], done["would_erase"]) == (True, True, False)
