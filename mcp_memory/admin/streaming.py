"""Work that tells how far it is → lines as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Event, Thread

STEPS = 20
"""A line at the most each time a twentieth more is done."""

Progress = Callable[[int, int], None]


class Stopped(Exception):
    """Nobody listens any more."""


def lines(work: Callable[[Progress], object], noun: str) -> Iterator[str]:
    """Do the work in a thread, and give a line for each step of it.

    Raises what the work raises. When the lines are not asked for any more, the work is
    stopped at its next step.
    """
    told: SimpleQueue[str | BaseException | None] = SimpleQueue()
    gone = Event()
    shown = [-1]

    def progress(done: int, total: int) -> None:
        if gone.is_set():
            raise Stopped
        step = STEPS * done // max(1, total)
        if step != shown[0]:
            shown[0] = step
            told.put(f"{done:,} of {total:,} {noun}")

    def run() -> None:
        try:
            work(progress)
            told.put(None)
        except BaseException as error:  # the root of the thread: raised where it is listened to
            told.put(error)

    thread = Thread(target=run, name="mcp-memory-work", daemon=True)
    thread.start()
    try:
        while (line := told.get()) is not None:
            if isinstance(line, BaseException):
                raise line
            yield line
    finally:
        gone.set()
        thread.join()
