"""Time from starting what a client starts to its first answers over stdio."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service import MemoryService
from mcp_memory.storage.embedded import open_embedded
from tests.benchmarks import machine
from tests.benchmarks.figures import Amount, Check, Ratio, Section
from tests.benchmarks.filling import draft, made_caller
from tests.benchmarks.local.client import Client, stop_daemon
from tests.benchmarks.local.stdio import COMMAND
from tests.benchmarks.texts import statement
from tests.benchmarks.timing import spread
from tests.support.mcp_client import SERVE

RUNS = 40
"""Starts with the daemon running."""
COLD_RUNS = 7
"""Starts without it."""
WARM_TARGET_MS, WARM_TARGET_TIMES = 50, 3.0
COLD_TARGET_MS, RECALLED_TARGET_MS = 150, 3000
_USER = "starter"
_STORED = 100
_MODULE = "python -m mcp_memory"
_SERVER, _ALONE = "the server without a daemon", (sys.executable, "-c", SERVE)
"""In the process that the client starts, to hold the others against."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Start:
    """Seconds from the start of a process to its first answers, and how many were recalled."""

    initialized_s: float
    recalled_s: float = 0.0
    memories: int = 1


def run(folder: Path) -> Section:
    """Start proxies one after the other, beside a Python that does nothing."""
    home = folder / "start"
    _fill(home)
    commands = _commands()
    try:
        ratios, amounts = _warm(home, commands)
        cold = _cold(home, {**commands, _SERVER: _ALONE})
    finally:
        stop_daemon(home)
    for name, starts in cold.items():
        targets = (None, None) if name == _SERVER else (COLD_TARGET_MS, RECALLED_TARGET_MS)
        amounts += _amounts("daemon not running", name, starts, targets=targets)
    least = min(start.memories for starts in cold.values() for start in starts)
    return Section(
        title="start",
        notes=_notes(),
        ratios=tuple(ratios),
        amounts=tuple(amounts),
        checks=(
            Check(
                where="start",
                what="the first recall finds a memory by its own words",
                ok=least > 0,
                detail=f"{least} memories at least",
            ),
        ),
    )


def _notes() -> tuple[str, ...]:
    return (
        f"on a store of {_STORED} memories, from just before the process is made; raw JSON"
        " lines, no client library; the first start, which warms the file cache, is not counted",
        f"daemon running: {RUNS} starts of each, in turn with python -c pass to its end, each of"
        f" them the first in its turn as often; else medians of {COLD_RUNS}, in turn, the daemon"
        " ended before each; the recall is sent as soon as initialize has been answered",
        f"load at the end: {machine.load()}",
    )


def _commands() -> dict[str, Sequence[str]]:
    """What a client may start, by name: the installed script too, where there is one."""
    script = Path(sys.executable).with_name("mcp-memory")
    installed = {"mcp-memory": (str(script),)} if script.is_file() else {}
    return {_MODULE: COMMAND, **installed}


def _fill(home: Path) -> None:
    embedder = Embedder()
    service = MemoryService(open_embedded(home, embedder.space), embedder)
    drafts = [draft(statement(number, number), number) for number in range(_STORED)]
    service.remember(made_caller(_USER), drafts)
    service.upkeep()
    service.close()


def _warm(home: Path, commands: dict[str, Sequence[str]]) -> tuple[list[Ratio], list[Amount]]:
    """The proxy with the daemon running, in turn with a bare interpreter."""
    _started(home, COMMAND, recall=True)
    bare_s: list[float] = []
    proxies_s: dict[str, list[float]] = {name: [] for name in commands}

    def proxy(name: str) -> Callable[[], None]:
        return lambda: proxies_s[name].append(_started(home, commands[name]).initialized_s)

    turns: list[Callable[[], None]] = [lambda: bare_s.append(_bare()), *map(proxy, commands)]
    for number in range(RUNS + 1):
        first = number % len(turns)
        for turn in (*turns[first:], *turns[:first]):
            turn()
    ratios = [
        Ratio(
            where="daemon running",
            what=f"{name}, to initialize",
            alone=spread(bare_s[1:]),
            whole=spread(found[1:]),
            calls=RUNS,
            target=WARM_TARGET_TIMES,
        )
        for name, found in proxies_s.items()
    ]
    amounts = [
        _amount("daemon running", "python -c pass, to its end", bare_s[1:], None),
        *(
            _amount("daemon running", f"{name}, to initialize", found[1:], WARM_TARGET_MS)
            for name, found in proxies_s.items()
        ),
    ]
    return ratios, amounts


def _cold(home: Path, commands: dict[str, Sequence[str]]) -> dict[str, list[_Start]]:
    """Everything in turn while no daemon runs."""
    starts: dict[str, list[_Start]] = {name: [] for name in commands}
    for _ in range(COLD_RUNS):
        for name, command in commands.items():
            stop_daemon(home)
            starts[name].append(_started(home, command, recall=True))
    return starts


def _amounts(
    where: str, name: str, starts: Sequence[_Start], *, targets: tuple[float | None, float | None]
) -> list[Amount]:
    answers = {
        "to initialize": [start.initialized_s for start in starts],
        "to the first recall answer": [start.recalled_s for start in starts],
    }
    return [
        _amount(where, f"{name}, {answer}", found, target)
        for (answer, found), target in zip(answers.items(), targets, strict=True)
    ]


def _amount(where: str, what: str, found_s: Sequence[float], target: float | None) -> Amount:
    return Amount(
        where=where,
        what=f"{what} (at best {min(found_s) * 1000:,.0f})",
        value=median(found_s) * 1000,
        unit="ms",
        target=target,
    )


def _bare() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began


def _started(home: Path, command: Sequence[str], *, recall: bool = False) -> _Start:
    client = Client(home, _USER, command)
    try:
        if not recall:
            return _Start(initialized_s=client.initialized_s)
        found = client.call("recall", query=statement(7, 7))
        return _Start(
            initialized_s=client.initialized_s,
            recalled_s=client.age_s,
            memories=len(found["memories"]),
        )
    finally:
        client.close()
