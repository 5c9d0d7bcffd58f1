"""Whose turn it is at the model: queries first, then texts in the order of asking."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier

import pytest

from mcp_memory.embedding.scheduler import QUIET_S, InferenceScheduler
from tests.support.waiting import until
from tests.support.watchdog import WAIT_S


class Stage:
    """Slots with threads that take them; `order` is who had one, in turn."""

    def __init__(self, pool: ThreadPoolExecutor, count: int = 1) -> None:
        self.slots = InferenceScheduler(count)
        self.order: list[str] = []
        self.pool = pool

    def ask(self, name: str) -> Future[None]:
        """Have a thread ask for a slot ("q…" as a query); returns once it waits or has one."""
        before, had = sum(self.slots.waiting), len(self.order)
        asked = self.pool.submit(self._use, name)
        until(lambda: sum(self.slots.waiting) != before or len(self.order) != had or asked.done())
        if asked.done():
            asked.result()  # says why, should it have failed
        return asked

    def _use(self, name: str) -> None:
        with self.slots.query() if name.startswith("q") else self.slots.text():
            self.order.append(name)


@pytest.fixture
def stage() -> Iterator[Stage]:
    """One slot and threads enough."""
    with ThreadPoolExecutor(16) as pool:
        yield Stage(pool)


def test_a_query_takes_the_next_free_slot_before_texts_that_waited_longer(stage: Stage) -> None:
    with stage.slots.text():
        asked = [stage.ask(name) for name in ("t1", "t2", "q1", "t3", "q2")]
        assert stage.slots.waiting == (2, 3)
    for each in asked:
        each.result(WAIT_S)
    assert stage.order == ["q1", "q2", "t1", "t2", "t3"]


def test_bulk_loads_take_turns(stage: Stage) -> None:
    def load(name: str) -> None:
        for turn in range(3):
            with stage.slots.text():
                stage.order.append(f"{name}{turn}")
                # The other is always in line: then the order is known.
                until(lambda turn=turn: turn == 2 or stage.slots.waiting[1] > 0)

    with stage.slots.text():
        loads = [stage.pool.submit(load, "a")]
        until(lambda: stage.slots.waiting[1] == 1)
        loads.append(stage.pool.submit(load, "b"))
        until(lambda: stage.slots.waiting[1] == 2)
    for each in loads:
        each.result(WAIT_S)
    assert stage.order == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_texts_take_every_slot_while_no_query_comes(stage: Stage) -> None:
    slots, barrier = InferenceScheduler(3), Barrier(3)

    def run() -> None:
        with slots.text():
            barrier.wait(WAIT_S)

    for each in [stage.pool.submit(run) for _ in range(3)]:
        each.result(WAIT_S)


def test_while_queries_come_texts_leave_one_slot_free(stage: Stage) -> None:
    now = 0.0
    slots = InferenceScheduler(2, clock=lambda: now)
    stage.slots = slots
    with slots.query():
        pass
    with slots.text():
        asked = [stage.ask(f"t{n}") for n in range(3)]
        assert slots.waiting == (0, 3)
        with slots.query():  # need not wait
            assert slots.waiting == (0, 3)
        now = QUIET_S * 2
        asked.append(stage.ask("t3"))
        for each in asked:
            each.result(WAIT_S)
    assert stage.order == ["t0", "t1", "t2", "t3"]


def test_a_run_that_fails_gives_its_slot_back(stage: Stage) -> None:
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), stage.slots.query():
            raise ValueError("broken")
    stage.ask("t1").result(WAIT_S)
    assert stage.order == ["t1"]
