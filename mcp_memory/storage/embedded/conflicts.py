"""What a batch may not do: skip a revision, or give two active memories one slot."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_memory.errors import WriteConflict
from mcp_memory.model import Memory
from mcp_memory.storage.contract import Write
from mcp_memory.storage.embedded.index import Index
from mcp_memory.storage.matching import Slot, slots


def refuse_conflicts(index: Index, writes: Sequence[Write]) -> None:
    """Raise WriteConflict where the batch does not fit what the index holds."""
    final = _final(index, writes)
    claimed: dict[Slot, str] = {}
    for memory in final.values():
        for slot in slots(memory):
            if slot in claimed:
                raise _taken(slot)
            claimed[slot] = memory.id
    for noun in ("text", "key"):
        asked = [(str(partition), value) for partition, kind, value in claimed if kind == noun]
        for holder, _, value in index.holders(noun, asked) if asked else ():
            if holder not in final:
                raise _taken((next(iter(claimed))[0], noun, value))


def _final(index: Index, writes: Sequence[Write]) -> dict[str, Memory]:
    """Each memory as the batch leaves it."""
    current = index.current({write.memory.id for write in writes})
    final: dict[str, Memory] = {}
    for memory in (write.memory for write in writes):
        known = final[memory.id].revision if memory.id in final else current.get(memory.id, 0)
        if memory.revision != known + 1:
            raise WriteConflict(
                f"memory '{memory.id}' is at revision {known}, so revision {memory.revision}"
                " cannot follow; read it again and retry"
            )
        final[memory.id] = memory
    return final


def _taken(slot: Slot) -> WriteConflict:
    _, noun, value = slot
    return WriteConflict(
        f"an active memory with the {noun} '{value}' is already there; read it again and retry"
    )
