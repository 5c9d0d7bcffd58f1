"""Progress of long calls, and stopping them from it."""

from __future__ import annotations

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, Query
from mcp_memory.service import MemoryService


class Stopped(BaseException):
    """What a caller raises that wants to stop; not even an Exception."""


def drafts(count: int) -> list[Draft]:
    """Statements about different things, so that none merges with another."""
    return [Draft(content=f"Locker {n}{n} belongs to guest number {n}.") for n in range(count)]


def test_progress_is_told_after_every_text(service: MemoryService, alice: Caller) -> None:
    told: list[tuple[int, int]] = []
    service.remember(alice, drafts(20), lambda done, total: told.append((done, total)))
    assert told == [(n, 20) for n in range(1, 21)]


@pytest.mark.parametrize("at", [1, 13, 20])
def test_a_progress_that_raises_stops_a_remember_and_leaves_the_store_as_it_was(
    service: MemoryService, alice: Caller, at: int
) -> None:
    kept = service.remember(alice, [Draft(content="Lockers are in the basement.")])[0]
    before = (service.stats(alice), service.recent(alice))
    stopped = Stopped("the client hung up")

    def stop(done: int, _: int) -> None:
        if done == at:
            raise stopped

    with pytest.raises(Stopped) as raised:
        service.remember(alice, drafts(20), stop)
    assert raised.value is stopped
    assert (service.stats(alice), service.recent(alice)) == before
    assert [finding for finding in service.check() if not finding.ok] == []
    assert len(service.remember(alice, drafts(20))) == 20
    found = service.recall(alice, Query(query="where are the lockers?")).memories
    assert kept.id in [item.memory.id for item in found]
