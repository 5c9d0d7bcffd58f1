"""Group commit: writes that arrive while another is committing share the next commit.

What a commit costs most is to make it durable, and that costs many writes no more than one.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event, Lock

from mcp_memory.domain.memory import Change
from mcp_memory.errors import StoreError, WriteConflict
from mcp_memory.storage.contract import Write
from mcp_memory.storage.embedded.conflicts import Claims
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.shared import hash_chain

_log = logging.getLogger(__name__)

REQUESTS_MAX = 64
WRITES_MAX = 200
"""Writes of one commit; a request with more is one by itself."""

Packed = list[bytes] | None
"""The vectors of a write as the index keeps them."""


@dataclass(kw_only=True, slots=True, eq=False)
class Pending:
    """One request on its way: what it writes, and what became of it."""

    request: str
    writes: Sequence[Write]
    packed: Sequence[Packed]
    changes: list[Change] | None = None
    error: Exception | None = None
    turn: Event = field(default_factory=Event)
    """Set when it is settled, or when it is the one to commit for all."""

    @property
    def settled(self) -> bool:
        """Whether it is known what became of it."""
        return self.changes is not None or self.error is not None

    def result(self) -> list[Change]:
        """Its journal, or raises why there is none."""
        if self.error is not None:
            raise self.error
        assert self.changes is not None
        return self.changes


class GroupCommit:
    """Whoever comes first commits for all that wait, and then lets the next one do so.

    `alone` gives the store to one thread, with the index in step; `project` tells the index
    of what the record holds. A request that conflicts fails alone. So that an error at
    commit is judged for each, the requests of a commit that failed are written one by one.
    """

    def __init__(
        self,
        record: Record,
        index: Index,
        *,
        alone: Callable[[], AbstractContextManager[None]],
        project: Callable[[Sequence[hash_chain.Entry], Sequence[Packed]], None],
    ) -> None:
        self._record = record
        self._index = index
        self._alone = alone
        self._project = project
        self._lock = Lock()
        self._is_led = False
        self._waiting: deque[Pending] = deque()

    def write(self, pending: Pending) -> list[Change]:
        """Write a request, with others if there are any; see `Store.write`."""
        if not self._leads(pending):
            self._wait(pending)
        if not pending.settled:
            group: list[Pending] = []
            try:
                with self._alone():  # while this is waited for, others may join
                    group += self._take()
                    self._settle(group)
            finally:
                self._pass_on(pending, group)
        return pending.result()

    @property
    def waiting(self) -> int:
        """How many requests no commit has taken yet."""
        with self._lock:
            return len(self._waiting)

    def _leads(self, pending: Pending) -> bool:
        with self._lock:
            self._waiting.append(pending)
            leads, self._is_led = not self._is_led, True
        return leads

    def _wait(self, pending: Pending) -> None:
        try:
            pending.turn.wait()
        except BaseException:  # an interrupt: nobody must wait for this thread to lead
            with self._lock:
                was_first = bool(self._waiting) and self._waiting[0] is pending
                if pending in self._waiting:
                    self._waiting.remove(pending)
                leads = was_first and pending.turn.is_set()
            if leads:
                self._pass_on(pending, [])
            raise

    def _take(self) -> list[Pending]:
        """The first that wait, as many as one commit may hold; at least one."""
        group: list[Pending] = []
        with self._lock:
            writes = 0
            while self._waiting and len(group) < REQUESTS_MAX:
                writes += len(self._waiting[0].writes)
                if group and writes > WRITES_MAX:
                    break
                group.append(self._waiting.popleft())
        return group

    def _pass_on(self, leader: Pending, group: Sequence[Pending]) -> None:
        """Wake those that are settled, and the next to lead; what is not settled waits on."""
        with self._lock:
            if leader in self._waiting:
                self._waiting.remove(leader)
            undone = [pending for pending in group if not pending.settled and pending is not leader]
            self._waiting.extendleft(reversed(undone))
            self._is_led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].turn.set()
        for pending in group:
            if pending.settled:
                pending.turn.set()

    # --- with the store to itself --------------------------------------------------------

    def _settle(self, group: Sequence[Pending]) -> None:
        """Decide what becomes of each, and make what was admitted durable in one commit."""
        admitted, again = self._admitted(group)
        try:
            self._commit(admitted)
        except StoreError as error:
            if len(group) == 1:
                group[0].error = error
                return
            self._settle_each(group)
        for pending in again:
            self._settle_each([pending])

    def _settle_each(self, group: Sequence[Pending]) -> None:
        for pending in group:
            if pending.settled:
                continue
            try:
                with self._alone():  # puts right what the one before it left uncertain
                    self._settle([pending])
            except StoreError as error:
                pending.error = error

    def _admitted(self, group: Sequence[Pending]) -> tuple[list[Pending], list[Pending]]:
        """Those that are to be written; and those of a request that is among these already."""
        claims = Claims(self._index)
        admitted: list[Pending] = []
        again: list[Pending] = []
        requests: set[str] = set()
        for pending in group:
            if pending.request and pending.request in requests:
                again.append(pending)
                continue
            done = self._index.changes_of(pending.request) if pending.request else []
            if done or not pending.writes:
                pending.changes = done
                continue
            try:
                claims.admit(pending.writes)
            except WriteConflict as error:
                pending.error = error
                continue
            requests.add(pending.request)
            admitted.append(pending)
        return admitted, again

    def _commit(self, admitted: Sequence[Pending]) -> None:
        sealed: list[list[hash_chain.Entry]] = []
        number, head = self._record.number, self._record.head
        for pending in admitted:
            sealed.append(hash_chain.seal(pending.request, pending.writes, number, head))
            number, head = sealed[-1][-1].change.number, sealed[-1][-1].head
        entries = [entry for part in sealed for entry in part]
        if entries:
            self._record.append(entries)
            _log.debug("one commit for %d requests", len(admitted))
            self._project(entries, [one for pending in admitted for one in pending.packed])
        for pending, part in zip(admitted, sealed, strict=True):
            pending.changes = [entry.change for entry in part]
