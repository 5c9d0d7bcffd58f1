"""How long a daemon is waited for, by a clock that moves when told to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_memory.ipc.address import Address
from mcp_memory.ipc.liveness import (
    LIMIT_S,
    LOOK_S,
    QUIET_S,
    SILENT_S,
    TELL_AGAIN_S,
    TELL_S,
    Patience,
    Silence,
    Unanswered,
)
from mcp_memory.system.file_lock import FileLock


class Seconds:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def patience(tmp_path: Path, clock: Seconds) -> Patience:
    return Patience(Address(str(tmp_path)), clock)


def test_a_daemon_that_says_nothing_is_waited_for_a_good_while(
    patience: Patience, clock: Seconds
) -> None:
    clock.now += SILENT_S
    patience.check()
    clock.now += 1
    with pytest.raises(Unanswered, match=r"no sign of life for 45 s.*mcp-memory daemon stop"):
        patience.check()


def test_each_sign_of_life_gives_it_more_time_up_to_the_limit(
    patience: Patience, clock: Seconds
) -> None:
    for _ in range(int(LIMIT_S // SILENT_S)):
        clock.now += SILENT_S
        patience.check()
        patience.sign()
    clock.now += 1
    with pytest.raises(Unanswered, match=r"still starting after 180 s.*call again") as limit:
        patience.check()
    assert "stop" not in str(limit.value), "it is well, and not to be ended"


def test_that_somebody_waits_is_told_after_a_while_and_then_seldom(
    patience: Patience, clock: Seconds
) -> None:
    told: list[str] = []
    for _ in range(61):
        clock.now += 1
        told += filter(None, [patience.news()])
    assert len(told) == 1 + (61 - TELL_S) // TELL_AGAIN_S
    assert told[0].endswith(": 5 s so far")


def test_the_process_that_holds_the_lock_is_named(tmp_path: Path, clock: Seconds) -> None:
    address = Address(str(tmp_path))
    address.make_folder()
    patience = Patience(address, clock)
    lock = FileLock(address.lock, str(os.getpid()))
    clock.now += SILENT_S + 1
    with pytest.raises(Unanswered, match=rf"the daemon \(process {os.getpid()}\) does not answer"):
        patience.check()
    lock.release()


@pytest.fixture
def silence(tmp_path: Path, clock: Seconds) -> Silence:
    return Silence(Address(str(tmp_path)), clock)


def looks(silence: Silence, clock: Seconds, seconds: float) -> list[str]:
    """What is told while so many seconds pass, and a look is taken at each."""
    told: list[str] = []
    for _ in range(int(seconds)):
        clock.now += 1
        silence.look()
        told += filter(None, [silence.news()])
    return told


def test_a_connected_daemon_without_a_sign_of_life_is_told_and_left(
    silence: Silence, clock: Seconds
) -> None:
    told = looks(silence, clock, SILENT_S)
    assert len(told) == 2
    assert f"for {QUIET_S:.0f} s, nor a sign of life" in told[0]
    assert f"for {QUIET_S + TELL_AGAIN_S:.0f} s, nor a sign of life" in told[1]
    with pytest.raises(Unanswered, match=r"no sign of life for 45 s.*may still be done"):
        looks(silence, clock, 1)


def test_a_connected_daemon_that_gives_signs_may_take_as_long_as_it_will(
    silence: Silence, clock: Seconds
) -> None:
    told: list[str] = []
    for _ in range(40):
        told += looks(silence, clock, LOOK_S)
        assert silence.asks()
        assert not silence.asks(), "once in a silence"
        told += looks(silence, clock, 2)
        silence.sign()
    assert all("it is alive" in text for text in told)
    assert len(told) == 1 + int((40 * (LOOK_S + 2) - QUIET_S) // TELL_AGAIN_S)


def test_a_time_in_which_nobody_looked_says_nothing_of_the_daemon(
    silence: Silence, clock: Seconds
) -> None:
    clock.now += 3_600
    silence.look()
    assert silence.asks()
    assert silence.news() == ""
    looks(silence, clock, SILENT_S - LOOK_S)


def test_a_daemon_that_owes_nothing_is_not_asked(silence: Silence, clock: Seconds) -> None:
    for _ in range(100):
        looks(silence, clock, LOOK_S - 1)
        assert not silence.asks()
        silence.end()
