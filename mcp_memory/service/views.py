"""What a caller may look at without a query: one memory, the newest, its context, itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mcp_memory import ranking
from mcp_memory.domain.memory import Caller, Memory, Revision, Scope, Trace, Type
from mcp_memory.domain.permissions import Permission
from mcp_memory.domain.requests import BATCH_MAX
from mcp_memory.errors import InvalidInput, NotFound
from mcp_memory.service import policy as limits
from mcp_memory.service.adoption import SYSTEM, told
from mcp_memory.service.core import Core, is_id
from mcp_memory.service.recall.render import Cost, fenced, recall_line, within_budget
from mcp_memory.service.recall.token_count import at_most
from mcp_memory.service.recall.trace import spelt_out
from mcp_memory.storage.contract import Filter, Order

_STABLE = (Type.PROFILE, Type.PREFERENCE)
_LOOKED_AT = 200
_RECALLS_MAX = 20
_CLUSTER_COSINE = 0.7
_CLUSTER_MAX = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """Two blocks to inject: `stable` for the system message, `recent` beside the question."""

    stable: str
    recent: str


def history(core: Core, caller: Caller, memory_id: str) -> list[Revision]:
    """Every revision the caller may see, oldest first. Raises NotFound."""
    return core.store.history(core.one(caller, memory_id).id, caller.partitions())


def recent(core: Core, caller: Caller, limit: int, after: str) -> list[Memory]:
    """The active memories changed last, newest first; `after` is the last id of a page.

    Raises NotFound for an `after` that the caller cannot see.
    """
    if not 1 <= limit <= limits.RESULTS_MAX:
        raise InvalidInput("limit", limit, f"expected 1 to {limits.RESULTS_MAX}")
    if after:
        core.one(caller, after)
    return core.store.select(core.visible(caller), limit=limit, after=after)


def session(core: Core, caller: Caller, max_tokens: int) -> list[Memory]:
    """The newest memories of this session that fit the budget, newest last."""
    partition = caller.partition(Scope.SESSION)
    if partition is None:
        return []
    where = Filter(partitions=(partition,), now=core.clock())
    newest = core.store.select(where, limit=_LOOKED_AT)
    cost = Cost(count=at_most(core.embedder.count_tokens), zone=caller.zone)
    kept, _ = within_budget(newest, cost.left(max_tokens), cost)
    return kept[::-1]


def recalls(core: Core, caller: Caller, max_tokens: int) -> list[Trace]:
    """The newest recalls of this session whose lines fit the budget, newest last."""
    partition = caller.partition(Scope.SESSION)
    if partition is None:
        return []
    cost = Cost(count=at_most(core.embedder.count_tokens), zone=caller.zone)
    left = cost.left(max_tokens)
    kept: list[Trace] = []
    for found in core.traces.of(partition, caller.partitions(), _RECALLS_MAX):
        left -= cost.count(recall_line(found, caller.zone))
        if left < 0:
            break
        kept.append(found)
    return kept[::-1]


def context(core: Core, caller: Caller, max_tokens: int) -> Context:
    """What is stable about the user, and what is recent and situational; half the budget each."""
    everything = core.visible(caller)
    stable = core.store.select(
        replace(everything, types=_STABLE), order=Order.IMPORTANT, limit=_LOOKED_AT
    )
    others = tuple(type_ for type_ in Type if type_ not in _STABLE)
    newest = core.store.select(replace(everything, types=others), limit=_LOOKED_AT)
    now, lives = everything.now, core.policy.half_lives
    newest.sort(key=lambda m: -ranking.standing(m, now, lives))
    cost = Cost(count=at_most(core.embedder.count_tokens), zone=caller.zone)
    left = cost.left(max_tokens // 2)
    return Context(
        stable=fenced(within_budget(stable, left, cost)[0], "about this user", caller.zone),
        recent=fenced(within_budget(newest, left, cost)[0], "lately", caller.zone),
    )


def me(core: Core, caller: Caller) -> dict[str, Any]:
    """Who the caller is, what decided each part, the policy in force, and counts."""
    policy = core.policy
    is_system = caller.sources.get("user") == SYSTEM
    notes = [*caller.notes, *filter(None, [told(core.store.held(), caller)] if is_system else [])]
    parts = ("tenant", "user", "project", "agent", "session")
    return {
        "caller": {name: getattr(caller, name) for name in parts},
        "project_label": caller.project_label,
        "timezone": str(caller.zone),
        "permissions": [p.value for p in Permission if p in caller.permissions],
        "decided_by": dict(caller.sources),
        **({"notes": notes} if notes else {}),
        "sees": [str(partition) for partition in caller.partitions()],
        "policy": {
            "scopes": {
                type_.value: (scope if caller.partition(scope) else Scope.USER).value
                for type_, scope in policy.scopes.items()
            },
            "importance": {type_.value: value for type_, value in policy.importance.items()},
            "half_life_days": {type_.value: t.days for type_, t in policy.half_lives.items()},
            "session_expiry_days": policy.session_expiry.days,
            "limits": {
                "content_bytes": limits.CONTENT_BYTES_MAX,
                "batch": BATCH_MAX,
                "results": limits.RESULTS_MAX,
                "metadata_bytes": limits.METADATA_BYTES_MAX,
                "tags": limits.TAGS_MAX,
            },
        },
        "counts": dict(core.store.stats(caller.partitions()).by_scope),
    }


def stats(core: Core, caller: Caller) -> dict[str, Any]:
    """Counts over what the caller sees, and the state of the embedding model."""
    counts = core.store.stats(caller.partitions())
    return {
        "by_status": dict(counts.by_status),
        "by_type": dict(counts.by_type),
        "by_scope": dict(counts.by_scope),
        "revisions": counts.revisions,
        "waiting_for_vectors": counts.unembedded,
        "model": core.embedder.space.name,
        "model_ready": core.embedder.ready(),
        "model_failure": core.embedder.failure,
    }


def trace(core: Core, caller: Caller, trace_id: str) -> Trace:
    """What one recall searched and why it answered as it did. Raises NotFound."""
    found = core.traces.get(trace_id) if is_id(trace_id) else None
    if found is not None and not set(found.partitions) <= set(caller.partitions()):
        found = None
    if found is None and is_id(trace_id):
        found = core.store.trace(trace_id, caller.partitions())
    if found is None:
        raise NotFound("trace", trace_id)
    return spelt_out(found)


def clusters(core: Core, caller: Caller, limit: int) -> list[list[Memory]]:
    """Groups of memories that say related things, largest first, for consolidation.

    Single-link groups at a cosine of 0.7 or more among the newest 200, each within one
    partition, of at most 10. Of a long memory counts the window nearest to the newest one;
    what waits for its vectors is left out.
    """
    newest = core.store.select(core.visible(caller), limit=_LOOKED_AT)
    vector = core.embed_query(newest[0].content) if newest else None
    if vector is None:
        return []
    # The vectors are there already: to make them anew could take minutes.
    where = replace(core.visible(caller), ids=tuple(memory.id for memory in newest))
    found = core.store.propose(where, terms=(), vector=vector, limit=_LOOKED_AT).candidates
    place = {memory.id: number for number, memory in enumerate(newest)}
    embedded = sorted(
        ((place[c.memory.id], c.memory, c.vector) for c in found if c.vector is not None),
        key=lambda each: each[0],
    )
    memories = [memory for _, memory, _ in embedded]
    vectors = [window for *_, window in embedded]
    if not vectors:
        return []
    near = np.stack(vectors) @ np.stack(vectors).T >= _CLUSTER_COSINE
    groups: list[list[Memory]] = []
    seen: set[int] = set()
    for first in range(len(memories)):
        group = _reach(first, near, memories, seen)
        if len(group) > 1:
            groups.append([memories[i] for i in sorted(group)][:_CLUSTER_MAX])
    return sorted(groups, key=lambda group: -len(group))[:limit]


def _reach(
    first: int, near: np.ndarray[Any, np.dtype[np.bool_]], memories: list[Memory], seen: set[int]
) -> list[int]:
    """All that `first` leads to through near pairs of its partition, not seen before."""
    waiting, group = [first], list[int]()
    while waiting:
        i = waiting.pop()
        if i in seen or memories[i].partition != memories[first].partition:
            continue
        seen.add(i)
        group.append(i)
        waiting.extend(int(j) for j in np.flatnonzero(near[i]))
    return group


def complete(core: Core, caller: Caller, noun: str, prefix: str) -> list[str]:
    """Up to 100 ids, keys or tags that begin with `prefix`, most recent first."""
    memories = core.store.select(core.visible(caller), limit=500)
    values = {
        "id": [memory.id for memory in memories],
        "key": [memory.key for memory in memories if memory.key],
        "tag": [tag for memory in memories for tag in memory.tags],
    }.get(noun, [])
    return [value for value in dict.fromkeys(values) if value.startswith(prefix)][:100]
