"""Recalled text as one block that a prompt can hold, within a budget of tokens."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

from mcp_memory.ids import ending
from mcp_memory.model import Memory, Trace
from mcp_memory.service.passage import best_passage
from mcp_memory.service.times import local, short
from mcp_memory.service.tokens import CountTokens
from mcp_memory.storage.codec import plain
from mcp_memory.text import fence, shown, trimmed

PASSAGE_SHARE = 4
"""Where not everything fits, no memory takes more than one part in so many of the budget."""
_LINE_TOKENS = 17
"""What a line costs beside its content and key at the most; a third of it is the id."""
_FIELDS_TOKENS = 260
"""What all fields of a memory cost beside its texts, as JSON with their names."""
_MARK_TOKENS = 12
_QUERY_CHARS_MAX = 100
_FRAME_TOKENS = 50
"""What stands around the memories: the fence with its heading, notes, the caller."""
_ENVELOPE_TOKENS = 250
"""The same as JSON: what was searched and how, the ids of the trace and the session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a memory takes of a budget of tokens: as a line and, `explained`, as JSON too."""

    count: CountTokens
    explained: bool = False

    def left(self, tokens_max: int) -> int:
        """What the memories may take of a budget for the whole answer."""
        return tokens_max - _FRAME_TOKENS - (_ENVELOPE_TOKENS if self.explained else 0)

    def of(self, memory: Memory) -> int:
        """The tokens of a memory, at the most."""
        if not self.explained:
            return self.count(memory.content) + self.around(memory)
        return 2 * self.count(_json(memory.content)) + self.around(memory)

    def around(self, memory: Memory) -> int:
        """The same for all but its content."""
        if not self.explained:
            return self.count(memory.key) + _LINE_TOKENS
        fields = [memory.tags, memory.source, plain(memory.metadata)]
        key = self.count(_json(memory.key))
        return 2 * key + self.count(_json(fields)) + _LINE_TOKENS + _FIELDS_TOKENS

    def room(self, memory: Memory, tokens_max: int) -> int:
        """The tokens that the content may have within so many for the whole memory."""
        left = tokens_max - self.around(memory) - _MARK_TOKENS
        return max(8, left // 2 if self.explained else left)

    def is_surely_within(self, memories: Iterable[Memory], tokens_max: int) -> bool:
        """Whether they fit, told without counting: a piece has a byte or more."""
        if self.explained:
            return False
        texts = sum(len(m.key.encode()) + len(m.content.encode()) + _LINE_TOKENS for m in memories)
        return texts <= tokens_max


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


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


def fenced_recalls(traces: Sequence[Trace], zone: tzinfo) -> str:
    """Recalls as one block of data, for a query is text too; "" when there are none."""
    heading = "Its recalls, newest last, each to be read as memory://traces/ID"
    return fence((recall_line(trace, zone) for trace in traces), heading)


def recall_line(trace: Trace, zone: tzinfo) -> str:
    """One recall on one line: what was asked, when, and the whole id of its trace."""
    day, time = short(trace.at, zone), local(trace.at, zone).strftime("%H:%M")
    return f"- {shown(trace.query, _QUERY_CHARS_MAX) or '(no query)'} · {day} {time} · {trace.id}"


def within_budget(
    memories: Sequence[Memory], tokens_max: int, cost: Cost, asked: Collection[str] = ()
) -> tuple[list[Memory], int]:
    """As many memories, in order, as fit; and how many did not.

    All of them whole if they fit. If not, a long one is represented by the passage that says
    most of the `asked` terms, and says that it is one; any other is whole or not there.
    """
    if cost.is_surely_within(memories, tokens_max):
        return list(memories), 0
    costs = [cost.of(memory) for memory in memories]
    if sum(costs) <= tokens_max:
        return list(memories), 0
    kept: list[Memory] = []
    left = tokens_max
    share = tokens_max // PASSAGE_SHARE if len(memories) > 1 else tokens_max
    for memory, whole in zip(memories, costs, strict=True):
        shown, takes = memory, whole
        if whole > max(share, 2 * _LINE_TOKENS):
            shown = _passage(memory, cost.room(memory, share), cost.count, asked)
            takes = cost.of(shown)
        if takes <= left:
            kept.append(shown)
            left -= takes
    return kept, len(memories) - len(kept)


def _passage(memory: Memory, room: int, count: CountTokens, asked: Collection[str]) -> Memory:
    passage = best_passage(memory.content, asked, room, count)
    whole = trimmed(memory.content)
    if passage == whole:
        return memory
    before = "" if whole.lstrip().startswith(passage.lstrip()) else "… "
    return replace(
        memory, content=f"{before}{passage} … [passage of {count(memory.content)} tokens]"
    )
