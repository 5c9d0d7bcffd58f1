"""A lock that many hold together or one alone."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from threading import Condition


class SharedLock:
    """Changes are decided together, and some alone. Not reentrant.

    Who wants to be alone goes first: while somebody waits for it nobody joins those at
    work, so that it comes about however many there are.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._together = 0
        self._is_alone = False
        self._want_alone = 0

    @property
    def is_alone_wanted(self) -> bool:
        """Whether somebody waits for everybody else to be done."""
        with self._changed:
            return self._want_alone > 0

    @contextmanager
    def together(self) -> Generator[None]:
        """With others, while nobody is alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_alone and not self._want_alone)
            self._together += 1
        try:
            yield
        finally:
            with self._changed:
                self._together -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Generator[None]:
        """With nobody else."""
        with self._changed:
            self._want_alone += 1
            try:
                self._changed.wait_for(lambda: not self._is_alone and not self._together)
                self._is_alone = True
            finally:
                self._want_alone -= 1
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._is_alone = False
                self._changed.notify_all()
