"""Traces wait here until a quiet moment, so that recall never waits for the disk."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager

from mcp_memory.model import Trace
from mcp_memory.storage.contract import Store

_WAITING_MAX = 256
_SAVED_AT_ONCE = 32


class TraceBuffer:
    """Traces not yet saved. A process that is killed loses them, and nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._waiting: OrderedDict[str, Trace] = OrderedDict()
        self._erasures = 0

    def begin(self) -> int:
        """What a recall shows when it adds its trace: which erasures it came after."""
        with self._lock:
            return self._erasures

    def add(self, trace: Trace, begun: int) -> None:
        """Keep a trace for the next flush; the oldest gives way when too many wait.

        A recall that an erasure overtook may have seen what is gone: its trace is not kept.
        """
        with self._lock:
            if begun != self._erasures:
                return
            self._waiting[trace.id] = trace
            while len(self._waiting) > _WAITING_MAX:
                self._waiting.popitem(last=False)

    def get(self, trace_id: str) -> Trace | None:
        """A waiting trace."""
        with self._lock:
            return self._waiting.get(trace_id)

    @contextmanager
    def erasing(self) -> Generator[None]:
        """While this lasts nothing is saved; what is stored before it, the store looks through."""
        with self._saving:
            self._save()
            try:
                yield
            finally:
                with self._lock:
                    self._erasures += 1
                    self._waiting.clear()

    def flush(self) -> None:
        """Save the waiting traces."""
        with self._saving:
            self._save()

    def _save(self) -> None:
        with self._lock:
            waiting = list(self._waiting.values())
        for start in range(0, len(waiting), _SAVED_AT_ONCE):
            batch = waiting[start : start + _SAVED_AT_ONCE]
            self._store.save_traces(batch)
            with self._lock:
                for trace in batch:
                    self._waiting.pop(trace.id, None)
