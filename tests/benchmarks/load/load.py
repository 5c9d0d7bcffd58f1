"""Many clients at once at each transport of a daemon that serves HTTP, beside its local socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mcp_memory.auth.token_file import FILE, Token, TokenFile
from mcp_memory.domain.permissions import Permission
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service import MemoryService
from mcp_memory.storage.embedded import open_embedded
from tests.benchmarks import filling, machine
from tests.benchmarks.figures import Amount, Check, Ratio, Say, Section
from tests.benchmarks.filling import PROJECT, Pool
from tests.benchmarks.load.clients import TRANSPORTS, Caller, Guest
from tests.benchmarks.load.workload import TURN, Work
from tests.benchmarks.local.footprint import FLAT_TARGET
from tests.benchmarks.local.processor import processor_s
from tests.benchmarks.local.resident import own_bytes, resident_bytes
from tests.benchmarks.local.stdio import WrongAnswer
from tests.benchmarks.timing import spread, timed
from tests.support.http_server import served

CLIENTS = 50
EACH = 1_000
"""Memories of each client, unless asked otherwise; filling takes the longest."""
ROUNDS, CALLS = 10, 10
"""Calls of each client in a round, at each transport."""
SECONDS_MAX = 900
_UNLIMITED = {
    "MCP_MEMORY_HTTP_READS_PER_MINUTE": "1000000",
    "MCP_MEMORY_HTTP_WRITES_PER_MINUTE": "1000000",
    "MCP_MEMORY_HTTP_MEGABYTES_PER_DAY": "1000000",
}
_FIRST = next(iter(TRANSPORTS))


@dataclass(kw_only=True, slots=True)
class _Tally:
    """What was called at one transport; all times in seconds, `took_s` by what was called."""

    took_s: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    a_second: list[float] = field(default_factory=list[float])
    wall_s: float = 0.0
    daemon_s: float = 0.0
    own_s: float = 0.0

    @property
    def calls(self) -> int:
        """How many were answered."""
        return sum(map(len, self.took_s.values()))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Load:
    """The daemon, what was called at each transport, what the daemon held, and what went wrong."""

    pid: int
    tallies: dict[str, _Tally] = field(
        default_factory=lambda: {transport: _Tally() for transport in TRANSPORTS},
    )
    resident: list[int] = field(default_factory=list[int])
    own: list[int] = field(default_factory=list[int])
    errors: list[str] = field(default_factory=list[str])

    def look(self) -> None:
        """Note what the daemon holds now."""
        self.resident.append(resident_bytes(self.pid))
        self.own.append(own_bytes(self.pid))


def run(each: int, folder: Path, say: Say) -> Section:
    """Fill a store for so many clients with `each` memories, and let all of them call at once."""
    home = folder / "load"
    say(f"load: filling a store with {CLIENTS * each:,} memories")
    filled_s = timed(lambda: _fill(home, each))
    tokens = [_token(home, number) for number in range(CLIENTS)]
    with served(home, **_UNLIMITED) as server:
        guests = [
            Guest(
                home=home,
                url=server.base,
                tenant=_tenant(number),
                user=_user(number),
                token=token,
            )
            for number, token in enumerate(tokens)
        ]
        load = _Load(pid=server.process.pid)
        asyncio.run(_measure(guests, load, say))
    if any(verb not in tally.took_s for verb in TURN for tally in load.tallies.values()):
        raise WrongAnswer(f"none of its calls was answered right: {load.errors[0]}")
    where = f"{CLIENTS} clients, {each:,} each"
    return Section(
        title="load",
        notes=(*_notes(), f"load at the end: {machine.load()}"),
        ratios=tuple(_ratios(load, where)),
        amounts=(
            Amount(where=where, what="filling the store", value=filled_s, unit="s"),
            *_speeds(load, where),
            *_held(load, where),
        ),
        checks=(_check(load, where),),
    )


def _notes() -> tuple[str, ...]:
    return (
        f"{CLIENTS} clients, each the one user of a tenant of its own, with memories written"
        " straight into one store; one daemon, told to serve HTTP, with a bearer token for each"
        " and limits that none meets; every client is connected at every transport all the time",
        f"at one transport after the other all {CLIENTS} call at once, each one call at a time and"
        f" without pause, {CALLS} calls a round; the transports in turn, each first in its turn;"
        f" one round that is not counted, then {ROUNDS}, {SECONDS_MAX} s at most",
        f"of {len(TURN)} calls: "
        + ", ".join(f"{TURN.count(verb)} {verb}" for verb in dict.fromkeys(TURN))
        + "; every answer is looked at: what was remembered is read, and recalled by its own"
        " words, and nobody is given what another noted",
        f"'alone' is the same call at the {_FIRST}, in the older era; raw JSON and HTTP/1.1 over"
        " kept connections from one event loop, whose own processor time is given",
        "RSS counts the pages of the index, a file of which as much is mapped as is read; the"
        " daemon's own is what is no file's, and cannot be taken back",
    )


# --- the store -------------------------------------------------------------------------------


def _user(number: int) -> str:
    return f"user{number:02}"


def _tenant(number: int) -> str:
    return f"tenant{number:02}"


def _fill(home: Path, each: int) -> None:
    embedder = Embedder()
    store = open_embedded(home, embedder.space)
    scopes = [filling.made_caller(_user(number), _tenant(number)) for number in range(CLIENTS)]
    # Moved on by one after each round: else all statements of one topic would be one user's.
    turns = [scopes[(n + n // CLIENTS) % CLIENTS] for n in range(CLIENTS * (2 * CLIENTS + 1))]
    filling.fill(store, turns, CLIENTS * each, Pool.embedded(embedder))
    service = MemoryService(store, embedder)
    service.upkeep()
    service.close()


def _token(home: Path, number: int) -> str:
    """A new token of the daemon's for a client."""
    wanted = Token(
        id="",
        digest="",
        tenant=_tenant(number),
        user=_user(number),
        permissions=(Permission.READ.value, Permission.WRITE.value),
        note=PROJECT,
        created_at="",
        expires_at="",
    )
    return TokenFile(home / FILE).add(wanted)


# --- the calls -------------------------------------------------------------------------------


async def _measure(guests: Sequence[Guest], load: _Load, say: Say) -> None:
    works = [Work(guest.user, number) for number, guest in enumerate(guests)]
    load.look()
    async with _opened(guests) as callers:
        await asyncio.gather(*map(Work.begin, works, callers[_FIRST]))
        say("load: warming up")
        warming = _Load(pid=load.pid)
        for transport in TRANSPORTS:
            await _round(works, callers[transport], warming, transport)
        load.errors.extend(warming.errors)
        load.look()
        ends_at = time.monotonic() + SECONDS_MAX
        for number in range(ROUNDS):
            if time.monotonic() > ends_at:
                break
            say(f"load: round {number + 1} of {ROUNDS}")
            first = number % len(TRANSPORTS)
            for transport in (*list(TRANSPORTS)[first:], *list(TRANSPORTS)[:first]):
                await _round(works, callers[transport], load, transport)
            load.look()


@asynccontextmanager
async def _opened(guests: Sequence[Guest]) -> AsyncGenerator[dict[str, list[Caller]]]:
    """A client of each guest at each transport."""
    callers: dict[str, list[Caller]] = {transport: [] for transport in TRANSPORTS}
    try:
        for transport, come_in in TRANSPORTS.items():
            for guest in guests:
                callers[transport].append(await come_in(guest))
        yield callers
    finally:
        for caller in (caller for opened in callers.values() for caller in opened):
            caller.close()


async def _round(
    works: Sequence[Work], callers: Sequence[Caller], load: _Load, transport: str
) -> None:
    """Let all clients call at one transport."""
    tally = load.tallies[transport]
    before = tally.calls

    async def work(own: Work, caller: Caller) -> None:
        for _ in range(CALLS):
            try:
                verb, took_s = await own.call(caller)
                tally.took_s.setdefault(verb, []).append(took_s)
            except (WrongAnswer, OSError, EOFError) as error:
                load.errors.append(f"{transport}: {error!r}")

    began, daemon_s, own_s = time.perf_counter(), processor_s(load.pid), time.process_time()
    await asyncio.gather(*map(work, works, callers))
    wall_s = time.perf_counter() - began
    tally.daemon_s += processor_s(load.pid) - daemon_s
    tally.own_s += time.process_time() - own_s
    tally.wall_s += wall_s
    tally.a_second.append((tally.calls - before) / wall_s)


# --- the figures -----------------------------------------------------------------------------


def _ratios(load: _Load, where: str) -> list[Ratio]:
    alone = load.tallies[_FIRST].took_s
    return [
        Ratio(
            where=where,
            what=f"{verb}, {transport}",
            alone=spread(alone[verb]),
            whole=spread(tally.took_s[verb]),
            calls=len(tally.took_s[verb]),
        )
        for verb in dict.fromkeys(TURN)
        for transport, tally in load.tallies.items()
        if transport != _FIRST
    ]


def _speeds(load: _Load, where: str) -> list[Amount]:
    first = load.tallies[_FIRST]
    figures: list[tuple[str, float, str]] = []
    for transport, tally in load.tallies.items():
        least, most = min(tally.a_second), max(tally.a_second)
        a_second = tally.calls / tally.wall_s
        figures += [
            (f"{transport}, rounds {least:,.1f} to {most:,.1f}", a_second, "calls a second"),
            (f"{transport}, beside the {_FIRST}", 100 * a_second * first.wall_s / first.calls, "%"),
            (
                f"{transport}, processor time of the daemon",
                1e6 * tally.daemon_s / tally.calls,
                "us a call",
            ),
            (
                f"{transport}, processor time of the clients",
                1e6 * tally.own_s / tally.calls,
                "us a call",
            ),
        ]
    return [Amount(where=where, what=what, value=value, unit=unit) for what, value, unit in figures]


def _held(load: _Load, where: str) -> list[Amount]:
    calls = sum(tally.calls for tally in load.tallies.values())
    names = ("at the start", "warm", *(f"after round {n + 1}" for n in range(ROUNDS)))
    held = [
        (f"the daemon {name}, RSS {resident / 1e6:,.0f} MB, of that its own", own)
        for name, resident, own in zip(names, load.resident, load.own, strict=False)
    ]
    half = load.own[len(load.own) // 2]
    growths = [
        (f"growth over {calls:,} calls, its own", load.own[-1] - load.own[1]),
        ("of that in the second half", load.own[-1] - half, FLAT_TARGET),
    ]
    return [
        Amount(
            where=where, what=what, value=value / 1e6, unit="MB", target=next(iter(target), None)
        )
        for what, value, *target in (*held, *growths)
    ]


def _check(load: _Load, where: str) -> Check:
    calls = sum(tally.calls for tally in load.tallies.values())
    return Check(
        where=where,
        what="no call failed, and all were answered right",
        ok=not load.errors,
        detail="; ".join([f"{calls:,} calls, {len(load.errors)} errors", *load.errors[:3]]),
    )
