"""Traces wait here until a quiet moment, so that recall never waits for the disk."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager

from mcp_memory.domain.memory import Memory, Partition, Trace
from mcp_memory.storage import filtering
from mcp_memory.storage.contract import Store

_WAITING_MAX = 256
_SAVED_AT_ONCE = 32
_ERASURES_KNOWN = 64


class TraceBuffer:
    """Traces not yet saved. A process that is killed loses them, and nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._waiting: OrderedDict[str, Trace] = OrderedDict()
        self._erasures = 0
        self._latest: deque[frozenset[filtering.Audience]] = deque(maxlen=_ERASURES_KNOWN)
        """Who could see what the latest erasures took."""

    def begin(self) -> int:
        """What a recall shows when it adds its trace: which erasures it came after."""
        with self._lock:
            return self._erasures

    def add(self, trace: Trace, begun: int) -> None:
        """Keep a trace for the next flush; the oldest gives way when too many wait.

        A recall that an erasure overtook may have seen what is gone: its trace is not kept,
        unless whoever recalled could not see that.
        """
        with self._lock:
            if self._is_overtaken(trace, self._erasures - begun):
                return
            self._waiting[trace.id] = trace
            while len(self._waiting) > _WAITING_MAX:
                self._waiting.popitem(last=False)

    def get(self, trace_id: str) -> Trace | None:
        """A waiting trace."""
        with self._lock:
            return self._waiting.get(trace_id)

    def of(self, partition: Partition, seen: Sequence[Partition], limit: int) -> list[Trace]:
        """The newest traces that have a partition, waiting or stored; see `Store.traces_of`."""
        with self._lock:
            waiting = list(self._waiting.values())
        stored = self._store.traces_of(partition, seen, limit)
        known = {trace.id: trace for trace in (*stored, *waiting)}
        return filtering.traces_of(known.values(), partition, seen, limit)

    @contextmanager
    def erasing(self, erased: Iterable[Memory]) -> Generator[None]:
        """While this lasts nothing is saved; what is stored before it, the store looks through."""
        seen_by = frozenset(filtering.audience(memory.partition) for memory in erased)
        with self._saving:
            self._save()
            try:
                yield
            finally:
                with self._lock:
                    self._erasures += 1
                    self._latest.append(seen_by)
                    for trace in list(self._waiting.values()):
                        if self._is_overtaken(trace, 1):
                            del self._waiting[trace.id]

    def flush(self) -> None:
        """Save the waiting traces."""
        with self._saving:
            self._save()

    def _is_overtaken(self, trace: Trace, erasures: int) -> bool:
        """Whether one of the latest so many erasures took what this recall may have seen."""
        if erasures > len(self._latest):
            return True
        of = filtering.audiences(trace)
        return any(not of.isdisjoint(self._latest[-n]) for n in range(1, erasures + 1))

    def _save(self) -> None:
        with self._lock:
            waiting = list(self._waiting.values())
        for start in range(0, len(waiting), _SAVED_AT_ONCE):
            batch = waiting[start : start + _SAVED_AT_ONCE]
            self._store.save_traces(batch)
            with self._lock:
                for trace in batch:
                    self._waiting.pop(trace.id, None)
