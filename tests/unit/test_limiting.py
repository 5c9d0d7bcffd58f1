"""What one user may ask in a minute and send in a day, by a clock of the test's own."""

from __future__ import annotations

import pytest

from mcp_memory.http_settings import HttpSettings
from mcp_memory.web.limiting import DAY_S, MEGABYTE, MINUTE_S, Exceeded, Limiter

READS, WRITES = 6, 3


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 7 * DAY_S

    def __call__(self) -> float:
        return self.now


def limited(clock: Clock) -> Limiter:
    settings = HttpSettings(reads_per_minute=READS, writes_per_minute=WRITES, megabytes_per_day=1)
    return Limiter(settings, clock)


def allowed(limiter: Limiter, user: str = "ana", *, changes: bool = False, size: int = 1) -> bool:
    try:
        limiter.check(user, changes=changes, size=size)
    except Exceeded:
        return False
    return True


def test_reads_and_writes_are_counted_apart_and_by_user() -> None:
    limiter = limited(Clock())
    assert [allowed(limiter) for _ in range(READS + 1)] == [True] * READS + [False]
    assert [allowed(limiter, changes=True) for _ in range(WRITES + 1)] == [True] * WRITES + [False]
    assert allowed(limiter, "bob")


def test_a_minute_slides() -> None:
    clock = Clock()
    limiter = limited(clock)
    clock.now += MINUTE_S * 0.99
    assert all(allowed(limiter) for _ in range(READS))
    clock.now += MINUTE_S * 0.02  # into the next one, just after
    assert [allowed(limiter) for _ in range(2)] == [True, False]
    clock.now += MINUTE_S / 2
    assert [allowed(limiter) for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("before", [0, 2, READS])
@pytest.mark.parametrize("at", [0.0, 0.3, 0.9])
def test_after_the_seconds_that_were_told_and_not_long_before_it_is_allowed(
    before: int, at: float
) -> None:
    clock = Clock()
    limiter = limited(clock)
    assert all(allowed(limiter) for _ in range(before))
    clock.now += MINUTE_S * (1 + at)
    while allowed(limiter):
        pass
    with pytest.raises(Exceeded) as refused:
        limiter.check("ana", changes=False, size=1)
    assert 1 <= refused.value.seconds <= 2 * MINUTE_S
    clock.now += refused.value.seconds - 1.5
    assert not allowed(limiter) or refused.value.seconds == 1
    clock.now += 1.5
    assert allowed(limiter)


def test_what_is_refused_is_not_counted() -> None:
    clock = Clock()
    limiter = limited(clock)
    assert allowed(limiter, size=MEGABYTE - 10)
    assert not allowed(limiter, size=11)
    assert [allowed(limiter, size=1) for _ in range(READS)] == [True] * (READS - 1) + [False]
    clock.now += MINUTE_S * 2
    assert allowed(limiter, size=5)
    assert not allowed(limiter, size=1)


def test_bytes_are_allowed_again_the_day_after() -> None:
    clock = Clock()
    limiter = limited(clock)
    assert allowed(limiter, size=MEGABYTE)
    with pytest.raises(Exceeded, match="1 MB within a day") as refused:
        limiter.check("ana", changes=False, size=MEGABYTE)
    clock.now += refused.value.seconds
    assert allowed(limiter, size=MEGABYTE)


def test_what_was_long_ago_does_not_count() -> None:
    clock = Clock()
    limiter = limited(clock)
    assert all(allowed(limiter) for _ in range(READS))
    clock.now += MINUTE_S * 2
    assert all(allowed(limiter) for _ in range(READS))
