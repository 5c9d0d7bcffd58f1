"""A question in another language than the memories, through the proxy."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp.types import TextContent

from tests.support.mcp_client import ERAS, call, connect, model_is_there, remember

MEMORIES = (
    "The staging database of project Heron runs on port 5433.",
    "We rotate the signing keys every Monday.",
    "Anna prefers meetings before noon.",
    "The backup of the billing server is kept for thirty days.",
    "Leo is allergic to peanuts.",
)
QUESTIONS = (
    "На каком порту работает база проекта?",
    "Как часто меняют ключи подписи?",
    "Когда Анна любит встречаться?",
    "备份保存多久？",
    "列奥对什么过敏？",
    "Wie lange wird die Sicherung aufgehoben?",
    "Wogegen ist der Junge allergisch?",
    "Wann wechseln wir die Schlüssel?",
)


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_it_is_told_so_and_nothing_of_the_hint_is_injected(tmp_path: Path, era: str) -> None:
    async with connect(tmp_path / "home", era) as client:
        for content in MEMORIES:
            await remember(client, content)
        await model_is_there(client)
        for question in QUESTIONS:
            result = await client.call_tool("recall", {"query": question})
            (content,) = result.content
            assert isinstance(content, TextContent)
            assert "the memories are in English" in content.text, question
            assert "mcp-memory model use" in content.text
            assert "nothing relevant" not in content.text
            assert 1 <= content.text.count(" · weak") <= 3
            found = await call(client, "recall", query=question, explain=True)
            assert found["abstained"] is True
            prompt = await client.get_prompt("with_memory", {"question": question})
            said = prompt.messages[0].content
            assert isinstance(said, TextContent)
            assert not any(memory in said.text for memory in MEMORIES)
        context = str((await client.read_resource("memory://context")).contents)
        assert all(memory in context for memory in MEMORIES)
        assert "weak" not in context
