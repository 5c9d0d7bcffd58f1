"""adopt: what one user remembered becomes another's, as when a store came from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Caller, ChangeKind, Memory, Partition, Status
from mcp_memory.errors import InvalidInput
from mcp_memory.service.core import IN_FORCE, Core, actor, successor
from mcp_memory.storage.contract import Filter, Progress, Write

SYSTEM = "operating-system user"
"""What names a user who is told in `memory://me` too: a user that somebody configured for an
agent is kept apart from the others on purpose."""
LOCAL = ("configuration", SYSTEM)
"""What names the user of somebody on this machine, who may be told of the others there."""
_NAMED_MAX = 5
_BATCH = 100
_PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Adoption:
    """What of `user` becomes the caller's: active memories `by_scope`, or all that `moved`.

    `kept` stays with him, for the caller has the same key or text already.
    """

    user: str
    by_scope: Mapping[str, int]
    moved: int = 0
    kept: int = 0


def told(held: Mapping[Partition, int], caller: Caller) -> str:
    """Whose memories there are, where the caller has none; "" where it has, or may not know."""
    if caller.sources.get("user") not in LOCAL:
        return ""
    own = sum(n for p, n in held.items() if (p.tenant, p.user) == (caller.tenant, caller.user))
    others = _others(held, caller)
    elsewhere = sum(n for p, n in held.items() if p.tenant != caller.tenant)
    if own or not (others or elsewhere):
        return ""
    said = [f"nothing here is remembered for user {caller.user} (tenant {caller.tenant})"]
    if others:
        named = [f"{user} ({count})" for user, count in others.most_common(_NAMED_MAX)]
        rest = f" and {len(others) - len(named)} more users" if len(others) > len(named) else ""
        user = others.most_common(1)[0][0]
        said.append(
            f"this store holds memories of {', '.join(named)}{rest}. If they are yours, set"
            f" MCP_MEMORY_USER={user} or run: mcp-memory adopt {user}"
        )
    if elsewhere:
        said.append(f"there are {elsewhere} of other tenants; set MCP_MEMORY_TENANT to see one")
    return "; ".join(said)


def preview(core: Core, caller: Caller, user: str) -> Adoption:
    """What would be adopted. Raises InvalidInput where it is not clear whose."""
    core.store.catch_up()
    name = _one(core.store.held(), caller, user)
    by_scope = Counter[str]()
    for partition, count in _partitions(core, caller, name).items():
        by_scope[partition.scope.value] += count
    return Adoption(user=name, by_scope=by_scope)


def adopt(core: Core, caller: Caller, user: str, progress: Progress) -> Adoption:
    """Make a user's memories the caller's, of any status, each with a revision that says so.

    What was moved is durable in batches, and the rest is moved by calling it again; what
    `progress` raises goes through. Raises InvalidInput where it is not clear whose are meant.
    """
    planned = preview(core, caller, user)
    partitions = _partitions(core, caller, planned.user)
    where = [(p, _all_of(core, p)) for p in partitions]
    total, done, moved = sum(len(memories) for _, memories in where), 0, 0
    for partition, memories in where:
        # The oldest first, so that the newest stays the newest.
        ids = [memory.id for memory in reversed(memories)]
        for first in range(0, len(ids), _BATCH):
            progress(done, total)
            batch = ids[first : first + _BATCH]
            moved += _move(core, caller, partition, batch)
            done += len(batch)
    progress(done, total)
    return replace(planned, moved=moved, kept=total - moved)


def _one(held: Mapping[Partition, int], caller: Caller, user: str) -> str:
    others = _others(held, caller)
    name = user.strip().lower()
    known = ", ".join(sorted(others)[:20]) or "nobody else"
    if not name and len(others) == 1:
        return next(iter(others))
    is_there = any((p.tenant, p.user) == (caller.tenant, name) for p in held if p.user)
    if not is_there or name == caller.user:  # what is left of his may be forgotten or superseded
        raise InvalidInput("user", name, f"give one whose memories this store holds: {known}")
    return name


def _others(held: Mapping[Partition, int], caller: Caller) -> Counter[str]:
    """How much each other user of the tenant has."""
    found = Counter[str]()
    for partition, count in held.items():
        if partition.tenant == caller.tenant and partition.user not in ("", caller.user) and count:
            found[partition.user] += count
    return found


def _partitions(core: Core, caller: Caller, user: str) -> dict[Partition, int]:
    held = core.store.held().items()
    return {p: n for p, n in held if (p.tenant, p.user) == (caller.tenant, user)}


def _all_of(core: Core, partition: Partition) -> list[Memory]:
    """Every memory that is now in a partition, newest first."""
    where = Filter(partitions=(partition,), now=core.clock(), statuses=())
    found: list[Memory] = []
    while page := core.store.select(where, limit=_PAGE, after=found[-1].id if found else ""):
        found += page
    return found


def _move(core: Core, caller: Caller, source: Partition, ids: Sequence[str]) -> int:
    """Move what can be moved of some memories in one transaction; how many."""
    request = new_id()
    target = replace(source, user=caller.user)

    def store() -> int:
        where = Filter(partitions=(source,), now=core.clock(), statuses=(), ids=tuple(ids))
        found = {memory.id: memory for memory in core.store.select(where, limit=len(ids))}
        free = list(_free(core, target, [found[i] for i in ids if i in found]))
        by, reason = actor(caller), f"adopted from user {source.user}"
        writes = [
            Write(
                verb=ChangeKind.UPDATE,
                memory=successor(
                    memory, core.clock() + timedelta(microseconds=i), partition=target
                ),
                actor=by,
                reason=reason,
            )
            for i, memory in enumerate(free)
        ]
        if writes:
            core.write(caller, request, writes)
        return len(writes)

    return core.settle(store)


def _free(core: Core, target: Partition, memories: Sequence[Memory]) -> Iterator[Memory]:
    """The memories whose key and text the target does not hold."""
    where = Filter(partitions=(target,), now=core.clock(), statuses=IN_FORCE)
    texts = tuple({memory.fingerprint for memory in memories})
    held = {m.fingerprint for m in core.store.select(replace(where, fingerprints=texts))}
    for memory in memories:
        is_active = memory.status is Status.ACTIVE
        is_taken = memory.fingerprint in held or (
            memory.key and core.store.select(replace(where, key=memory.key), limit=1)
        )
        if not (is_active and is_taken):
            yield memory
