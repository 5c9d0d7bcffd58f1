"""kill -9 of the daemon under many clients: they go on by themselves, and nothing is lost.

CRASH_ROUNDS sets how often the long form kills (200 unless told).
"""

from __future__ import annotations

import os
import random
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import pytest

from mcp_memory.domain.memory import Partition, Scope
from mcp_memory.embedding.loader import BUNDLED_SPACE
from mcp_memory.storage.embedded import open_embedded
from tests.support.daemon import command, daemon_home, daemon_pid, kill_daemon, proxy
from tests.support.factories import pages, where
from tests.support.mcp_client import explained
from tests.support.stdio_client import Server
from tests.support.waiting import until
from tests.support.watchdog import WAIT_S

ROUNDS_LONG = int(os.environ.get("CRASH_ROUNDS", "200"))
WRITERS, READERS = 4, 2
BATCH = 5
MOMENT_S_MAX = 0.4
CALLS_MAX = 12
"""Calls answered between two kills, at the most: each client gets something done now and then."""
ANA_APP = Partition(tenant="local", scope=Scope.PROJECT, user="ana", name="app")
WORDS = ("harbour", "lantern", "orchard", "granite", "kettle", "meadow", "violin", "compass")


@dataclass(kw_only=True, slots=True)
class Told:
    """What the daemon acknowledged: by memory id its text, as the last answer left it.

    `failures` say why a client could not go on.
    """

    kept: dict[str, str] = field(default_factory=dict[str, str])
    calls: int = 0
    failures: list[str] = field(default_factory=list[str])
    lock: Lock = field(default_factory=Lock)

    def keep(self, memory_id: str, content: str) -> None:
        """One more memory that must be there at the end."""
        with self.lock:
            self.kept[memory_id] = content

    def count(self) -> None:
        """One more call that was answered."""
        with self.lock:
            self.calls += 1


class Client(Thread, ABC):
    """A client that calls until it is told to stop."""

    def __init__(self, connected: Server, told: Told, stop: Event, seed: str) -> None:
        super().__init__(name=seed, daemon=True)
        self._proxy = connected
        self._told = told
        self._stop_asked = stop
        self._rng = random.Random(seed)
        self._seed = seed.replace(" ", "")
        self._mine: list[str] = []
        self._said = 0

    def run(self) -> None:
        """The root of the thread."""
        try:
            self._proxy.handshake()
            while not self._stop_asked.is_set():
                self.step()
                self._told.count()
        except Exception as error:  # told to the test, which fails with it
            self._told.failures.append(f"{self.name}: {error!r}")

    @abstractmethod
    def step(self) -> None:
        """One call."""

    def call(self, verb: str, **arguments: Any) -> Any:
        """The typed answer of a verb, which must not fail whatever becomes of the daemon."""
        frame = self._proxy.ask("tools/call", name=verb, arguments=explained(verb, arguments))
        assert "result" in frame, frame
        assert not frame["result"].get("isError"), frame
        return frame["result"]["structuredContent"]

    def statement(self) -> str:
        """A statement that nobody has made before."""
        self._said += 1
        word = self._rng.choice(WORDS)
        return f"{self._seed}x{self._said} put the {word} number {self._said} on shelf {self._seed}"


class Writer(Client):
    """Remembers one, or several at once, and corrects what it said."""

    def step(self) -> None:
        """See `Client.step`."""
        chance = self._rng.random()
        if chance < 0.25 and self._mine:
            memory_id, content = self._rng.choice(self._mine), self.statement()
            self.call("update", id=memory_id, content=content)
            self._told.keep(memory_id, content)
            return
        contents = [self.statement() for _ in range(BATCH if chance > 0.8 else 1)]
        answer = self.call("remember", memories=contents)
        for result, content in zip(answer["results"], contents, strict=True):
            self._told.keep(result["id"], content)
            self._mine.append(result["id"])


class Reader(Client):
    """Recalls, and never sees a text twice in one answer."""

    def step(self) -> None:
        """See `Client.step`."""
        found = self.call("recall", query=self._rng.choice(WORDS), limit=50)["memories"]
        counts = Counter(memory["content"] for memory in found)
        assert not [content for content, count in counts.items() if count > 1]


def kill_again_and_again(home: Path, rounds: int, told: Told, rng: random.Random) -> set[int]:
    """Kill the daemon at random moments, mostly while it serves; the processes that were killed."""
    killed: set[int] = set()
    pause = Event()
    for _ in range(rounds):
        if rng.random() < 0.75:  # else it is killed while it starts
            enough = told.calls + rng.randint(1, CALLS_MAX)
            until(lambda enough=enough: told.calls >= enough or bool(told.failures))
        assert told.failures == []
        until(lambda: daemon_pid(home) != 0)
        pause.wait(rng.uniform(0, MOMENT_S_MAX))
        killed.add(kill_daemon(home))
    return killed


@pytest.mark.parametrize("rounds", [5, pytest.param(ROUNDS_LONG, marks=pytest.mark.long)])
def test_clients_outlive_their_daemon_and_nothing_acknowledged_is_lost(
    tmp_path: Path, rounds: int
) -> None:
    told, stop = Told(), Event()
    seed = f"{rounds} rounds"
    with daemon_home(tmp_path) as home, ExitStack() as proxies:
        kinds = [Writer] * WRITERS + [Reader] * READERS
        clients = [
            kind(proxies.enter_context(proxy(home)), told, stop, f"{kind.__name__} {n}")
            for n, kind in enumerate(kinds)
        ]
        for client in clients:
            client.start()
        killed = kill_again_and_again(home, rounds, told, random.Random(seed))
        stop.set()
        for client in clients:
            client.join(WAIT_S)
        assert told.failures == [], seed
        assert not any(client.is_alive() for client in clients)
        assert len(killed) == rounds
        assert command("daemon", "stop", home=home).returncode == 0
        look_through(home, told)
    print(
        f"daemon killed {rounds} times under {len(clients)} clients: {told.calls} calls answered,"
    )
    print(f"{len(told.kept)} memories acknowledged, 0 lost, 0 doubled")


def look_through(home: Path, told: Told) -> None:
    """Assert that the store holds what was acknowledged, each once, and is whole."""
    store = open_embedded(home, BUNDLED_SPACE)
    try:
        bad = [finding for finding in store.check() if not finding.ok]
        found = {memory.id: memory.content for memory in pages(store, where(ANA_APP))}
    finally:
        store.close()
    assert bad == []
    assert {i: c for i, c in told.kept.items() if found.get(i) != c} == {}
    assert [c for c, count in Counter(found.values()).items() if count > 1] == []
