"""What a next daemon would not watch at once, and when it is asked again."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Clock = Callable[[], float]

PAUSE_S, PAUSE_MAX_S = 1.0, 60.0
"""After how long it is asked again at first; each pause is twice the one before."""
TRIES_MAX = 12
"""How often: some seven minutes in all."""


class Renewals:
    """Growing pauses, by a clock that counts seconds; `key` is whatever tells things apart."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._tries: dict[Any, int] = {}
        self._due_at: dict[Any, float] = {}

    def refused(self, key: Any) -> bool:
        """The daemon would not; whether it is asked again."""
        tries = self._tries.get(key, 0)
        if tries >= TRIES_MAX:
            self.end(key)
            return False
        self._tries[key] = tries + 1
        self._due_at[key] = self._clock() + min(PAUSE_S * 2**tries, PAUSE_MAX_S)
        return True

    def end(self, key: Any) -> None:
        """It is watched again, or nobody wants it any more."""
        self._tries.pop(key, None)
        self._due_at.pop(key, None)

    def clear(self) -> None:
        """Begin anew, with another daemon."""
        self._tries.clear()
        self._due_at.clear()

    def due(self) -> list[Any]:
        """What to ask again now."""
        now = self._clock()
        keys = [key for key, at in self._due_at.items() if at <= now]
        for key in keys:
            del self._due_at[key]
        return keys

    @property
    def wait_s(self) -> float | None:
        """How long until something is due; None where nothing is."""
        if not self._due_at:
            return None
        return max(0.0, min(self._due_at.values()) - self._clock())
