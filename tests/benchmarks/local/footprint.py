"""What the daemon and its proxies hold in memory: by clients, and over many calls."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mcp_memory.embedding.embedder import Embedder
from mcp_memory.storage.embedded import open_embedded
from tests.benchmarks import machine
from tests.benchmarks.figures import Amount, Say, Section
from tests.benchmarks.filling import Pool, fill, made_caller
from tests.benchmarks.layout import PROCESSES_AT, RESIDENT_TARGET
from tests.benchmarks.local.client import Client, opened, stop_daemon
from tests.benchmarks.local.resident import proportional_bytes, resident_bytes
from tests.benchmarks.measuring import NEW, RECALLS, new_statements
from tests.benchmarks.texts import question
from tests.support.daemon import daemon_pid

FEW, MANY = 8, 64
"""Clients connected at once."""
CLIENT_TARGET = 12
"""The most a further client may cost, proxy included, in MB of a million bytes."""
CALLERS, WARM_CALLS, CALLS = 4, 2_000, 20_000
REMEMBER_EVERY = 20
"""One call in so many remembers something new; the others recall."""
FLAT_TARGET = 10
"""The most that the daemon may grow over all those calls, in MB."""
SECONDS_MAX = 240
_USER = "resident"
_WHERE = f"{PROCESSES_AT:,} in one scope"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Held:
    """Bytes held by the daemon, and by all proxies together; `share` counts shared pages once."""

    clients: int
    daemon: int
    daemon_share: int
    proxies: int
    proxies_share: int


def run(folder: Path, say: Say) -> Section:
    """Measure one daemon with more and more proxies, then over many calls."""
    if not proportional_bytes(os.getpid()):
        return Section(title="footprint", notes=("not measured: this system has no /proc",))
    home = folder / "footprint"
    say(f"footprint: filling a store of {PROCESSES_AT:,}")
    _fill(home)
    try:
        say(f"footprint: {FEW}, then {MANY} clients")
        amounts = _by_clients(home)
        stop_daemon(home)
        say(f"footprint: {CALLS:,} calls, {SECONDS_MAX} s at most")
        amounts += _over_calls(home)
    finally:
        stop_daemon(home)
    return Section(title="footprint", notes=_notes(), amounts=tuple(amounts))


def _notes() -> tuple[str, ...]:
    return (
        "MB of a million bytes: RSS, or, as a share, PSS, in which a page that several processes"
        " hold counts in part for each; RSS counts the pages of the index once for each reader"
        " that has it mapped, so that beside several clients PSS says what is really held",
        "a client has shaken hands, and has recalled and remembered once; a further client is the"
        f" growth of daemon and proxies together from {FEW} to {MANY} clients, a client",
        f"growth: the daemon from call {WARM_CALLS:,} on, {CALLERS} clients at once, one call in"
        f" {REMEMBER_EVERY} a remember of something new",
        f"load at the end: {machine.load()}",
    )


def _fill(home: Path) -> None:
    embedder = Embedder()
    store = open_embedded(home, embedder.space)
    fill(store, [made_caller(_USER)], PROCESSES_AT, Pool.embedded(embedder))
    store.close()


def _by_clients(home: Path) -> list[Amount]:
    with opened(home, _USER) as one:
        for number in range(RECALLS):
            one[0].call("recall", query=question(number))
        first = _held(home, one)
        with opened(home, _USER, FEW - 1) as more:
            _greet(more, 0)
            few = _held(home, [*one, *more])
            with opened(home, _USER, MANY - FEW) as most:
                _greet(most, FEW)
                many = _held(home, [*one, *more, *most])
    further = many.clients - few.clients
    resident = many.daemon + many.proxies - few.daemon - few.proxies
    share = many.daemon_share + many.proxies_share - few.daemon_share - few.proxies_share
    return [
        _amount(f"the daemon, 1 client, {RECALLS} recalls", first.daemon, RESIDENT_TARGET),
        _amount(f"the daemon, 1 client, {RECALLS} recalls, share", first.daemon_share),
        _amount("a proxy", first.proxies),
        _amount("a proxy, share", first.proxies_share),
        _amount(f"the daemon, {FEW} clients", few.daemon),
        _amount(f"the daemon, {MANY} clients", many.daemon),
        _amount(f"a proxy's share among {MANY}", many.proxies_share / many.clients),
        _amount("a further client, of that in the daemon", (many.daemon - few.daemon) / further),
        _amount("a further client, share", share / further, CLIENT_TARGET),
        _amount("a further client, RSS", resident / further),
    ]


def _greet(clients: Sequence[Client], start: int) -> None:
    texts = new_statements(len(clients), NEW + start)
    for number, (client, text) in enumerate(zip(clients, texts, strict=True)):
        client.call("recall", query=question(number))
        client.remember(text)


def _held(home: Path, clients: Sequence[Client]) -> _Held:
    daemon = daemon_pid(home)
    return _Held(
        clients=len(clients),
        daemon=resident_bytes(daemon),
        daemon_share=proportional_bytes(daemon),
        proxies=sum(resident_bytes(client.pid) for client in clients),
        proxies_share=sum(proportional_bytes(client.pid) for client in clients),
    )


def _over_calls(home: Path) -> list[Amount]:
    ends_at = time.monotonic() + SECONDS_MAX
    batch = WARM_CALLS // CALLERS
    with opened(home, _USER, CALLERS) as clients, ThreadPoolExecutor(CALLERS) as pool:
        found: list[_Held] = []
        calls = 0
        while calls < CALLS + WARM_CALLS and time.monotonic() < ends_at:
            list(
                pool.map(_call, clients, range(calls, calls + WARM_CALLS, batch), [batch] * CALLERS)
            )
            calls += WARM_CALLS
            found.append(_held(home, clients))
    first, last = found[0], found[-1]
    over = f"over {calls - WARM_CALLS:,} calls"
    shares = [held.daemon_share for held in found]
    return [
        _amount(
            f"the daemon after {WARM_CALLS:,} calls, share", first.daemon_share, RESIDENT_TARGET
        ),
        _amount(f"the daemon after {calls:,} calls, share", last.daemon_share, RESIDENT_TARGET),
        _amount(f"the daemon after {WARM_CALLS:,} calls", first.daemon),
        _amount(f"the daemon after {calls:,} calls", last.daemon),
        _amount(f"growth {over}, share", last.daemon_share - first.daemon_share, FLAT_TARGET),
        _amount("from the least to the most on the way, share", max(shares) - min(shares)),
        _amount(f"growth {over}", last.daemon - first.daemon),
    ]


def _call(client: Client, start: int, count: int) -> None:
    for number in range(start, start + count):
        if number % REMEMBER_EVERY == 0:
            (text,) = new_statements(1, NEW + MANY + number)
            client.remember(text)
        else:
            client.call("recall", query=question(number))


def _amount(what: str, value: float, target: float | None = None) -> Amount:
    return Amount(where=_WHERE, what=what, value=value / 1e6, unit="MB", target=target)
