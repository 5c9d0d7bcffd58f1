"""remember: take drafts in, find what they repeat, replace or resemble, and store them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mcp_memory.domain.ids import ending, new_id
from mcp_memory.domain.memory import Caller, Memory, Scope
from mcp_memory.domain.requests import BATCH_MAX, Draft
from mcp_memory.domain.results import RememberResult
from mcp_memory.domain.statements import slot_of
from mcp_memory.domain.text import kept, query_terms
from mcp_memory.errors import InvalidInput, NotFound, ScopeMissing
from mcp_memory.ranking import may_conflict, tells
from mcp_memory.service import policy as limits
from mcp_memory.service.core import ANY_STATUS, IN_FORCE, Core, actor
from mcp_memory.service.echo import Echo, echoes_of, undecorated
from mcp_memory.service.remember.plan import Plan, Prepared
from mcp_memory.service.remember.project_aliases import placed
from mcp_memory.service.type_checks import check
from mcp_memory.service.validation import DraftValidator, altered
from mcp_memory.storage.contract import Candidate, Filter, Progress

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Windows

_Neighbours = tuple[Candidate, ...]

_NEIGHBOURS = 8


def remember(
    core: Core, caller: Caller, drafts: Sequence[Draft], progress: Progress | None = None
) -> list[RememberResult]:
    """Store each draft, merge it, or let it replace another, in one transaction.

    A draft that cannot be accepted is rejected, with its reason, and the others go on.

    `progress` is called after each text, which may have taken seconds, and may raise to
    stop the work: what it raises goes through unchanged, and nothing is stored. Once it is
    being decided what to write it is no longer called, and nothing can be stopped.

    Raises InvalidInput where there are too many drafts, or they are too large together.
    """
    if not 1 <= len(drafts) <= BATCH_MAX:
        raise InvalidInput(
            "memories", f"{len(drafts)} items", f"expected 1 to {BATCH_MAX} in one call"
        )
    now = core.clock()
    taken = [
        # Each is recorded a microsecond after the one said before it.
        _taken_in(core, caller, draft, f"memories[{i}]", now + timedelta(microseconds=i))
        for i, draft in enumerate(drafts)
    ]
    size = sum(len(t.memory.content.encode()) for t in taken if isinstance(t, _Taken))
    if size > limits.BATCH_BYTES_MAX and len(drafts) > 1:
        raise InvalidInput(
            "memories", f"{size} bytes", f"expected at most {limits.BATCH_BYTES_MAX} in one call"
        )
    core.store.catch_up()  # what is not known cannot be compared with
    taken = [_with_whole_ids(core, caller, t) if isinstance(t, _Taken) else t for t in taken]
    accepted = [
        replace(t, memory=placed(core, caller, t.memory)) for t in taken if isinstance(t, _Taken)
    ]
    echoes = [_echo(core, caller, t.draft) for t in accepted]
    prepared = _prepare(core, accepted, echoes, progress)
    request = new_id()

    def store() -> list[RememberResult]:
        plan = _plan(core, caller, accepted, prepared)
        if plan.writes:
            core.write(caller, request, plan.writes)
        return plan.outcomes

    outcomes = iter(core.settle(store) if prepared else ())
    return [_noted(next(outcomes), t.draft) if isinstance(t, _Taken) else t for t in taken]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Taken:
    """A draft that can be accepted, and the memory it would be. `field` is what errors name."""

    field: str
    draft: Draft
    memory: Memory


def _taken_in(
    core: Core, caller: Caller, draft: Draft, field: str, now: datetime
) -> _Taken | RememberResult:
    """The draft as a memory recorded now, or why it is rejected."""
    intake = DraftValidator(caller=caller, policy=core.policy, now=now)
    try:
        check(draft, field)
        content = undecorated(draft.content, draft.key)
        memory = intake.memory(replace(draft, content=content), field)
    except (InvalidInput, ScopeMissing) as error:
        return RememberResult.rejected(error)
    return _Taken(field=field, draft=draft, memory=memory)


def _noted(outcome: RememberResult, draft: Draft) -> RememberResult:
    """The outcome, which says too what is not stored as it was sent."""
    bare = undecorated(draft.content, draft.key)
    is_cut = bare != draft.content and outcome.status != "merged"
    marks = "stored without the marks of a recalled line" if is_cut else ""
    said = (outcome.reason, marks, kept(bare)[1], altered(draft))
    return replace(outcome, reason="; ".join(filter(None, said)))


def _with_whole_ids(core: Core, caller: Caller, taken: _Taken) -> _Taken | RememberResult:
    """The draft with the whole ids of what it supersedes; rejected where one is unknown."""
    ids, field = taken.draft.supersedes, f"{taken.field}.supersedes"
    if not ids:
        return taken
    try:
        if len(ids) > limits.IDS_MAX:
            raise InvalidInput(field, f"{len(ids)} ids", f"expected at most {limits.IDS_MAX}")
        found = core.named(caller, field, ids)
    except InvalidInput as error:
        return RememberResult.rejected(error)
    except NotFound as error:
        return RememberResult.rejected(error, f"{field}: {error}")
    whole = tuple(memory.id for memory in found)
    return replace(taken, draft=replace(taken.draft, supersedes=whole))


def _echo(core: Core, caller: Caller, draft: Draft) -> Memory | None:
    """The first of the memories whose recalled lines a draft is, if it says nothing else.

    A line counts that any revision says: what recall returned may have changed since.
    """
    lines = echoes_of(draft.content)
    bare = Draft(content=draft.content, type=draft.type, trust=draft.trust, source=draft.source)
    if not lines or draft != bare:
        return None
    where = core.visible(caller, ANY_STATUS)
    where = replace(where, endings=tuple({ending(line.id) for line in lines}))
    known = {ending(m.id): m for m in core.store.select(where, limit=2 * len(lines))}
    for line in lines:
        memory = known.get(ending(line.id))
        if memory is None or not (line.repeats(memory) or _once_said(core, caller, memory, line)):
            return None
    return known[ending(lines[0].id)]


def _once_said(core: Core, caller: Caller, memory: Memory, line: Echo) -> bool:
    past = core.store.history(memory.id, caller.partitions())
    return any(line.repeats(revision.memory) for revision in past)


def _prepare(
    core: Core,
    accepted: Sequence[_Taken],
    echoes: Sequence[Memory | None],
    progress: Progress | None,
) -> list[Prepared]:
    """Embed each draft; the neighbours of one are looked up while the next is embedded."""
    pending: list[tuple[Windows | None, bool, Future[_Neighbours]]] = []
    try:
        vectors = core.each_embedded([taken.memory.content for taken in accepted])
        for taken, windows in zip(accepted, vectors, strict=True):
            memory, is_last = taken.memory, len(pending) + 1 == len(accepted)
            # The vector of a text that the model cannot read is that of any in its script.
            is_known = core.embedder.knows(memory.content)
            told_by = windows if is_known else None
            found = _look_up(core, memory, told_by, at_once=is_last)
            pending.append((windows, is_known, found))
            if progress is not None:
                progress(len(pending), len(accepted))
    except BaseException:
        for *_, found in pending:  # nobody waits for them now, and others wait behind them
            found.cancel()
        raise
    return [
        Prepared(
            memory=taken.memory,
            echo=echo,
            supersedes=taken.draft.supersedes,
            windows=windows,
            is_known=is_known,
            neighbours=found.result(),
        )
        for taken, echo, (windows, is_known, found) in zip(accepted, echoes, pending, strict=True)
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
    caller: Caller
    prepared: Sequence[Prepared]

    def same_text(self) -> list[Memory]:
        """What is stored already word for word, with the same key."""
        memories = [p.memory for p in self.prepared]
        partitions = tuple(dict.fromkeys(m.partition for m in memories))
        where = Filter(
            partitions=partitions,
            now=self.core.clock(),
            statuses=IN_FORCE,
            fingerprints=tuple({m.fingerprint for m in memories}),
        )
        return self.core.store.select(where, limit=len(memories) * len(partitions))

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
        """The memories that `supersedes` names, as they are now; some may be gone."""
        ids = tuple(dict.fromkeys(i for p in self.prepared for i in p.supersedes))
        where = replace(self.core.visible(self.caller, ANY_STATUS), ids=ids)
        return self.core.store.select(where, limit=len(ids)) if ids else []

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


def _plan(
    core: Core, caller: Caller, accepted: Sequence[_Taken], prepared: Sequence[Prepared]
) -> Plan:
    lookup = _Known(core=core, caller=caller, prepared=prepared)
    known = [
        *lookup.same_text(),
        *lookup.same_key(),
        *lookup.named(),
        *lookup.neighbours(),
    ]
    now = prepared[0].memory.recorded_at
    ids = [memory.id for memory in known]
    since = now - core.policy.echo_window
    returned = core.returned.among(caller.tenant, caller.user, ids, since)
    said = frozenset(item.memory.fingerprint for item in prepared)
    plan = Plan(policy=core.policy, by=actor(caller), now=now, returned=returned, said=said)
    plan.know(known)
    for taken, item in zip(accepted, prepared, strict=True):
        try:
            _check_ended(f"{taken.field}.supersedes", item, plan)
        except (InvalidInput, NotFound) as error:
            plan.outcomes.append(RememberResult.rejected(error))
        else:
            plan.take(item)
    return plan


def _check_ended(field: str, item: Prepared, plan: Plan) -> None:
    """What a draft ends is there; and what the tenant shares ends only for what is shared."""
    for memory_id in item.supersedes:
        old = plan.state.get(memory_id)
        if old is None:  # somebody erased it meanwhile
            raise NotFound("memory", memory_id)
        if old.scope is Scope.TENANT and item.memory.scope is not Scope.TENANT:
            raise InvalidInput(
                field,
                memory_id,
                "this memory is shared in scope tenant; give the new one scope tenant too",
            )
