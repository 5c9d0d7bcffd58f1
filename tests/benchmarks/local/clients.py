"""Several clients at once, each with a proxy of its own, to one daemon."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Barrier

from tests.benchmarks import machine
from tests.benchmarks.figures import Amount, Check, Ratio, Say, Section
from tests.benchmarks.local.client import Client, opened, stop_daemon
from tests.benchmarks.measuring import new_statements
from tests.benchmarks.texts import question
from tests.benchmarks.timing import spread, timed
from tests.support.daemon import daemon_pid, status

CLIENTS = 8
CALLS = 200
"""Writes of each client, and as many reads."""
STARTERS = 4
STARTS = 5
FIRST_TARGET_MS = 3000
_USER = "together"
_NOTES = (
    f"{CLIENTS} clients, each a process with a proxy to one daemon, all of one user and project:"
    f" each writes {CALLS} statements and reads {CALLS} times, in turn and one call at a time,"
    " while the others do the same; raw JSON lines, a thread each in the process that measures",
    "alone: one client that does the same by itself, half of it before and half after",
    f"from nothing: {STARTERS} clients started at once on a store that does not exist,"
    f" {STARTS} times",
)


@dataclass(kw_only=True, slots=True)
class _Work:
    """What one client did: the durations in seconds, and what was acknowledged, by id."""

    recalls_s: list[float] = field(default_factory=list[float])
    remembers_s: list[float] = field(default_factory=list[float])
    stored: dict[str, str] = field(default_factory=dict[str, str])


def run(folder: Path, say: Say) -> Section:
    """Measure clients beside each other, then clients that start at once from nothing."""
    say(f"clients: {CLIENTS} at once")
    ratios, amounts, checks = _together(folder / "clients")
    say(f"clients: {STARTERS} at once from nothing, {STARTS} times")
    pids, firsts_s = zip(
        *(_from_nothing(folder / f"nothing-{n}") for n in range(STARTS)), strict=True
    )
    return Section(
        title="clients at once",
        notes=(*_NOTES, f"load at the end: {machine.load()}"),
        ratios=tuple(ratios),
        amounts=(*amounts, *_firsts(firsts_s)),
        checks=(
            *checks,
            Check(
                where="from nothing",
                what="there is exactly one daemon, and it served all",
                ok=all(len(found) == 1 for found in pids),
                detail=f"{STARTS} times {STARTERS} clients",
            ),
        ),
    )


def _together(home: Path) -> tuple[list[Ratio], list[Amount], list[Check]]:
    half = CALLS // 2
    try:
        with opened(home, _USER, CLIENTS) as clients:
            _at_once(clients[:1], 5, 0)
            before, first_s = _at_once(clients[:1], half, 1)
            crowd, crowd_s = _at_once(clients, CALLS, 2)
            after, last_s = _at_once(clients[:1], half, 3)
            missing = sum(_missing(clients, [*before, *crowd, *after]))
    finally:
        stop_daemon(home)
    alone = [*before, *after]
    calls = 2 * CALLS
    each = ("one client alone", calls / (first_s + last_s))
    every = (f"{CLIENTS} clients at once", CLIENTS * calls / crowd_s)
    stored = sum(len(work.stored) for work in (*alone, *crowd))
    check = Check(
        where=f"{CLIENTS} clients",
        what="no call failed, and all that was acknowledged is there, word for word",
        ok=not missing and stored == (CLIENTS + 1) * CALLS,
        detail=f"{stored - missing:,} of {(CLIENTS + 1) * CALLS:,}",
    )
    amounts = [
        Amount(where=f"{CLIENTS} clients", what=what, value=speed, unit="calls a second")
        for what, speed in (each, every)
    ]
    return _ratios(alone, crowd), amounts, [check]


def _ratios(alone: Sequence[_Work], crowd: Sequence[_Work]) -> list[Ratio]:
    durations = {
        "recall": [[s for work in side for s in work.recalls_s] for side in (alone, crowd)],
        "remember": [[s for work in side for s in work.remembers_s] for side in (alone, crowd)],
    }
    return [
        Ratio(
            where=f"{CLIENTS} clients",
            what=f"{what}, beside one client alone",
            alone=spread(alone_s),
            whole=spread(crowd_s),
            calls=len(crowd_s),
        )
        for what, (alone_s, crowd_s) in durations.items()
    ]


def _at_once(clients: Sequence[Client], calls: int, turn: int) -> tuple[list[_Work], float]:
    """What each client did, and the seconds until the last one was done."""

    def work(number: int) -> _Work:
        start = (turn * CLIENTS + number) * CALLS
        return _worked(clients[number], new_statements(calls, start), start)

    with ThreadPoolExecutor(len(clients)) as pool:
        done: list[_Work] = []
        seconds = timed(lambda: done.extend(pool.map(work, range(len(clients)))))
    return done, seconds


def _worked(client: Client, texts: Sequence[str], start: int) -> _Work:
    work = _Work()

    def remember(text: str) -> None:
        work.stored[client.remember(text)] = text

    for number, text in enumerate(texts, start):
        work.remembers_s.append(timed(lambda text=text: remember(text)))
        query = question(number)
        work.recalls_s.append(timed(lambda query=query: client.call("recall", query=query)))
    return work


def _missing(clients: Sequence[Client], done: Sequence[_Work]) -> list[int]:
    """Of each work how many memories are not there; another client than the writer looks."""

    def look(client: Client, work: _Work) -> int:
        found = 0
        for memory_id, text in work.stored.items():
            read = client.ask("resources/read", uri=f"memory://memories/{memory_id}")
            found += text in read["contents"][0]["text"]
        return len(work.stored) - found

    return [look(clients[-1 - n % len(clients)], work) for n, work in enumerate(done)]


def _from_nothing(home: Path) -> tuple[set[int], list[float]]:
    """Which daemons there were, and each client's seconds to its first recall answer."""
    together = Barrier(STARTERS)

    def visit(_: int) -> tuple[int, float]:
        together.wait()
        client = Client(home, _USER)
        try:
            client.call("recall", query="what is there to know?")
            seconds = client.age_s
            together.wait()  # so that all are there when one asks for the daemon
            served = int(status(home)["clients served"])
            return (daemon_pid(home) if served == STARTERS else 0), seconds
        finally:
            client.close()

    try:
        with ThreadPoolExecutor(STARTERS) as pool:
            found = list(pool.map(visit, range(STARTERS)))
    finally:
        stop_daemon(home)
    return {pid for pid, _ in found}, [seconds for _, seconds in found]


def _firsts(starts: Sequence[Sequence[float]]) -> list[Amount]:
    figures = {
        "the median client": [second for start in starts for second in start],
        "the slowest client of a start, median": [max(start) for start in starts],
    }
    return [
        Amount(
            where="from nothing",
            what=f"{what}, to its first recall answer",
            value=median(seconds) * 1000,
            unit="ms",
            target=FIRST_TARGET_MS,
        )
        for what, seconds in figures.items()
    ]
