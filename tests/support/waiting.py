"""Waiting for what gives no sign: it is looked at again and again, with a pause between."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.support.watchdog import WAIT_S

PAUSE_S = 0.005


def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true; fails after several minutes."""
    ends_at = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < ends_at, "it never became true"
        time.sleep(PAUSE_S)
