"""What a tool gives back: a compact text for the model, and the same as typed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from mcp_memory.model import Memory, Partition, Scope
from mcp_memory.tools.arguments import Arguments

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService

Progress = Callable[[int, int], None]
"""Called with how much of how much is done; what it raises stops the work."""

_SHOWN_CHARS_MAX = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Touched:
    """A memory that a call changed, for those who watch it; `listed` if it came or went."""

    id: str
    partition: Partition
    listed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer of a tool. `text` stands alone, `values` fits the tool's output schema.

    `is_error`: nothing of what was asked could be done.
    """

    text: str
    values: dict[str, Any]
    touched: tuple[Touched, ...] = ()
    is_error: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """One verb: what the model sees of it, and what is called.

    `call` takes what `arguments` read, and a progress to report to where it may take long.
    The hints are those of MCP's tool annotations.
    """

    name: str
    title: str
    description: str
    arguments: Arguments
    output: dict[str, Any]
    call: Callable[[MemoryService, Scope, dict[str, Any], Progress], Answer]
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False


def shape(spec: Any) -> dict[str, Any]:
    """A JSON Schema: "string" is a type, [spec] a list of it, {name: spec} an object."""
    if isinstance(spec, str):
        return {"type": spec}
    if isinstance(spec, list):
        return {"type": "array", "items": shape(cast("list[Any]", spec)[0])}
    members = cast("dict[str, Any]", spec)
    properties = {name: shape(member) for name, member in members.items()}
    return {"type": "object", "properties": properties}


def moment(time: datetime | None) -> str:
    """A time as ISO 8601 in UTC, "" for none."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z") if time else ""


def scope_values(scope: Scope) -> dict[str, Any]:
    """The scope that a call used."""
    return {
        "tenant": scope.tenant,
        "user": scope.user,
        "project": scope.project_label or scope.project,
        "agent": scope.agent,
        "session": scope.session,
    }


def scope_line(scope: Scope) -> str:
    """The scope that a call used, as user/project."""
    project = scope.project_label or scope.project
    return f"scope: {scope.user}/{project}" if project else f"scope: {scope.user}"


def memory_values(memory: Memory) -> dict[str, Any]:
    """A memory as one of its revisions says it."""
    return {
        "id": memory.id,
        "revision": memory.revision,
        "status": memory.status.value,
        "content": memory.content,
        "type": memory.type.value,
        "level": memory.level.value,
        "key": memory.key,
        "importance": memory.importance,
        "tags": list(memory.tags),
        "pinned": memory.pinned,
        "trust": memory.trust.value,
        "source": memory.source,
        "metadata": plain(memory.metadata),
        "created_at": moment(memory.created_at),
        "updated_at": moment(memory.recorded_at),
        "valid_from": moment(memory.valid_from),
        "valid_to": moment(memory.valid_to),
        "expires_at": moment(memory.expires_at),
    }


def plain(value: Any) -> Any:
    """A JSON value made of plain dicts and lists, whatever mappings it was kept in."""
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return {name: plain(member) for name, member in members.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in cast("list[Any]", value)]
    return value


def shown(content: str) -> str:
    """The beginning of a content, on one line."""
    line = " ".join(content.split())
    return line if len(line) <= _SHOWN_CHARS_MAX else line[:_SHOWN_CHARS_MAX] + "…"


def lines(*parts: str) -> str:
    """The parts that say something, one below the other."""
    return "\n".join(part for part in parts if part)


SCOPE_SPEC = dict.fromkeys(("tenant", "user", "project", "agent", "session"), "string")
