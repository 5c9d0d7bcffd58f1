"""Who is served when, how long one waits, and that what was given up was never begun."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import anyio
import anyio.from_thread
import pytest

from mcp_memory.errors import Overloaded
from mcp_memory.server.scheduler import READS, READS_EACH, WRITES, ClientQueue, RequestScheduler
from tests.support.watchdog import WAIT_S

pytestmark = pytest.mark.anyio

PATIENCE_S = 0.05
TIMEOUT_S = WAIT_S


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that the lanes live on."""
    return "asyncio"


class Work:
    """Something that takes until it is told to end."""

    def __init__(self) -> None:
        self.begun = anyio.Event()
        self._end = threading.Event()

    def __call__(self) -> str:
        anyio.from_thread.run_sync(self.begun.set)
        assert self._end.wait(TIMEOUT_S)
        return "done"

    def end(self) -> None:
        self._end.set()


@pytest.mark.parametrize("lane", ["read", "write"])
async def test_what_waited_too_long_for_its_turn_is_not_begun(lane: str) -> None:
    scheduler, turn, deeds = RequestScheduler(), ClientQueue(patience_s=PATIENCE_S), list[str]()
    first = [Work() for _ in range(READS_EACH if lane == "read" else 1)]
    answers: list[str] = []

    async def ask(work: Callable[[], str]) -> None:
        answers.append(await getattr(scheduler, lane)(turn, work))

    with anyio.fail_after(TIMEOUT_S):
        async with anyio.create_task_group() as tasks:
            for work in first:
                tasks.start_soon(ask, work)
                await work.begun.wait()
            with pytest.raises(Overloaded, match=r"within 0.05 s.*nothing was stored"):
                await getattr(scheduler, lane)(turn, lambda: deeds.append("begun"))
            for work in first:  # by now they too have taken longer than that
                work.end()
    assert deeds == []
    assert answers == ["done"] * len(first), "what was begun is answered, however long it took"
    assert (scheduler.reads, scheduler.writes, turn.reads, turn.writes) == (0, 0, 0, 0)


@pytest.mark.parametrize(("lane", "threads"), [("read", READS), ("write", WRITES)])
async def test_nobody_waits_for_ever_for_a_thread(lane: str, threads: int) -> None:
    scheduler, works = RequestScheduler(), [Work() for _ in range(threads)]
    patient = ClientQueue(patience_s=PATIENCE_S)
    with anyio.fail_after(TIMEOUT_S):
        async with anyio.create_task_group() as tasks:
            for work in works:
                tasks.start_soon(getattr(scheduler, lane), ClientQueue(), work)
                await work.begun.wait()
            with pytest.raises(Overloaded, match="the server is busy"):
                await getattr(scheduler, lane)(patient, lambda: "never")
            for work in works:
                work.end()
        assert await getattr(scheduler, lane)(ClientQueue(), lambda: "now") == "now"


async def test_work_that_looks_whether_to_go_on_stops_at_the_deadline() -> None:
    scheduler, turn, steps = RequestScheduler(), ClientQueue(patience_s=PATIENCE_S), list[str]()

    def batch() -> None:
        never, ends_at = threading.Event(), time.monotonic() + TIMEOUT_S
        while time.monotonic() < ends_at:
            never.wait(0.001)
            anyio.from_thread.check_cancelled()
        steps.append("stored")

    with anyio.fail_after(TIMEOUT_S), pytest.raises(Overloaded, match="nothing was stored"):
        await scheduler.write(turn, batch)
    assert steps == []
    assert await scheduler.write(turn, lambda: "next") == "next"


async def test_reads_go_on_beside_a_write_that_takes_long() -> None:
    scheduler, turn, write = RequestScheduler(), ClientQueue(), Work()
    with anyio.fail_after(TIMEOUT_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(scheduler.write, turn, write)
            await write.begun.wait()
            assert await scheduler.read(turn, lambda: "read") == "read"
            write.end()
