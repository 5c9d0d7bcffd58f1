"""What a request may not do: skip a revision, or give two active memories one slot."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_memory.domain.memory import Memory
from mcp_memory.errors import WriteConflict
from mcp_memory.storage.contract import Write
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.filtering import Slot, slots


class Claims:
    """Who is at which revision and holds which slot: in the index, and after what was admitted.

    The requests of one commit are admitted in order, each to what those before it leave.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._final: dict[str, Memory] = {}
        self._taken: dict[Slot, str] = {}

    def admit(self, writes: Sequence[Write]) -> None:
        """Take in the writes of a request. Raises WriteConflict, and then takes in none."""
        final = self._followed(writes)
        claimed: dict[Slot, str] = {}
        for memory in final.values():
            for slot in slots(memory):
                if slot in claimed or self._taken.get(slot, memory.id) not in final:
                    raise _taken(slot)
                claimed[slot] = memory.id
        self._refuse_held(claimed, final)
        for memory_id in self._final.keys() & final.keys():
            for slot in slots(self._final[memory_id]):
                self._taken.pop(slot, None)
        self._final |= final
        self._taken |= claimed

    def _followed(self, writes: Sequence[Write]) -> dict[str, Memory]:
        """Each memory as the request leaves it."""
        ids = {write.memory.id for write in writes}
        revisions = self._index.current(ids)
        revisions |= {i: self._final[i].revision for i in ids & self._final.keys()}
        final: dict[str, Memory] = {}
        for memory in (write.memory for write in writes):
            known = revisions.get(memory.id, 0)
            if memory.revision != known + 1:
                raise WriteConflict(
                    f"memory '{memory.id}' is at revision {known}, so revision {memory.revision}"
                    " cannot follow; read it again and retry"
                )
            revisions[memory.id] = memory.revision
            final[memory.id] = memory
        return final

    def _refuse_held(self, claimed: dict[Slot, str], final: dict[str, Memory]) -> None:
        """Nobody may hold a slot in the index but those that are no longer as they are there."""
        for noun in ("text", "key"):
            asked = [(str(partition), value) for partition, kind, value in claimed if kind == noun]
            for holder, _, value in self._index.holders(noun, asked) if asked else ():
                if holder not in final and holder not in self._final:
                    raise _taken((next(iter(claimed))[0], noun, value))


def _taken(slot: Slot) -> WriteConflict:
    _, noun, value = slot
    return WriteConflict(
        f"an active memory with the {noun} '{value}' is already there; read it again and retry"
    )
