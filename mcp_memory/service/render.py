"""Recalled text as one block that a prompt can hold, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo

from mcp_memory.ids import ending
from mcp_memory.model import Memory
from mcp_memory.service.passage import CountTokens, best_passage
from mcp_memory.service.times import short
from mcp_memory.text import fence, trimmed

PASSAGE_SHARE = 4
"""Where not everything fits, no memory takes more than one part in so many of the budget."""
_LINE_TOKENS = 17
"""What a line costs beside its content and key at the most; a third of it is the id."""
_MARK_TOKENS = 12


def fenced(
    memories: Iterable[Memory],
    heading: str,
    zone: tzinfo,
    notes: Mapping[str, str] | None = None,
) -> str:
    """The memories as one block of data; "" when there are none. `notes` go by id."""
    known = notes or {}
    lines = (memory_line(memory, zone, known.get(memory.id, "")) for memory in memories)
    return fence(lines, heading)


def memory_line(memory: Memory, zone: tzinfo, note: str = "") -> str:
    """One memory on one line: what it says, then type, day and the end of its id, and a note."""
    content = trimmed(memory.content).replace("\n", "\n  ")
    named = f"{memory.key}: {content}" if memory.key else content
    line = f"- {named} · {memory.type} {short(memory.valid_from, zone)} · {ending(memory.id)}"
    return f"{line} · {note}" if note else line


def within_budget(
    memories: Sequence[Memory],
    tokens_max: int,
    count: CountTokens,
    asked: Collection[str] = (),
) -> tuple[list[Memory], int]:
    """As many memories, in order, as fit; and how many did not.

    All of them whole if they fit. If not, a long one is represented by the passage that says
    most of the `asked` terms, and says that it is one; any other is whole or not there.
    """
    if sum(map(_tokens_most, memories)) <= tokens_max:
        return list(memories), 0
    costs = [count(m.content) + count(m.key) + _LINE_TOKENS for m in memories]
    if sum(costs) <= tokens_max:
        return list(memories), 0
    kept: list[Memory] = []
    left = tokens_max
    share = tokens_max // PASSAGE_SHARE if len(memories) > 1 else tokens_max
    for memory, whole in zip(memories, costs, strict=True):
        shown, cost = memory, whole
        if whole > max(share, 2 * _LINE_TOKENS):
            shown = _passage(memory, share, count, asked)
            cost = count(shown.content) + count(memory.key) + _LINE_TOKENS
        if cost <= left:
            kept.append(shown)
            left -= cost
    return kept, len(memories) - len(kept)


def _tokens_most(memory: Memory) -> int:
    """What a line costs at the most, without counting: a piece has a byte or more."""
    return len(memory.key.encode()) + len(memory.content.encode()) + _LINE_TOKENS


def _passage(memory: Memory, tokens_max: int, count: CountTokens, asked: Collection[str]) -> Memory:
    room = max(8, tokens_max - count(memory.key) - _LINE_TOKENS - _MARK_TOKENS)
    passage = best_passage(memory.content, asked, room, count)
    whole = trimmed(memory.content)
    if passage == whole:
        return memory
    before = "" if whole.lstrip().startswith(passage.lstrip()) else "… "
    return replace(
        memory, content=f"{before}{passage} … [passage of {count(memory.content)} tokens]"
    )
