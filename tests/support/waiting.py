"""Waiting for a condition, and threads that start together."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from tests.support.watchdog import WAIT_S

PAUSE_S = 0.005
THREADS = 8
T = TypeVar("T")


def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true; fails after several minutes."""
    ends_at = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < ends_at, "it never became true"
        time.sleep(PAUSE_S)


def at_once(work: Callable[[int], T]) -> list[T]:
    """What `work(n)` gives for each of eight threads that start together."""
    barrier = Barrier(THREADS)

    def started(n: int) -> T:
        barrier.wait(WAIT_S)
        return work(n)

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns so often that a missing lock shows
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            return [f.result(WAIT_S) for f in [pool.submit(started, n) for n in range(THREADS)]]
    finally:
        sys.setswitchinterval(usual)
