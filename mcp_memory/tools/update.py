"""update: one memory, corrected, changed, or brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Patch
from mcp_memory.domain.results import UpdateResult
from mcp_memory.domain.text import fence, shown
from mcp_memory.tools.argument_types import Flag, Id, Number, Object, Text, Texts
from mcp_memory.tools.base import EXPLAIN, Answer, ChangedMemory, Progress, Tool
from mcp_memory.tools.choices import CONTENT_ALSO, SCOPE, TYPE
from mcp_memory.tools.format import NOTICE, caller_line, caller_values, explained, filled, lines
from mcp_memory.tools.schema import Argument, Arguments

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService

DESCRIPTION = (
    "Update one memory by id; what is not given stays. "
    "restore_revision brings an earlier revision back, also of a forgotten memory."
)


def call(
    service: MemoryService, caller: Caller, arguments: dict[str, Any], progress: Progress
) -> Answer:
    """Change one memory."""
    given = _meant(arguments)
    updated = service.update(caller, arguments["id"], Patch(**given))
    memory, previous = updated.memory, updated.previous
    text = lines(
        _line(updated),
        updated.note,
        fence(_before(updated), f"It said before, as revision {previous.revision}"),
        caller_line(caller),
    )
    values = {
        "memory": explained(memory),
        "replaced": explained(previous),
        **filled({"reason": updated.note}),
        "notice": NOTICE,
        "caller": caller_values(caller),
    }
    return Answer(text=text, values=values, touched=_touched(updated))


def _meant(arguments: dict[str, Any]) -> dict[str, Any]:
    """What is to be changed. An empty key clears it, where nothing else is empty: a client that
    fills in an empty text for all that it does not mean must change nothing.
    """
    apart = ("id", EXPLAIN.name)
    empty = [name for name, value in arguments.items() if value == ""]
    left = empty if empty != ["key"] else []
    return {n: value for n, value in arguments.items() if n not in apart and n not in left}


def _line(updated: UpdateResult) -> str:
    memory, previous = updated.memory, updated.previous
    named = f"{ending(memory.id)} to revision {memory.revision} ({memory.scope})"
    if memory.revision == previous.revision:
        return f"nothing to change: {ending(memory.id)} says so already"
    keyless = ", without its key" if previous.key and not memory.key else ""
    undo = f"to undo, update it with restore_revision={previous.revision}"
    return f"updated {named}{keyless}; {undo}"


def _before(updated: UpdateResult) -> list[str]:
    content = updated.previous.content
    return [f"- {shown(content)}"] if content != updated.memory.content else []


def _touched(updated: UpdateResult) -> tuple[ChangedMemory, ...]:
    """Those who saw it before are told as well as those who see it now."""
    memory, previous = updated.memory, updated.previous
    moved = memory.partition != previous.partition or memory.status is not previous.status
    partitions = dict.fromkeys((memory.partition, previous.partition))
    return tuple(ChangedMemory(id=memory.id, partition=p, listed=moved) for p in partitions)


UPDATE = Tool(
    name="update",
    title="Update a memory",
    hint="correct, change, pin or restore a memory",
    description=DESCRIPTION,
    arguments=Arguments(
        members=(
            Argument(
                name="id",
                kind=Id(),
                description="As recall shows it, e.g. 1157b576",
                required=True,
                also=("ids", "memory_id"),
            ),
            Argument(name="content", kind=Text(says_all=True), also=CONTENT_ALSO),
            Argument(name="type", kind=TYPE),
            Argument(name="key", kind=Text(), description='"" takes it away'),
            Argument(name="scope", kind=SCOPE),
            Argument(name="importance", kind=Number(low=0, high=1)),
            Argument(name="tags", kind=Texts(), description="Replaces all", also=("tag",)),
            Argument(name="pinned", kind=Flag()),
            Argument(
                name="expires_at",
                kind=Text(),
                description="ISO time, e.g. 30d, or never",
                also=("expires_in",),
            ),
            Argument(name="metadata", kind=Object(), description="Replaces all"),
            Argument(name="reason", kind=Text(says_all=True), description="Why, for the history"),
            Argument(name="restore_revision", kind=Number(low=1, high=1_000_000, whole=True)),
            EXPLAIN,
        )
    ),
    call=call,
)
