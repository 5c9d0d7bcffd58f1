"""Who is served when: reads beside writes, one client's writes in turn with the others'.

The event loop hands the work of requests to threads here. Reads have threads of their own,
so that no bulk load keeps a recall waiting. Of one client two reads and one write are at
work at a time, in the order it asked, and clients take turns; what waits is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import anyio.to_thread

from mcp_memory.errors import Overloaded

READS = 4
READS_EACH = 2
"""How many reads of one client are at work at a time, so that those of others find room."""
WRITES = 4
READS_WAITING_MAX = 256
WRITES_WAITING_MAX = 256
"""Of one client, beside those at work."""

_Done = TypeVar("_Done")


@dataclass(kw_only=True, slots=True)
class Turn:
    """One client's place in the lanes: how much of it is there, and whose turn it is."""

    reads: int = 0
    writes: int = 0
    reading: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(READS_EACH))
    writing: anyio.Lock = field(default_factory=anyio.Lock)


class Lanes:
    """The threads of one server. Lives on the event loop."""

    def __init__(self) -> None:
        self._reads = anyio.CapacityLimiter(READS)
        self._writes = anyio.CapacityLimiter(WRITES)

    async def read(self, turn: Turn, work: Callable[[], _Done]) -> _Done:
        """Do work that changes nothing. Raises Overloaded when too much waits already."""
        if turn.reads >= READS_WAITING_MAX + READS_EACH:
            raise Overloaded(_told("reads", READS_WAITING_MAX))
        turn.reads += 1
        try:
            async with turn.reading:
                return await anyio.to_thread.run_sync(work, limiter=self._reads)
        finally:
            turn.reads -= 1

    async def write(self, turn: Turn, work: Callable[[], _Done]) -> _Done:
        """Do work that may change something. Raises Overloaded when too much waits already."""
        if turn.writes > WRITES_WAITING_MAX:
            raise Overloaded(_told("writes", WRITES_WAITING_MAX))
        turn.writes += 1
        try:
            async with turn.writing:
                return await anyio.to_thread.run_sync(work, limiter=self._writes)
        finally:
            turn.writes -= 1


def _told(noun: str, most: int) -> str:
    return (
        f"{most} {noun} of this client are waiting already, so this one was not begun and"
        " nothing was stored; wait for answers, then ask again"
    )
