"""update: the next revision of one memory; nothing is overwritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcp_memory.errors import InvalidInput, WriteConflict
from mcp_memory.ids import new_id
from mcp_memory.model import Draft, Memory, Patch, Scope, Status, Type, Updated, Verb
from mcp_memory.service import policy as limits
from mcp_memory.service.core import Core, actor, successor
from mcp_memory.service.intake import (
    Intake,
    choice,
    json_object,
    keyed_fingerprint,
    line,
    tag_list,
    text,
)
from mcp_memory.storage.contract import Filter, Write

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Windows

_TRIES = 3
_RESTORED = (
    "partition",
    "content",
    "fingerprint",
    "type",
    "key",
    "importance",
    "tags",
    "pinned",
    "metadata",
    "source",
    "valid_from",
)


def update(core: Core, scope: Scope, memory_id: str, patch: Patch) -> Updated:
    """Change a memory, or bring an earlier revision of it back.

    Raises NotFound, InvalidInput, ScopeMissing, or WriteConflict when others kept
    changing it meanwhile.
    """
    reason = line("reason", patch.reason, limits.REASON_CHARS_MAX)
    if not _changes(patch):
        raise InvalidInput("update", "no change", "give at least one field to change")
    request = new_id()
    for attempt in range(1, _TRIES + 1):
        previous = core.one(scope, memory_id)
        changed, verb = _next(core, scope, previous, patch)
        _check_free(core, changed)
        vectors = _vectors(core, previous, changed)
        write = Write(verb=verb, memory=changed, actor=actor(scope), reason=reason, vectors=vectors)
        try:
            core.store.write(request, [write])
            return Updated(memory=changed, previous=previous)
        except WriteConflict:
            if attempt == _TRIES:
                raise
    raise AssertionError("unreachable")


def _changes(patch: Patch) -> bool:
    return patch != Patch(reason=patch.reason)


def _vectors(core: Core, previous: Memory, changed: Memory) -> Windows | None:
    return None if changed.content == previous.content else core.embed([changed.content])[0]


def _next(core: Core, scope: Scope, previous: Memory, patch: Patch) -> tuple[Memory, Verb]:
    now = core.clock()
    intake = Intake(scope=scope, policy=core.policy, now=now)
    if patch.restore_revision is None:
        _check_open(previous)
        base, verb = previous, Verb.UPDATE
    else:
        base, verb = _restored(core, scope, previous, patch.restore_revision), Verb.RESTORE
    changed = successor(
        replace(base, recorded_at=previous.recorded_at),
        now,
        revision=previous.revision + 1,
        **_fields(intake, base, patch),
    )
    changed = replace(changed, fingerprint=keyed_fingerprint(changed.key, changed.content))
    return changed, verb


def _check_open(memory: Memory) -> None:
    if memory.status in (Status.FORGOTTEN, Status.SUPERSEDED):
        raise InvalidInput(
            "id",
            memory.id,
            f"this memory is {memory.status}; bring it back first with"
            f" restore_revision={memory.revision - 1}",
        )


def _restored(core: Core, scope: Scope, current: Memory, revision: int) -> Memory:
    """The current memory with what it said at `revision`, in force again."""
    history = core.store.history(current.id, scope.partitions())
    old = next((r.memory for r in history if r.memory.revision == revision), None)
    if old is None:
        known = ", ".join(str(r.memory.revision) for r in history)
        raise InvalidInput("restore_revision", revision, f"expected one of {known}")
    values = {name: getattr(old, name) for name in _RESTORED}
    expires_at = old.expires_at
    if expires_at is not None and expires_at <= core.clock():
        expires_at = None
    return replace(
        current,
        **values,
        expires_at=expires_at,
        status=Status.ACTIVE,
        superseded_by="",
        valid_to=None,
    )


def _fields(intake: Intake, base: Memory, patch: Patch) -> dict[str, Any]:
    """The changed fields, checked; a new time to live revives what had expired."""
    checks: dict[str, Callable[[Any], Any]] = {
        "content": lambda value: text("content", value, limits.CONTENT_BYTES_MAX),
        "key": lambda value: line("key", value, limits.KEY_CHARS_MAX),
        "type": lambda value: choice("type", value, Type) or base.type,
        "level": lambda value: intake.partition("level", value or base.level, base.type),
        "importance": lambda value: intake.importance("importance", value, base.type),
        "tags": lambda value: tag_list("tags", value),
        "pinned": bool,
        "metadata": lambda value: json_object("metadata", value),
    }
    given = {name: getattr(patch, name) for name in checks}
    fields = {name: checks[name](value) for name, value in given.items() if value is not None}
    if "level" in fields:
        fields["partition"] = fields.pop("level")
    if patch.expires_at is not None:
        fields |= _expiry(intake, base, patch.expires_at)
    return fields


def _expiry(intake: Intake, base: Memory, given: str) -> dict[str, Any]:
    if given.strip().lower() in ("never", ""):
        moment = None
    elif given.strip()[:4].isdigit() and "-" in given:
        moment = intake.expiry("update", Draft(content="", expires_at=given), base.partition)
    else:
        moment = intake.expiry("update", Draft(content="", expires_in=given), base.partition)
    status = Status.ACTIVE if base.status is Status.EXPIRED else base.status
    return {"expires_at": moment, "status": status}


def _check_free(core: Core, changed: Memory) -> None:
    """Another memory must not hold the same key or say the same already."""
    if changed.status is not Status.ACTIVE:
        return
    where = Filter(partitions=(changed.partition,), now=core.clock())
    same = core.store.select(replace(where, fingerprints=(changed.fingerprint,)), limit=2)
    _refuse("content", changed, same, "says exactly this; forget one of the two instead")
    if changed.key:
        holder = core.store.select(replace(where, key=changed.key), limit=2)
        _refuse(
            "key", changed, holder, "holds this key; remember with the key to replace its value"
        )


def _refuse(field: str, changed: Memory, found: list[Memory], what: str) -> None:
    other = next((memory for memory in found if memory.id != changed.id), None)
    if other is not None:
        raise InvalidInput(field, getattr(changed, field), f"memory {other.id} {what}")
