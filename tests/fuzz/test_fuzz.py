"""A server holds against calls that nobody foresaw, written from what it publishes itself."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.calls import Call, calls, each
from tests.fuzz.target import Target
from tests.support.http_server import Issuer, served

CALLS, CALLS_LONG = 2_000, 5_000
"""In one round, with a server of its own, so that the store stays small."""
EACH = 5
"""How often each round begins with everything that the server publishes."""
ROUNDS_LONG = 20
SEED = int(os.environ.get("FUZZ_SEED", "0"))
_LIMITS = {
    "MCP_MEMORY_HTTP_READS_PER_MINUTE": "100000000",
    "MCP_MEMORY_HTTP_WRITES_PER_MINUTE": "100000000",
    "MCP_MEMORY_HTTP_MEGABYTES_PER_DAY": "1000000",
}
_TRACES = ("Traceback (most recent call last)", '  File "')


@contextmanager
def target(folder: Path, log: list[str], *, is_timed: bool) -> Generator[Target]:
    """A server with its callers. What it logs until its end is in `log`."""
    issuer = Issuer(folder)
    with served(folder / "store", **issuer.settings(**_LIMITS)) as server:
        assert server.process.stdout is not None
        reader = Thread(target=log.extend, args=(server.process.stdout,))
        reader.start()  # a pipe that nobody empties would stop the server
        try:
            made = Target(server, issuer, folder / "calls", is_timed=is_timed)
            try:
                yield made
            finally:
                made.close()
        finally:
            server.process.terminate()
            reader.join()


def fuzz(fuzzed: Target, number: int, count: int) -> None:
    """Make so many calls: first what is published, one by one, then whatever comes."""
    common = settings(
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
    )

    @seed(SEED + number)
    @settings(common, max_examples=EACH)
    @given(each(fuzzed.published))
    def everything_is_answered(some: list[Call]) -> None:
        for call in some:
            fuzzed.check(call)

    @seed(SEED + number)
    @settings(common, max_examples=count // 3)
    @given(st.lists(calls(fuzzed.published), min_size=1, max_size=9))
    def every_answer_is_in_order(some: list[Call]) -> None:
        for call in some:
            if fuzzed.count < count:
                fuzzed.check(call)

    everything_is_answered()
    every_answer_is_in_order()


@pytest.mark.parametrize(
    ("number", "count"),
    [
        (0, CALLS),
        *(pytest.param(n, CALLS_LONG, marks=pytest.mark.long) for n in range(ROUNDS_LONG)),
    ],
)
def test_no_call_breaks_the_server_or_reaches_another_scope(
    number: int, count: int, tmp_path: Path
) -> None:
    print(f"\nFUZZ_SEED={SEED + number} repeats this round")
    log: list[str] = []
    began = time.monotonic()
    with target(tmp_path, log, is_timed=count == CALLS_LONG) as fuzzed:
        fuzz(fuzzed, number, count)
        took = time.monotonic() - began
        print(f"{fuzzed.count} calls in {took:.0f} s: {fuzzed.told()}")
        assert fuzzed.count >= count
        for victim in fuzzed.victims:
            assert victim.is_untouched(thoroughly=True)
        assert not fuzzed.never_done(), "the calls are not what they should be"
    assert not [line for line in log if any(trace in line for trace in _TRACES)], "".join(log)
