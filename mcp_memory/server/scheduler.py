"""Who is served when: reads beside writes, one client's writes in turn with the others'.

The event loop hands the work of requests to threads here. Reads have threads of their own,
so that no bulk load keeps a recall waiting. Of one client two reads and one write are at
work at a time, in the order it asked, and clients take turns; what waits is bounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import anyio.to_thread

from mcp_memory.errors import Overloaded, ShuttingDown

READS = 4
READS_EACH = 2
"""How many reads of one client are at work at a time, so that those of others find room."""
WRITES = 4
READS_WAITING_MAX = 256
WRITES_WAITING_MAX = 256
"""Of one client, beside those at work."""
QUESTION_S = 50.0
"""How long a client may take to answer a question to its user: most wait a minute for a call."""

_Done = TypeVar("_Done")


@dataclass(kw_only=True, slots=True)
class ClientQueue:
    """One client's place in the lanes: how much of it is there, and whose turn it is.

    What has waited for `patience_s` seconds without being begun is not begun any more.
    A client that `is_answered_here` has nobody who would repeat at another process what
    this one did not answer: at the end it is told of each request how that one went.
    """

    patience_s: float = math.inf
    is_answered_here: bool = False
    reads: int = 0
    writes: int = 0
    reading: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(READS_EACH))
    writing: anyio.Lock = field(default_factory=anyio.Lock)


class RequestScheduler:
    """The threads of one server. Lives on the event loop."""

    def __init__(self, question_s: float = QUESTION_S) -> None:
        self._question_s = question_s
        self._readers = anyio.CapacityLimiter(READS)
        self._writers = anyio.CapacityLimiter(WRITES)
        self._ours: set[anyio.CancelScope] = set()
        self._questions: set[anyio.CancelScope] = set()
        self._left = anyio.Event()
        self._is_closing = self._is_over = False
        self.reads = self.writes = 0
        """How many reads and writes there are, those at work included."""

    async def read(self, turn: ClientQueue, work: Callable[[], _Done]) -> _Done:
        """Do work that changes nothing. Raises Overloaded, ShuttingDown; it is not done then."""
        if turn.reads >= READS_WAITING_MAX + READS_EACH:
            raise Overloaded(_told("reads", READS_WAITING_MAX))
        turn.reads += 1
        self.reads += 1
        try:
            with self._patience(turn):
                async with turn.reading:
                    return await anyio.to_thread.run_sync(work, limiter=self._readers)
        finally:
            turn.reads -= 1
            self.reads -= 1

    async def write(self, turn: ClientQueue, work: Callable[[], _Done]) -> _Done:
        """The same for work that may change something."""
        if turn.writes > WRITES_WAITING_MAX:
            raise Overloaded(_told("writes", WRITES_WAITING_MAX))
        turn.writes += 1
        self.writes += 1
        try:
            with self._patience(turn):
                async with turn.writing:
                    return await anyio.to_thread.run_sync(work, limiter=self._writers)
        finally:
            turn.writes -= 1
            self.writes -= 1

    @contextmanager
    def question(self, turn: ClientQueue) -> Generator[None]:
        """While a user is asked. Raises ShuttingDown, and TimeoutError where nobody answers."""
        with anyio.fail_after(self._question_s), anyio.CancelScope() as asking:
            if turn.is_answered_here:
                self._questions.add(asking)
                if self._is_closing:
                    asking.cancel()
            try:
                yield
            finally:
                self._questions.discard(asking)
        if asking.cancelled_caught:
            raise ShuttingDown

    def close(self) -> None:
        """No client that is answered here sends anything more, so that no question is open."""
        self._is_closing = True
        for asking in list(self._questions):
            asking.cancel()

    async def give_back(self) -> None:
        """End the work of clients that are answered here.

        What has not begun is given back, and so is a batch of which nothing is stored. A
        thread cannot be left: what is being stored is waited for.
        """
        self._is_over = True
        for waiting in list(self._ours):
            waiting.cancel()
        while self._ours:
            self._left = anyio.Event()
            await self._left.wait()

    @contextmanager
    def _patience(self, turn: ClientQueue) -> Generator[None]:
        """Raise when the time is up before the work is done; a thread at work is not left."""
        is_ours = turn.is_answered_here
        with anyio.move_on_after(turn.patience_s) as waiting:
            if is_ours:
                self._ours.add(waiting)
                if self._is_over:
                    waiting.cancel()
            try:
                yield
            finally:
                self._ours.discard(waiting)
                self._left.set()
        if waiting.cancelled_caught:
            raise ShuttingDown if is_ours and self._is_over else _late(turn.patience_s)


def _late(patience_s: float) -> Overloaded:
    return Overloaded(
        f"this request was not done within {patience_s:g} s, for the server is busy;"
        " nothing was stored; try again later"
    )


def _told(noun: str, most: int) -> str:
    return (
        f"{most} {noun} of this client are waiting already, so this one was not begun and"
        " nothing was stored; wait for answers, then ask again"
    )
