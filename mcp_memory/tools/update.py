"""update: one memory, corrected, changed, or brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_memory.model import Scope
from mcp_memory.requests import Patch
from mcp_memory.results import Updated
from mcp_memory.text import fence
from mcp_memory.tools.answers import (
    SCOPE_SPEC,
    Answer,
    Progress,
    Tool,
    Touched,
    lines,
    memory_values,
    scope_line,
    scope_values,
    shape,
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

_OUTPUT = shape(
    {
        "memory": {"id": "string", "revision": "integer", "content": "string", "level": "string"},
        "replaced": {"revision": "integer", "content": "string"},
        "reason": "string",
        "scope": SCOPE_SPEC,
    }
)


def call(
    service: MemoryService, scope: Scope, arguments: dict[str, Any], progress: Progress
) -> Answer:
    """Change one memory."""
    # A client that fills in an empty text for what it does not mean must change nothing.
    given = {name: value for name, value in arguments.items() if value != "" and name != "id"}
    updated = service.update(scope, arguments["id"], Patch(**given))
    memory, previous = updated.memory, updated.previous
    before = [f"- {shown(previous.content)}"] if previous.content != memory.content else []
    text = lines(
        f"updated {memory.id} to revision {memory.revision} ({memory.level})",
        updated.note,
        fence(before, f"It said before, as revision {previous.revision}"),
        scope_line(scope),
    )
    values = {
        "memory": memory_values(memory),
        "replaced": memory_values(previous),
        "reason": updated.note,
        "scope": scope_values(scope),
    }
    return Answer(text=text, values=values, touched=_touched(updated))


def _touched(updated: Updated) -> tuple[Touched, ...]:
    """Those who saw it before are told as well as those who see it now."""
    memory, previous = updated.memory, updated.previous
    moved = memory.partition != previous.partition or memory.status is not previous.status
    partitions = dict.fromkeys((memory.partition, previous.partition))
    return tuple(Touched(id=memory.id, partition=p, listed=moved) for p in partitions)


UPDATE = Tool(
    name="update",
    title="Update a memory",
    description=DESCRIPTION,
    arguments=Arguments(
        members=(
            Argument(name="id", kind=Id(), required=True, also=("ids", "memory_id")),
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
        )
    ),
    output=_OUTPUT,
    call=call,
)
