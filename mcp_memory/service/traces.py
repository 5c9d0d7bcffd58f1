"""Traces wait here until a quiet moment, so that recall never waits for the disk."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection

from mcp_memory.model import Trace
from mcp_memory.storage.contract import Store

_WAITING_MAX = 256
_SAVED_AT_ONCE = 32


class TraceBuffer:
    """Traces not yet saved. A process that is killed loses them, and nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, Trace] = OrderedDict()

    def add(self, trace: Trace) -> None:
        """Keep a trace for the next flush; the oldest gives way when too many wait."""
        with self._lock:
            self._waiting[trace.id] = trace
            while len(self._waiting) > _WAITING_MAX:
                self._waiting.popitem(last=False)

    def get(self, trace_id: str) -> Trace | None:
        """A waiting trace."""
        with self._lock:
            return self._waiting.get(trace_id)

    def drop(self) -> None:
        """Lose all waiting traces: an erase must leave none that mention what it erased."""
        with self._lock:
            self._waiting.clear()

    def flush(self) -> None:
        """Save the waiting traces."""
        with self._lock:
            waiting = list(self._waiting.values())
        for start in range(0, len(waiting), _SAVED_AT_ONCE):
            batch = waiting[start : start + _SAVED_AT_ONCE]
            self._store.save_traces(batch)
            self._saved({trace.id for trace in batch})

    def _saved(self, ids: Collection[str]) -> None:
        with self._lock:
            for trace_id in ids:
                self._waiting.pop(trace_id, None)
