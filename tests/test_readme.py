"""The transcripts of the tools in README.md are what the real server answers."""

from __future__ import annotations

import json
import re
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.tools import TOOLS
from tests.support import mcp_client

pytestmark = pytest.mark.anyio

README = Path(__file__).parent.parent / "README.md"
_BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"^(\w+)\((\{.*?\})\)$", re.MULTILINE | re.DOTALL)
_CONFIRM = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{24}\b")
_ID = re.compile(r"\b[0-9a-f]{8}\b")
# What is another each time, in the README as in the answer: dates, fences, who calls, counts of
# a receipt and the files of a store.
_OTHERS = (
    (re.compile(r"\b\d{1,2} [A-Z][a-z]{2} \d{4}\b"), "DAY"),
    (re.compile(r"(</?memory )[0-9a-f]{6}>"), r"\1WORD>"),
    (re.compile(r"(?m)^caller: .*$"), "caller: WHO"),
    (re.compile(r"\b\d+( (?:revision|journal entr|trace|index entr|vector)(?:s|y|ies)\b)"), r"N\1"),
    (re.compile(r"(rewritten: ).*$"), r"\1FILES"),
)


def calls(readme: str) -> list[tuple[str, dict[str, Any], str]]:
    """The calls of tools in fenced blocks, in order: tool, arguments, and what was answered."""
    found: list[tuple[str, dict[str, Any], str]] = []
    for block in _BLOCK.findall(readme):
        heads = [m for m in _CALL.finditer(block) if m[1] in {tool.name for tool in TOOLS}]
        for head, after in zip_longest(heads, heads[1:]):
            end = after.start() if after else len(block)
            found.append((head[1], json.loads(head[2]), block[head.end() : end].strip()))
    return found


def masked(text: str) -> str:
    """A text without what is another each time; ids and confirm tokens too."""
    for pattern, instead in ((_CONFIRM, "CONFIRM"), (_ID, "ID"), *_OTHERS):
        text = pattern.sub(instead, text)
    return text


async def test_the_transcripts_are_what_the_server_answers(tmp_path: Path) -> None:
    written = calls(README.read_text("utf-8"))
    assert {tool for tool, _, _ in written} == {tool.name for tool in TOOLS}
    real: dict[str, str] = {}  # by the id or token that stands for it in the README
    async with mcp_client.connect(tmp_path / "store", "auto") as client:
        for tool, arguments, expected in written:
            given = json.dumps(arguments)
            for shown, known in real.items():
                given = given.replace(f'"{shown}"', f'"{known}"')
            answer = mcp_client.text_of(await client.call_tool(tool, json.loads(given)))
            said, told = masked(expected).removesuffix("…").strip(), masked(answer)
            assert told.startswith(said) if expected.endswith("…") else told == said
            for pattern in (_CONFIRM, _ID):
                pairs = zip(pattern.findall(expected), pattern.findall(answer), strict=False)
                real.update(pairs)
