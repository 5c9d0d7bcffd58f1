"""Recalled text as one block that a prompt can hold, within a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from mcp_memory.model import Memory
from mcp_memory.service.times import short
from mcp_memory.text import fence

CountTokens = Callable[[str], int]

_LINE_TOKENS = 38
"""What a line costs beside its content and key; most of it is the id."""
_SINGLE = re.compile(r"[^\w\s]|\d")
CUT_MARK = " … [cut]"


def fenced(memories: Iterable[Memory], heading: str) -> str:
    """The memories as one block of data; "" when there are none."""
    return fence((memory_line(memory) for memory in memories), heading)


def memory_line(memory: Memory) -> str:
    """One memory on one line: what it says, then type, day and id."""
    content = memory.content.replace("\n", "\n  ")
    named = f"{memory.key}: {content}" if memory.key else content
    return f"- {named} · {memory.type} {short(memory.valid_from)} · {memory.id}"


def within_budget(
    memories: Sequence[Memory], tokens_max: int, count: CountTokens
) -> tuple[list[Memory], int]:
    """As many memories, in order, as fit; and how many did not.

    A memory is whole or not there. Only a first one that is by itself too long is cut to
    the budget and says so.
    """
    if sum(map(_tokens_most, memories)) <= tokens_max:
        return list(memories), 0
    kept: list[Memory] = []
    left = tokens_max
    for memory in memories:
        tokens = count(memory.content) + count(memory.key) + _LINE_TOKENS
        if tokens > left and not kept:
            kept.append(_cut(memory, tokens_max, count))
            left = 0
        elif tokens <= left:
            kept.append(memory)
            left -= tokens
    return kept, len(memories) - len(kept)


def _tokens_most(memory: Memory) -> int:
    """What a line costs at the most, without counting: three bytes of letters make a word
    piece (in English five do), and a digit or a sign may be one by itself."""
    said = f"{memory.key} {memory.content}"
    return len(said.encode()) // 3 + len(_SINGLE.findall(said)) + _LINE_TOKENS


def _cut(memory: Memory, tokens_max: int, count: CountTokens) -> Memory:
    room = max(1, tokens_max - count(CUT_MARK) - count(memory.key) - _LINE_TOKENS)
    content = memory.content
    while content and (tokens := count(content)) > room:
        content = content[: min(len(content) - 1, len(content) * room // tokens)]
    return replace(memory, content=content.rstrip() + CUT_MARK)
