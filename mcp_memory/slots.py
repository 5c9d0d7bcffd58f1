"""Who may run the model next: queries before texts, and texts in the order of asking.

A query is what somebody waits for; a text is one of many that a bulk load brings.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event, Lock


class Slots:
    """So many runs at the same time. Safe to use from any thread.

    A query waits for no more than one run: it takes the next slot that becomes free. A
    caller of many texts asks anew for each, and so takes turns with the others. Texts wait
    for as long as queries do; each of these is over in milliseconds, and they are few.
    """

    def __init__(self, count: int) -> None:
        self._lock = Lock()
        self._free = count
        self._queries: deque[Event] = deque()
        self._texts: deque[Event] = deque()

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
            if self._free:  # then nobody waits, for a slot is handed on while somebody does
                self._free -= 1
                return
            line.append(turn)
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
            line = self._queries or self._texts
            if line:
                line.popleft().set()
            else:
                self._free += 1
