"""remember: statements that will matter later."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from mcp_memory.ids import ending
from mcp_memory.model import Level, Scope, Trust, Type
from mcp_memory.requests import Draft
from mcp_memory.results import Remembered, Similar
from mcp_memory.text import fence
from mcp_memory.tools.answers import (
    SCOPE_SPEC,
    Answer,
    Progress,
    Tool,
    Touched,
    lines,
    moment,
    scope_line,
    scope_values,
    shape,
    shown,
)
from mcp_memory.tools.arguments import (
    Argument,
    Arguments,
    Flag,
    Number,
    Object,
    Objects,
    Text,
    Texts,
)

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService

DESCRIPTION = (
    "Remember what will matter in later conversations, one self-contained statement each. "
    "Repeats merge; what is merely similar is stored and reported for you to judge."
)

_MEMORY = Arguments(
    members=(
        Argument(name="content", kind=Text(), required=True),
        Argument(
            name="type",
            kind=Text(allowed=tuple(Type)),
            description="task: commitments; fact: knowledge, decisions; episode: what happened",
            default="fact",
        ),
        Argument(
            name="key",
            kind=Text(),
            description="Slot with one value, e.g. timezone",
        ),
        Argument(
            name="level",
            kind=Text(allowed=tuple(Level)),
            description="Reach; default by type",
        ),
        Argument(name="importance", kind=Number(low=0, high=1)),
        Argument(name="tags", kind=Texts()),
        Argument(name="pinned", kind=Flag(), default=False),
        Argument(
            name="trust",
            kind=Text(allowed=tuple(Trust)),
            description="stated: by the user; observed: in a tool, document",
            default="stated",
        ),
        Argument(name="expires_at", kind=Text(), description="ISO date or time"),
        Argument(name="expires_in", kind=Text(), description="e.g. 30d, 2 hours"),
        Argument(name="valid_from", kind=Text(), description="ISO; when it became true"),
        Argument(name="source", kind=Text(), description="Origin, or thread#number"),
        Argument(name="metadata", kind=Object()),
        Argument(name="supersedes", kind=Texts(), description="Ids this replaces"),
    )
)

_OUTPUT = shape(
    {
        "results": [
            {
                "id": "string",
                "status": "string",
                "revision": "integer",
                "level": "string",
                "expires_at": "string",
                "reason": "string",
                "similar": [
                    {
                        "id": "string",
                        "content": "string",
                        "score": "number",
                        "updated_at": "string",
                        "may_conflict": "boolean",
                    }
                ],
            }
        ],
        "scope": SCOPE_SPEC,
    }
)


def call(
    service: MemoryService, scope: Scope, arguments: dict[str, Any], progress: Progress
) -> Answer:
    """Store each draft, in order."""
    drafts = [Draft(**members) for members in arguments["memories"]]
    results = service.remember(scope, drafts, progress)
    similar = {s.id: s for result in results for s in result.similar}
    listed = (_similar_line(s, scope.zone) for s in similar.values())
    text = lines(
        *(_line(result) for result in results),
        fence(listed, "Similar memories; update or forget what is outdated"),
        scope_line(scope),
    )
    values = {"results": [_values(result) for result in results], "scope": scope_values(scope)}
    return Answer(text=text, values=values, touched=tuple(_touched(results)))


def _line(result: Remembered) -> str:
    reason = f": {result.reason}" if result.reason else ""
    return f"{result.status} {result.id} ({result.level}){reason}"


def _similar_line(similar: Similar, zone: tzinfo) -> str:
    said = f"{similar.score:.2f} {similar.updated_at.astimezone(zone):%Y-%m-%d}"
    note = " (may conflict)" if similar.may_conflict else ""
    return f"- {ending(similar.id)} {said}{note} {shown(similar.content)}"


def _values(result: Remembered) -> dict[str, Any]:
    return {
        "id": result.id,
        "status": result.status,
        "revision": result.revision,
        "level": result.level.value,
        "expires_at": moment(result.expires_at),
        "reason": result.reason,
        "similar": [
            {
                "id": s.id,
                "content": s.content,
                "score": round(s.score, 4),
                "updated_at": moment(s.updated_at),
                "may_conflict": s.may_conflict,
            }
            for s in result.similar
        ],
    }


def _touched(results: list[Remembered]) -> list[Touched]:
    return [
        Touched(id=memory_id, partition=partition, listed=result.status != "merged")
        for result in results
        for memory_id, partition in result.touched
    ]


REMEMBER = Tool(
    name="remember",
    title="Remember",
    description=DESCRIPTION,
    arguments=Arguments(
        members=(
            Argument(
                name="memories", kind=Objects(arguments=_MEMORY, main="content"), required=True
            ),
        )
    ),
    output=_OUTPUT,
    call=call,
    idempotent=True,
)
