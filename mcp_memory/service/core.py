"""What every use case works with, and the few steps that several share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, TypeVar

from mcp_memory.domain.ids import bare, ending, is_ending
from mcp_memory.domain.memory import Caller, ChangeKind, Memory, Scope, Status
from mcp_memory.domain.permissions import Permission, require
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.embedding.reranker import Reranker
from mcp_memory.errors import InvalidInput, ModelUnavailable, NotFound, StoreClosed, WriteConflict
from mcp_memory.service.echo import Returned
from mcp_memory.service.locks import SharedLock
from mcp_memory.service.policy import Policy
from mcp_memory.service.trace_buffer import TraceBuffer
from mcp_memory.storage.contract import Actor, Filter, Store, Write

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Vector, Windows

_TRIES_TOGETHER = 2
_TRIES_ALONE = 5
_Changed = TypeVar("_Changed")
_Made = TypeVar("_Made")

ANY_STATUS: tuple[Status, ...] = ()
IN_FORCE = (Status.ACTIVE, Status.EXPIRED)
"""Active memories, those included whose time is up but that were not swept yet."""


def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="mcp-memory-helper")


@dataclass(frozen=True, kw_only=True, slots=True)
class Core:
    """The parts of a running service.

    Two threads help: `lookups` finds neighbours while the next texts are embedded,
    `queries` embeds a query while the store searches by its words.
    """

    store: Store
    embedder: Embedder
    reranker: Reranker
    policy: Policy
    clock: Callable[[], datetime]
    traces: TraceBuffer
    lookups: ThreadPoolExecutor = field(default_factory=_helpers)
    queries: ThreadPoolExecutor = field(default_factory=_helpers)
    returned: Returned = field(default_factory=Returned)
    deciding: SharedLock = field(default_factory=SharedLock)
    filling: Lock = field(default_factory=Lock)
    """Held while vectors that are missing are made."""
    due: Event = field(default_factory=Event)
    """Set when housekeeping is needed before its turn."""

    def embed(self, texts: Sequence[str]) -> list[Windows | None]:
        """The vectors of each text; None each while the model cannot be used."""
        return list(self.each_embedded(texts))

    def each_embedded(self, texts: Sequence[str]) -> Iterator[Windows | None]:
        """The same one by one, each as soon as it is made; the model is waited for once."""
        usable = bool(texts) and self.embedder.ready(self.policy.model_wait_s)
        for text in texts:
            windows = None
            if usable:
                try:
                    (windows,) = self.embedder.embed([text])
                except ModelUnavailable:
                    usable = False
            yield windows

    def embed_query(self, text: str) -> Vector | None:
        """The vector of a query; None while the model cannot be used."""
        if not self.embedder.ready(self.policy.model_wait_s):
            return None
        try:
            return self.embedder.embed_query(text)
        except ModelUnavailable:
            return None

    def beside(self, helper: ThreadPoolExecutor, work: Callable[[], _Made]) -> Future[_Made]:
        """Have work done by a helper while the caller goes on. Raises StoreClosed."""
        try:
            return helper.submit(work)
        except RuntimeError as error:  # its thread has ended
            raise StoreClosed("the store was closed; open it again") from error

    def settle(self, change: Callable[[], _Changed], *, alone: bool = False) -> _Changed:
        """Run a change that reads, decides and writes.

        Changes are decided side by side, so that their writes can share a commit. Where
        the store refuses what was decided, for another came between, it is decided anew;
        after two refusals with nobody beside it, as it is from the first when it must be
        `alone`. A store that several processes share may still see one come between: it
        raises WriteConflict after five times.
        """
        for _ in range(0 if alone else _TRIES_TOGETHER):
            with suppress(WriteConflict), self.deciding.together():
                return change()
        with self.deciding.alone():
            for _ in range(_TRIES_ALONE - 1):
                with suppress(WriteConflict):
                    return change()
            return change()

    def write(self, caller: Caller, request: str, writes: Sequence[Write]) -> None:
        """Make a caller's changes durable. Raises NotPermitted, and what `Store.write` raises."""
        check_team(caller, [write.memory for write in writes])
        self.store.write(request, writes)

    def lag(self) -> str:
        """How far answers are behind, in words; "" when they are not. Has it caught up with."""
        said = self.store.lag()
        if said:
            self.due.set()
        return said

    def visible(self, caller: Caller, statuses: tuple[Status, ...] = (Status.ACTIVE,)) -> Filter:
        """Everything the caller may see, of the given statuses (none given: of any)."""
        return Filter(partitions=caller.partitions(), now=self.clock(), statuses=statuses)

    def one(self, caller: Caller, memory_id: str) -> Memory:
        """The current revision of a memory, of any status, by its id or the end of it.

        Raises NotFound, or InvalidInput where several ids end so.
        """
        return self.named(caller, "id", [memory_id])[0]

    def named(self, caller: Caller, field: str, ids: Sequence[str]) -> list[Memory]:
        """The same for several, in their order, each once. `field` is what an error names."""
        names = {i: bare(i) or i.strip().lower() for i in ids}
        asked = tuple(dict.fromkeys(names.values()))
        whole = tuple(i for i in asked if is_id(i))
        endings = tuple(i for i in asked if is_ending(i))
        visible = self.visible(caller, ANY_STATUS)
        found = self._some(replace(visible, ids=whole)) if whole else []
        found += self._some(replace(visible, endings=endings)) if endings else []
        by_name: dict[str, list[Memory]] = {}
        for memory in found:
            for name in (memory.id, ending(memory.id)):
                if memory not in by_name.setdefault(name, []):
                    by_name[name].append(memory)
        for called, name in names.items():
            if name not in by_name:
                raise NotFound("memory", called)
            if len(by_name[name]) > 1:
                several = ", ".join(memory.id for memory in by_name[name][:3])
                raise InvalidInput(field, name, f"several ids end so; give a whole one: {several}")
        return list({(m := by_name[name][0]).id: m for name in asked}.values())

    def _some(self, where: Filter) -> list[Memory]:
        return self.store.select(where, limit=2 * len(where.ids or where.endings))


def actor(caller: Caller) -> Actor:
    """The caller, as the journal names it."""
    return Actor(user=caller.user, agent=caller.agent, client=caller.client)


def may_change(caller: Caller, scope: Scope) -> bool:
    """Whether the caller may change what is in a scope: the team's only with a permission."""
    return scope is not Scope.TENANT or Permission.TEAM in caller.permissions


def check_team(caller: Caller, changed: Iterable[Memory]) -> None:
    """Raise NotPermitted where a memory of the team would be changed and the caller may not."""
    if not all(may_change(caller, memory.scope) for memory in changed):
        require(caller.permissions, Permission.TEAM, "change what is shared in scope tenant")


def is_id(text: str) -> bool:
    """Whether a text can be a memory's id at all; anything else is never looked up."""
    return len(text) == 36 and text.isascii() and all(c.isalnum() or c == "-" for c in text)


def expiry_of(memory: Memory, now: datetime, by: Actor) -> Write | None:
    """The write that marks a memory as expired, if its time is up."""
    if memory.status is not Status.ACTIVE or memory.expires_at is None or memory.expires_at > now:
        return None
    expired = successor(memory, now, status=Status.EXPIRED)
    return Write(verb=ChangeKind.EXPIRE, memory=expired, actor=by, reason="its time was up")


def successor(memory: Memory, now: datetime, **changes: Any) -> Memory:
    """The next revision of a memory, recorded now (never before the one it follows)."""
    changes.setdefault("revision", memory.revision + 1)
    changes.setdefault("merged", "")
    return replace(memory, recorded_at=max(now, memory.recorded_at), **changes)
