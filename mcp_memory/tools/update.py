"""update: one memory, corrected, changed, or brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_memory.ids import ending
from mcp_memory.model import Scope
from mcp_memory.requests import Patch
from mcp_memory.results import Updated
from mcp_memory.text import fence
from mcp_memory.tools.answers import (
    EXPLAIN,
    NOTICE,
    Answer,
    Progress,
    Tool,
    Touched,
    caller_line,
    caller_values,
    explained,
    filled,
    lines,
    shown,
)
from mcp_memory.tools.arguments import Argument, Arguments
from mcp_memory.tools.kinds import Flag, Id, Number, Object, Text, Texts
from mcp_memory.tools.words import CONTENT_ALSO, LEVEL, TYPE

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService

DESCRIPTION = (
    "Update one memory by id; what is not given stays. "
    "restore_revision brings an earlier revision back, also of a forgotten memory."
)


def call(
    service: MemoryService, scope: Scope, arguments: dict[str, Any], progress: Progress
) -> Answer:
    """Change one memory."""
    # A client that fills in an empty text for what it does not mean must change nothing.
    apart = ("id", EXPLAIN.name)
    given = {name: value for name, value in arguments.items() if value != "" and name not in apart}
    updated = service.update(scope, arguments["id"], Patch(**given))
    memory, previous = updated.memory, updated.previous
    text = lines(
        _line(updated),
        updated.note,
        fence(_before(updated), f"It said before, as revision {previous.revision}"),
        caller_line(scope),
    )
    values = {
        "memory": explained(memory),
        "replaced": explained(previous),
        **filled({"reason": updated.note}),
        "notice": NOTICE,
        "caller": caller_values(scope),
    }
    return Answer(text=text, values=values, touched=_touched(updated))


def _line(updated: Updated) -> str:
    memory, previous = updated.memory, updated.previous
    named = f"{ending(memory.id)} to revision {memory.revision} ({memory.level})"
    if memory.revision == previous.revision:
        return f"nothing to change: {ending(memory.id)} says so already"
    return f"updated {named}; to undo, update it with restore_revision={previous.revision}"


def _before(updated: Updated) -> list[str]:
    content = updated.previous.content
    return [f"- {shown(content)}"] if content != updated.memory.content else []


def _touched(updated: Updated) -> tuple[Touched, ...]:
    """Those who saw it before are told as well as those who see it now."""
    memory, previous = updated.memory, updated.previous
    moved = memory.partition != previous.partition or memory.status is not previous.status
    partitions = dict.fromkeys((memory.partition, previous.partition))
    return tuple(Touched(id=memory.id, partition=p, listed=moved) for p in partitions)


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
            Argument(name="key", kind=Text()),
            Argument(name="level", kind=LEVEL, also=("scope",)),
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
