"""What one user may ask in a minute and send in a day, by a clock that the test moves."""

from __future__ import annotations

import time

import anyio
import pytest

from mcp_memory.config.http import HttpSettings
from mcp_memory.http.rate_limits import MEGABYTE, Exceeded, Limiter

READS, WRITES = 6, 3
MINUTE_S, DAY_S = 60.0, 24 * 3600.0


class Clock:
    """Stands still until it is moved; the clock of the library that counts."""

    def __init__(self) -> None:
        self.now = 20_000 * DAY_S

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "time", made)
    return made


@pytest.fixture
def limiter(clock: Clock) -> Limiter:
    settings = HttpSettings(reads_per_minute=READS, writes_per_minute=WRITES, megabytes_per_day=1)
    return Limiter(settings)


def refusal(
    limiter: Limiter, user: str = "ana", *, changes: bool = False, size: int = 1
) -> Exceeded | None:
    """Why a request is not served, None where it is."""

    async def count() -> None:
        await limiter.count(user, changes=changes, size=size)

    try:
        anyio.run(count)
    except Exceeded as error:
        return error
    return None


def allowed(limiter: Limiter, user: str = "ana", *, changes: bool = False, size: int = 1) -> bool:
    return refusal(limiter, user, changes=changes, size=size) is None


def reserved(limiter: Limiter, size: int) -> bool:
    try:
        anyio.run(limiter.reserve, "ana", size)
    except Exceeded as error:
        assert error.seconds >= 1
        return False
    return True


def test_reads_and_writes_are_counted_apart_and_by_user(limiter: Limiter) -> None:
    assert [allowed(limiter) for _ in range(READS + 1)] == [True] * READS + [False]
    assert [allowed(limiter, changes=True) for _ in range(WRITES + 1)] == [True] * WRITES + [False]
    assert allowed(limiter, "bob")


def test_a_minute_slides(limiter: Limiter, clock: Clock) -> None:
    clock.now += MINUTE_S * 0.99
    assert all(allowed(limiter) for _ in range(READS))
    clock.now += MINUTE_S * 0.02  # into the next one, just after
    assert [allowed(limiter) for _ in range(2)] == [True, False]
    clock.now += MINUTE_S / 2
    assert [allowed(limiter) for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("before", [0, 2, READS])
@pytest.mark.parametrize("at", [0.0, 0.3, 0.9])
def test_after_the_seconds_that_were_told_and_not_long_before_it_is_allowed(
    limiter: Limiter, clock: Clock, before: int, at: float
) -> None:
    assert all(allowed(limiter) for _ in range(before))
    clock.now += MINUTE_S * (1 + at)
    while (refused := refusal(limiter)) is None:
        pass
    assert 1 <= refused.seconds <= 2 * MINUTE_S
    told = clock.now + refused.seconds
    clock.now = max(clock.now, told - 1.5)
    assert not allowed(limiter)
    clock.now = told
    assert allowed(limiter)


def test_a_request_too_many_is_not_counted(limiter: Limiter, clock: Clock) -> None:
    assert [allowed(limiter) for _ in range(2 * READS)] == [True] * READS + [False] * READS
    clock.now += MINUTE_S * 2
    assert allowed(limiter)


def test_bytes_that_came_are_counted_even_of_what_is_not_served(limiter: Limiter) -> None:
    assert allowed(limiter, size=MEGABYTE - 10)
    assert reserved(limiter, 0)
    assert not reserved(limiter, 11)
    assert not allowed(limiter, size=11)
    assert not reserved(limiter, 0)
    assert not allowed(limiter, size=1)


def test_what_was_reserved_is_counted_before_it_comes(limiter: Limiter) -> None:
    assert reserved(limiter, MEGABYTE - 10)
    assert not reserved(limiter, 11)
    assert reserved(limiter, 10)
    assert not reserved(limiter, 0)
    assert allowed(limiter, size=0)


def test_a_request_too_many_has_sent_its_bytes_all_the_same(limiter: Limiter) -> None:
    assert all(allowed(limiter) for _ in range(READS))
    assert not allowed(limiter, size=MEGABYTE - READS)
    assert not reserved(limiter, 0)


@pytest.mark.parametrize("at", [0.0, 0.5])
@pytest.mark.parametrize("size", [1, MEGABYTE // 2, MEGABYTE])
def test_bytes_are_allowed_again_when_it_was_told(
    limiter: Limiter, clock: Clock, at: float, size: int
) -> None:
    clock.now += DAY_S * at
    assert allowed(limiter, size=MEGABYTE)
    refused = refusal(limiter, size=size)
    assert refused is not None
    assert "1 MB a day" in str(refused)
    assert refused.seconds <= 2 * DAY_S
    told = clock.now + refused.seconds
    clock.now = max(clock.now, told - 1.5)
    assert not reserved(limiter, size)
    clock.now = told
    assert allowed(limiter, size=size)


def test_what_was_long_ago_does_not_count(limiter: Limiter, clock: Clock) -> None:
    assert all(allowed(limiter) for _ in range(READS))
    clock.now += MINUTE_S * 2
    assert all(allowed(limiter) for _ in range(READS))
