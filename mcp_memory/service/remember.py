"""remember: take drafts in, find what they repeat, replace or resemble, and store them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from mcp_memory.errors import InvalidInput
from mcp_memory.ids import ending, new_id
from mcp_memory.likeness import slot_of
from mcp_memory.model import Level, Memory, Scope
from mcp_memory.ranking import may_conflict, tells
from mcp_memory.requests import Draft
from mcp_memory.results import Remembered
from mcp_memory.service import policy as limits
from mcp_memory.service.core import ANY_STATUS, IN_FORCE, Core, actor
from mcp_memory.service.echo import Echo, echoes_of, undecorated
from mcp_memory.service.intake import Intake
from mcp_memory.service.merging import Plan, Prepared
from mcp_memory.storage.contract import Candidate, Filter, Progress
from mcp_memory.text import query_terms

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Windows

_Neighbours = tuple[Candidate, ...]

_NEIGHBOURS = 8


def remember(
    core: Core, scope: Scope, drafts: Sequence[Draft], progress: Progress | None = None
) -> list[Remembered]:
    """Store each draft, merge it, or let it replace another; all of them or none.

    `progress` is called after each text, which may have taken seconds, and may raise to
    stop the work: what it raises goes through unchanged, and nothing is stored. Once it is
    being decided what to write it is no longer called, and nothing can be stopped.

    Raises InvalidInput, ScopeMissing or NotFound for the first draft that cannot be
    accepted; nothing is stored then.
    """
    if not 1 <= len(drafts) <= limits.BATCH_MAX:
        raise InvalidInput(
            "memories", f"{len(drafts)} items", f"expected 1 to {limits.BATCH_MAX} in one call"
        )
    memories = _taken_in(core, scope, drafts)
    size = sum(len(memory.content.encode()) for memory in memories)
    if size > limits.BATCH_BYTES_MAX and len(memories) > 1:
        raise InvalidInput(
            "memories", f"{size} bytes", f"expected at most {limits.BATCH_BYTES_MAX} in one call"
        )
    core.store.catch_up()  # what is not known cannot be compared with
    drafts = [
        _with_whole_ids(core, scope, draft, f"memories[{i}].supersedes")
        for i, draft in enumerate(drafts)
    ]
    echoes = [_echo(core, scope, draft) for draft in drafts]
    prepared = _prepare(core, memories, drafts, echoes, progress)
    request = new_id()

    def store() -> list[Remembered]:
        plan = _plan(core, scope, prepared, _same_text(core, memories))
        if plan.writes:
            core.write(scope, request, plan.writes)
        return plan.outcomes

    return core.settle(store)


def _taken_in(core: Core, scope: Scope, drafts: Sequence[Draft]) -> list[Memory]:
    """The drafts as memories; each is recorded a microsecond after the one said before it."""
    now = core.clock()
    return [
        Intake(scope=scope, policy=core.policy, now=now + timedelta(microseconds=i)).memory(
            replace(draft, content=undecorated(draft.content, draft.key)), f"memories[{i}]"
        )
        for i, draft in enumerate(drafts)
    ]


def _with_whole_ids(core: Core, scope: Scope, draft: Draft, field: str) -> Draft:
    """The draft with the whole ids of what it supersedes. Raises NotFound."""
    if not draft.supersedes:
        return draft
    if len(draft.supersedes) > limits.IDS_MAX:
        raise InvalidInput(
            field, f"{len(draft.supersedes)} ids", f"expected at most {limits.IDS_MAX}"
        )
    found = core.named(scope, field, draft.supersedes)
    return replace(draft, supersedes=tuple(memory.id for memory in found))


def _echo(core: Core, scope: Scope, draft: Draft) -> Memory | None:
    """The first of the memories whose recalled lines a draft is, if it says nothing else.

    A line counts that any revision says: what recall returned may have changed since.
    """
    lines = echoes_of(draft.content)
    bare = Draft(content=draft.content, type=draft.type, trust=draft.trust, source=draft.source)
    if not lines or draft != bare:
        return None
    where = core.visible(scope, ANY_STATUS)
    where = replace(where, endings=tuple({ending(line.id) for line in lines}))
    known = {ending(m.id): m for m in core.store.select(where, limit=2 * len(lines))}
    for line in lines:
        memory = known.get(ending(line.id))
        if memory is None or not (line.repeats(memory) or _once_said(core, scope, memory, line)):
            return None
    return known[ending(lines[0].id)]


def _once_said(core: Core, scope: Scope, memory: Memory, line: Echo) -> bool:
    past = core.store.history(memory.id, scope.partitions())
    return any(line.repeats(revision.memory) for revision in past)


def _prepare(
    core: Core,
    memories: Sequence[Memory],
    drafts: Sequence[Draft],
    echoes: Sequence[Memory | None],
    progress: Progress | None,
) -> list[Prepared]:
    """Embed each draft; the neighbours of one are looked up while the next is embedded."""
    pending: list[tuple[Windows | None, bool, Future[_Neighbours]]] = []
    try:
        vectors = core.each_embedded([memory.content for memory in memories])
        for memory, windows in zip(memories, vectors, strict=True):
            is_last = len(pending) + 1 == len(memories)
            # The vector of a text that the model cannot read is that of any in its script.
            is_known = core.embedder.knows(memory.content)
            told_by = windows if is_known else None
            found = _look_up(core, memory, told_by, at_once=is_last)
            pending.append((windows, is_known, found))
            if progress is not None:
                progress(len(pending), len(memories))
    except BaseException:
        for *_, found in pending:  # nobody waits for them now, and others wait behind them
            found.cancel()
        raise
    return [
        Prepared(
            memory=memory,
            echo=echo,
            supersedes=tuple(draft.supersedes),
            windows=windows,
            is_known=is_known,
            neighbours=found.result(),
        )
        for memory, draft, echo, (windows, is_known, found) in zip(
            memories, drafts, echoes, pending, strict=True
        )
    ]


def _look_up(
    core: Core, memory: Memory, windows: Windows | None, *, at_once: bool
) -> Future[_Neighbours]:
    """Find the neighbours of a draft, now or beside the embedding of the next ones."""
    asked = tuple(query_terms(memory.content)) if tells(memory.content) else ()
    if (windows is not None or asked) and not at_once:
        return core.beside(core.lookups, lambda: _neighbours(core, memory, windows, asked))
    found = Future[_Neighbours]()
    is_any = windows is not None or asked
    found.set_result(_neighbours(core, memory, windows, asked) if is_any else ())
    return found


def _same_text(core: Core, memories: Sequence[Memory]) -> list[Memory]:
    """What is stored already word for word, with the same key."""
    partitions = tuple(dict.fromkeys(m.partition for m in memories))
    where = Filter(
        partitions=partitions,
        now=core.clock(),
        statuses=IN_FORCE,
        fingerprints=tuple({m.fingerprint for m in memories}),
    )
    return core.store.select(where, limit=len(memories) * len(partitions))


def _neighbours(
    core: Core, memory: Memory, windows: Windows | None, asked: Sequence[str]
) -> _Neighbours:
    """What is near by meaning; and by the words `asked`, of which only what may conflict."""
    where = Filter(partitions=(memory.partition,), now=memory.recorded_at)
    vector = None if windows is None else windows[0]
    found = core.store.propose(
        where, terms=asked, vector=vector, limit=_NEIGHBOURS, least=core.policy.similar
    ).candidates
    return tuple(c for c in found if _is_near(core, c) or may_conflict(memory, c.memory))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """Reads what else a plan needs to know of the store."""

    core: Core
    scope: Scope
    prepared: Sequence[Prepared]

    def same_key(self) -> list[Memory]:
        keyed = [p.memory for p in self.prepared if p.memory.key]
        slots = {(memory.partition, slot_of(memory.key)): memory.key for memory in keyed}
        found: list[Memory] = []
        for (partition, _), key in slots.items():
            where = Filter(
                partitions=(partition,), now=self.core.clock(), statuses=IN_FORCE, key=key
            )
            found += self.core.store.select(where)
        return found

    def named(self) -> list[Memory]:
        """The memories that `supersedes` names, as they are now."""
        ids = tuple(dict.fromkeys(i for p in self.prepared for i in p.supersedes))
        return self.core.named(self.scope, "supersedes", ids)

    def neighbours(self) -> list[Memory]:
        """The neighbours as they are now, for one may have changed since it was found."""
        near = [c.memory.id for p in self.prepared for c in p.neighbours]
        if not near:
            return []
        where = Filter(
            partitions=tuple(dict.fromkeys(p.memory.partition for p in self.prepared)),
            now=self.core.clock(),
            ids=tuple(dict.fromkeys(near)),
        )
        return self.core.store.select(where, limit=len(near))


def _is_near(core: Core, candidate: Candidate) -> bool:
    return candidate.similarity is not None and candidate.similarity >= core.policy.similar


def _plan(core: Core, scope: Scope, prepared: Sequence[Prepared], same: Sequence[Memory]) -> Plan:
    lookup = _Known(core=core, scope=scope, prepared=prepared)
    known = [
        *same,
        *lookup.same_key(),
        *lookup.named(),
        *lookup.neighbours(),
    ]
    now = prepared[0].memory.recorded_at
    ids = [memory.id for memory in known]
    since = now - core.policy.echo_window
    returned = core.returned.among(scope.tenant, scope.user, ids, since)
    said = frozenset(item.memory.fingerprint for item in prepared)
    plan = Plan(policy=core.policy, by=actor(scope), now=now, returned=returned, said=said)
    plan.know(known)
    for i, item in enumerate(prepared):
        _check_reach(f"memories[{i}].supersedes", item, plan)
        plan.take(item)
    return plan


def _check_reach(field: str, item: Prepared, plan: Plan) -> None:
    """What is shared with the tenant ends only for something that is shared as well."""
    for memory_id in item.supersedes:
        old = plan.state[memory_id]
        if old.level is Level.TENANT and item.memory.level is not Level.TENANT:
            raise InvalidInput(
                field,
                memory_id,
                "this memory is shared at level tenant; give the new one level tenant too",
            )
