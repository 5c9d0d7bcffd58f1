"""update: the next revision of one memory; nothing is overwritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Caller, ChangeKind, Memory, Scope, Status, Type
from mcp_memory.domain.requests import Patch
from mcp_memory.domain.results import UpdateResult
from mcp_memory.domain.statements import fingerprint, same_statement, slot_of
from mcp_memory.domain.text import kept
from mcp_memory.errors import InvalidInput
from mcp_memory.service import policy as limits
from mcp_memory.service.core import IN_FORCE, Core, actor, expiry_of, successor
from mcp_memory.service.periods.arguments import to_come
from mcp_memory.service.validation import (
    DraftValidator,
    altered,
    choice,
    json_object,
    line,
    statement,
    tag_list,
)
from mcp_memory.storage.contract import Actor, Filter, Write

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Windows

_HOLDS = {
    "content": "says exactly this; forget one of the two instead",
    "key": "holds this key; remember with the key to replace its value",
}
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


def update(core: Core, caller: Caller, memory_id: str, patch: Patch) -> UpdateResult:
    """Change a memory, or bring an earlier revision of it back.

    What is so already, as when an update is tried again, makes no new revision: the answer
    is then the current one, twice.

    Raises NotFound, InvalidInput, ScopeMissing, or WriteConflict when others kept
    changing it meanwhile.
    """
    reason = line("reason", patch.reason, limits.REASON_CHARS_MAX)
    if not _changes(patch):
        raise InvalidInput("update", "no change", "give at least one field to change")
    core.store.catch_up()
    embedded = _vectors(core, core.one(caller, memory_id), patch)
    request = new_id()
    note = "; ".join(filter(None, (kept(patch.content or "")[1], altered(patch))))

    def store() -> UpdateResult:
        previous = core.one(caller, memory_id)
        changed, verb = _next(core, caller, previous, patch)
        if _is_same(previous, changed):
            return UpdateResult(memory=previous, previous=previous, note=note)
        _check_reach(previous, changed)
        due = _check_free(core, previous, changed, actor(caller))
        vectors = embedded if embedded is not None else _restored_vectors(core, previous, changed)
        write = Write(
            verb=verb, memory=changed, actor=actor(caller), reason=reason, vectors=vectors
        )
        core.write(caller, request, [*due, write])
        return UpdateResult(memory=changed, previous=previous, note=note)

    return core.settle(store)


def _changes(patch: Patch) -> bool:
    return patch != Patch(reason=patch.reason)


def _vectors(core: Core, previous: Memory, patch: Patch) -> Windows | None:
    """The vectors of a new content, made before anything is decided: that takes longest."""
    if patch.content is None or patch.content == previous.content:
        return None
    return core.embed([statement("content", patch.content)])[0]


def _restored_vectors(core: Core, previous: Memory, changed: Memory) -> Windows | None:
    return None if changed.content == previous.content else core.embed([changed.content])[0]


def _next(core: Core, caller: Caller, previous: Memory, patch: Patch) -> tuple[Memory, ChangeKind]:
    now = core.clock()
    intake = DraftValidator(caller=caller, policy=core.policy, now=now)
    if patch.restore_revision is None:
        _check_open(previous, patch)
        base, verb = previous, ChangeKind.UPDATE
    else:
        base, verb = _restored(core, caller, previous, patch.restore_revision), ChangeKind.RESTORE
    changed = successor(
        replace(base, recorded_at=previous.recorded_at),
        now,
        revision=previous.revision + 1,
        **_fields(intake, base, patch),
    )
    changed = replace(changed, fingerprint=fingerprint(changed.content, changed.key))
    return changed, verb


def _is_same(previous: Memory, changed: Memory) -> bool:
    """Whether nothing would be different but that, and when, it was written."""
    told = {name: getattr(previous, name) for name in ("revision", "recorded_at", "merged")}
    return replace(changed, **told) == previous


def _check_open(memory: Memory, patch: Patch) -> None:
    if memory.status in (Status.FORGOTTEN, Status.SUPERSEDED):
        raise InvalidInput(
            "id",
            memory.id,
            f"this memory is {memory.status}; bring it back first with"
            f" restore_revision={memory.revision - 1}",
        )
    if memory.status is Status.EXPIRED and patch.expires_at is None:
        raise InvalidInput(
            "id", memory.id, 'this memory has expired; give expires_at too, e.g. "30d" or "never"'
        )


def _check_reach(previous: Memory, changed: Memory) -> None:
    """What is shared with the tenant cannot be taken by one of its users."""
    if previous.scope is Scope.TENANT and changed.scope is not Scope.TENANT:
        raise InvalidInput(
            "scope",
            changed.scope.value,
            "this memory is shared in scope tenant and stays so; remember a private one beside it",
        )


def _restored(core: Core, caller: Caller, current: Memory, revision: int) -> Memory:
    """The current memory with what it said at `revision`, in force again."""
    history = core.store.history(current.id, caller.partitions())
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


def _fields(intake: DraftValidator, base: Memory, patch: Patch) -> dict[str, Any]:
    """The changed fields, checked; a new time to live revives what had expired."""
    checks: dict[str, Callable[[Any], Any]] = {
        "content": lambda value: statement("content", value),
        "key": lambda value: line("key", value, limits.KEY_CHARS_MAX),
        "type": lambda value: choice("type", value, Type) or base.type,
        "scope": lambda value: intake.partition("scope", value or base.scope, base.type),
        "importance": lambda value: intake.importance("importance", value, base.type),
        "tags": lambda value: tag_list("tags", value),
        "pinned": bool,
        "metadata": lambda value: json_object("metadata", value),
    }
    given = {name: getattr(patch, name) for name in checks}
    fields = {name: checks[name](value) for name, value in given.items() if value is not None}
    if "scope" in fields:
        fields["partition"] = fields.pop("scope")
    if "content" in fields and not same_statement(base.content, fields["content"]):
        fields["valid_from"] = intake.now  # another statement, which holds from now on
    if patch.expires_at is not None:
        fields |= _expiry(intake, base, patch.expires_at)
    return fields


def _expiry(intake: DraftValidator, base: Memory, given: str) -> dict[str, Any]:
    """When the memory ends now: at a time, after a duration, or never."""
    moment = to_come("expires_at", given, intake.here)
    status = Status.ACTIVE if base.status is Status.EXPIRED else base.status
    return {"expires_at": moment, "status": status}


def _check_free(core: Core, previous: Memory, changed: Memory, by: Actor) -> list[Write]:
    """Another memory must not hold the same key or say the same already.

    Returns the writes that end those which did, but whose time is up, or who shared the slot
    of the key all along, as several might when its spelling counted.
    """
    if changed.status is not Status.ACTIVE:
        return []
    now = core.clock()
    where = Filter(partitions=(changed.partition,), now=now, statuses=IN_FORCE)
    held = {"content": core.store.select(replace(where, fingerprints=(changed.fingerprint,)))}
    if changed.key:
        held["key"] = core.store.select(replace(where, key=changed.key))
    due: dict[str, Write] = {}
    for field, found in held.items():
        for other in found:
            if other.id == changed.id or other.status is not Status.ACTIVE:
                continue
            if write := expiry_of(other, now, by) or _yielding(other, previous, changed, by):
                due[other.id] = write
            else:
                raise InvalidInput(
                    field, getattr(changed, field), f"memory {other.id} {_HOLDS[field]}"
                )
    return list(due.values())


def _yielding(other: Memory, previous: Memory, changed: Memory, by: Actor) -> Write | None:
    """The write that ends another holder of a slot which the changed memory held before."""
    held = {(m.partition, slot_of(m.key), m.status) for m in (other, previous, changed)}
    if not other.key or len(held) > 1:
        return None
    gone = successor(
        other,
        changed.recorded_at,
        status=Status.SUPERSEDED,
        superseded_by=changed.id,
        valid_to=max(other.valid_from, changed.valid_from),
    )
    return Write(
        verb=ChangeKind.SUPERSEDE, memory=gone, actor=by, reason=f"superseded by {changed.id}"
    )
