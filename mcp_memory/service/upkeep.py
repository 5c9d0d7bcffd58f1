"""What is done between calls: expire, fill in vectors, save traces, let the store tidy up."""

from __future__ import annotations

import logging
import threading

from mcp_memory.errors import McpMemoryError, WriteConflict
from mcp_memory.ids import new_id
from mcp_memory.service.core import Core, expiry_of
from mcp_memory.storage.contract import Actor

_log = logging.getLogger(__name__)
_FIRST_AFTER_S = 1.0
_EVERY_S = 15.0
_BATCH = 64
_BY = Actor(user="", agent="mcp-memory", client="mcp-memory")


class Upkeep:
    """A thread that does the housekeeping that is due."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mcp-memory-upkeep", daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step under way, and wait for it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause_s = _FIRST_AFTER_S
        while not self._stop.wait(pause_s):
            pause_s = _EVERY_S if self._core.embedder.settled() else _FIRST_AFTER_S
            try:
                run(self._core, self._stop)
            except McpMemoryError as error:
                _log.warning("housekeeping will be tried again: %s", error)
            except Exception:  # a thread's root: log it, and try again next time
                _log.exception("housekeeping failed and will be tried again")


def run(core: Core, stop: threading.Event | None = None) -> None:
    """Do everything that is due now."""
    expire(core)
    backfill(core, stop)
    core.traces.flush()
    core.store.maintain()


def expire(core: Core) -> int:
    """Mark the memories whose time is up. Returns how many."""
    total = 0
    while due := core.store.overdue(core.clock(), _BATCH):
        found = (expiry_of(memory, core.clock(), _BY) for memory in due)
        writes = [write for write in found if write is not None]
        try:
            with core.deciding.together():
                core.store.write(new_id(), writes)
        except WriteConflict:
            return total  # someone changed one of them just now; next time
        total += len(writes)
    return total


def backfill(core: Core, stop: threading.Event | None = None) -> int:
    """Embed what was stored while the model could not be used. Returns how many."""
    total = 0
    while core.embedder.ready() and not (stop and stop.is_set()):
        waiting = core.store.unembedded(_BATCH)
        if not waiting:
            break
        vectors = core.embed([memory.content for memory in waiting])
        found = {
            (memory.id, memory.revision): windows
            for memory, windows in zip(waiting, vectors, strict=True)
            if windows is not None
        }
        if not found:
            break
        core.store.embed(found)
        total += len(found)
    return total
