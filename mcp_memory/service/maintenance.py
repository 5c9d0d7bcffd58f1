"""What is done between calls: catch up, expire, fill in vectors, save traces, tidy up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from mcp_memory.domain.ids import new_id
from mcp_memory.errors import McpMemoryError, WriteConflict
from mcp_memory.service.core import Core, expiry_of
from mcp_memory.storage.contract import Actor, Progress

_log = logging.getLogger(__name__)
_FIRST_AFTER_S = 1.0
_EVERY_S = 15.0
_BATCH = 64
_EMBEDDED_AT_ONCE = 16
_CAUGHT_UP_AT_ONCE = 100
_BREATH_S = 0.001
"""Between two pieces of catching up, for whoever waits for the store."""
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
        self._core.due.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._try(lambda: catch_up(self._core, self._stop))
        pause_s = _FIRST_AFTER_S
        while not self._stop.is_set():
            self._core.due.wait(pause_s)
            self._core.due.clear()
            pause_s = _EVERY_S if self._core.embedder.settled() else _FIRST_AFTER_S
            if not self._stop.is_set() and not self._try(lambda: run(self._core, self._stop)):
                self._stop.wait(_EVERY_S)  # whatever else is due: it would fail again

    def _try(self, work: Callable[[], object]) -> bool:
        try:
            work()
            return True
        except McpMemoryError as error:
            _log.warning("housekeeping will be tried again: %s", error)
        except Exception:  # a thread's root: log it, and try again next time
            _log.exception("housekeeping failed and will be tried again")
        return False


def run(core: Core, stop: threading.Event | None = None) -> None:
    """Do everything that is due now; nothing that takes long once it is to `stop`."""
    catch_up(core, stop)
    if stop and stop.is_set():
        return
    expire(core)
    backfill(core, stop)
    core.traces.flush()
    core.store.maintain()


def catch_up(core: Core, stop: threading.Event | None = None) -> None:
    """Let reads take in what they are behind by, in pieces, between which others come in."""
    never = threading.Event()
    while core.store.catch_up(_CAUGHT_UP_AT_ONCE) and not (stop or never).wait(_BREATH_S):
        pass


def rebuild(core: Core, progress: Progress) -> None:
    """Make anew all that reads are answered from, texts first; see `MemoryService.rebuild`."""
    changes = 0

    def texts(done: int, total: int) -> None:
        nonlocal changes
        changes = total
        progress(done, 2 * total)  # about one vector a change; how many is not known yet

    def vectors(done: int) -> None:
        progress(changes + min(done, waiting), changes + waiting)

    waiting = core.store.rebuild(texts)
    if core.embedder.ready(core.policy.model_wait_s):
        backfill(core, told=vectors)
        vectors(waiting)


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


def backfill(
    core: Core,
    stop: threading.Event | None = None,
    told: Callable[[int], None] | None = None,
) -> int:
    """Embed what was stored while the model could not be used. Returns how many.

    `told` is called with how many so far.
    """
    total = 0
    while core.embedder.ready() and not (stop and stop.is_set()):
        with core.filling:  # two at once would make the same vectors
            found = _embedded(core)
        if not found:
            break
        total += found
        if told is not None:
            told(total)
    return total


def _embedded(core: Core) -> int:
    waiting = core.store.unembedded(_EMBEDDED_AT_ONCE)
    vectors = core.embed([memory.content for memory in waiting])
    found = {
        (memory.id, memory.revision): windows
        for memory, windows in zip(waiting, vectors, strict=True)
        if windows is not None
    }
    if found:
        core.store.embed(found)
    return len(found)
