"""Recalled text as one block that a prompt can hold, within a budget of tokens."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any

from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Memory, Trace
from mcp_memory.domain.text import fence, shown, trimmed
from mcp_memory.domain.times import local, short
from mcp_memory.service.recall.passage import best_passage
from mcp_memory.service.recall.token_count import CountTokens, surely_within
from mcp_memory.storage.codec import plain

PASSAGE_SHARE = 4
"""Where not everything fits, no memory takes more than one part in so many of the budget."""
_LEAST_TOKENS = 34
"""What no memory need be shortened for, however small its share."""
_FIELDS_TOKENS = 260
"""What all fields of a memory cost beside its texts, as JSON with their names."""
_MARK_TOKENS = 12
_QUERY_CHARS_MAX = 100
_FRAME_TOKENS = 50
"""What stands around the memories: the fence with its heading, how many did not fit."""
_ENVELOPE_TOKENS = 250
"""The same as JSON: what was searched and how, the ids of the trace and the session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a memory takes of a budget of tokens: as its line and, `explained`, as JSON too.

    `zone` is that of the day in the line, `notes` what it says at its end, by id.
    """

    count: CountTokens
    zone: tzinfo
    explained: bool = False
    notes: Mapping[str, str] = field(default_factory=dict[str, str])

    def left(self, tokens_max: int, *said: str) -> int:
        """What the memories may take of a budget for an answer that says this beside them."""
        frame = _FRAME_TOKENS + (_ENVELOPE_TOKENS if self.explained else 0)
        return tokens_max - frame - sum(map(self.count, said))

    def of(self, memory: Memory) -> int:
        """The tokens of a memory, at the most."""
        line = self._line(memory)
        if not self.explained:
            return self.count(line)
        texts = [memory.content, memory.key, memory.tags, memory.source, plain(memory.metadata)]
        return self.count(_json(line)) + self.count(_json(texts)) + _FIELDS_TOKENS

    def room(self, memory: Memory, tokens_max: int) -> int:
        """The tokens that the content may have within so many for the whole memory."""
        left = tokens_max - self.of(replace(memory, content="")) - _MARK_TOKENS
        return max(8, left // 2 if self.explained else left)

    def is_surely_within(self, memories: Iterable[Memory], tokens_max: int) -> bool:
        """Whether they fit, told without counting pieces."""
        if self.explained:
            return False
        return sum(surely_within(self._line(memory)) for memory in memories) <= tokens_max

    def _line(self, memory: Memory) -> str:
        return memory_line(memory, self.zone, self.notes.get(memory.id, ""))


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
        if whole > max(share, _LEAST_TOKENS):
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
