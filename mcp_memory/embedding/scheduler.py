"""Who may run the model next: queries before texts, and texts in the order of asking.

A query is what somebody waits for; a text is one of many that a bulk load brings.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Event, Lock

QUIET_S = 1.0
"""After the last query for so long, texts leave one slot free, and with it a core.

With both slots taken by texts, recall beside four bulk loads took 4.8 times what it takes
alone (95th percentile, two busy cores), with one left free 2.2 times.
"""


class InferenceScheduler:
    """So many runs at the same time. Safe to use from any thread.

    A query waits for no more than one run: it takes the next slot that becomes free. A
    caller of many texts asks anew for each, and so takes turns with the others. Texts wait
    for as long as queries do; each of these is over in milliseconds, and they are few.
    """

    def __init__(self, count: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = Lock()
        self._clock = clock
        self._count = count
        self._free = count
        self._queries: deque[Event] = deque()
        self._texts: deque[Event] = deque()
        self._quiet_from = clock()

    @contextmanager
    def query(self) -> Generator[None]:
        """A slot for a query, before every text that waits."""
        self._take(self._queries)
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def text(self) -> Generator[None]:
        """A slot for a text, after those that asked before."""
        self._take(self._texts)
        try:
            yield
        finally:
            self._give()

    @property
    def waiting(self) -> tuple[int, int]:
        """How many queries and how many texts wait for a slot."""
        with self._lock:
            return len(self._queries), len(self._texts)

    def _take(self, line: deque[Event]) -> None:
        turn = Event()
        with self._lock:
            if line is self._queries:
                self._quiet_from = self._clock() + QUIET_S
            line.append(turn)
            self._hand_out()
        try:
            turn.wait()
        except BaseException:  # an interrupt must neither lose a slot nor keep a place in line
            with self._lock:
                was_waiting = turn in line
                if was_waiting:
                    line.remove(turn)
            if not was_waiting:
                self._give()
            raise

    def _give(self) -> None:
        with self._lock:
            self._free += 1
            self._hand_out()

    def _hand_out(self) -> None:
        while self._queries and self._free:
            self._free -= 1
            self._queries.popleft().set()
        # A text that has to wait for this waits for another to end, which looks again.
        kept = 1 if self._count > 1 and self._clock() < self._quiet_from else 0
        while self._texts and self._free > kept:
            self._free -= 1
            self._texts.popleft().set()
