"""A daemon that is slow, suspended or starved is waited for; one that is hung can be ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from threading import Event, Thread

import pytest

from mcp_memory.ipc import protocol
from mcp_memory.ipc.address import Address, connect
from mcp_memory.ipc.client import answer, greet
from tests.support.daemon import (
    contents,
    daemon_home,
    daemon_pid,
    lock_held,
    needs_signals,
    proxy,
    started,
    status,
    stored,
)
from tests.support.mcp_client import ROOT, environment
from tests.support.stdio_client import TIMEOUT_S
from tests.support.waiting import until

HELD = """
import sys
from mcp_memory.daemon import daemon
daemon.Application.start = lambda self: None
load = daemon._load
def held():
    print(*sys.modules, flush=True)
    sys.stdin.read()
    load()
daemon._load = held
from mcp_memory.__main__ import main
sys.argv = ["mcp-memory", "daemon", "run"]
sys.exit(main())
"""
"""A daemon that says what it has imported once it listens, and goes on when its stdin closes."""
IMPATIENT = """
import sys
from mcp_memory.ipc import liveness
liveness.SILENT_S = 1.0
from mcp_memory.__main__ import main
sys.exit(main())
"""
DEAF = """
import os, socket, sys
from mcp_memory.system.file_lock import FileLock
from mcp_memory.ipc.address import Address
from mcp_memory.ipc.listener import Listener
address = Address(sys.argv[1])
address.make_folder()
lock = FileLock(address.lock, str(os.getpid()))
listener = Listener(address)
if sys.argv[2] == "full":
    listener.socket.listen(0)
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(address.socket)
print("deaf", flush=True)
sys.stdin.read()
"""
"""What holds the lock and listens, and never answers; full when it takes no more connections."""


@contextlib.contextmanager
def process(home: Path, code: str, *arguments: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Some code as a process, and the first line that it printed; it is killed when left."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment(home),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            assert running.stdout is not None
            yield running, running.stdout.readline()
        finally:
            running.kill()


def let_go_on(held: subprocess.Popen[str]) -> None:
    assert held.stdin is not None
    held.stdin.close()


def test_a_daemon_answers_before_it_imports_what_is_slow_and_serves_afterwards(
    tmp_path: Path,
) -> None:
    with daemon_home(tmp_path) as home, process(home, HELD) as (daemon, imported):
        heavy = {"apsw", "duckdb", "fastembed", "mcp", "numpy", "onnxruntime"}
        assert heavy.isdisjoint(imported.split())
        assert "asyncio" in imported.split()
        connected = connect(Address(str(home)))
        assert connected is not None
        with contextlib.closing(connected.socket):
            greet(connected, protocol.SERVE, [("cwd", str(tmp_path))])
            verdicts = [answer(connected, TIMEOUT_S)[1] for _ in range(2)]
            assert verdicts == [protocol.STARTING, protocol.STARTING], "it goes on saying so"
            let_go_on(daemon)
            while (verdict := answer(connected, TIMEOUT_S)[1]) == protocol.STARTING:
                pass
            assert verdict == protocol.WELCOME
        with proxy(home) as client:
            client.handshake()
            stored(client, "The quay is wet")
            assert daemon_pid(home) == daemon.pid


@pytest.mark.parametrize("purpose", ["call", "command"])
def test_who_comes_while_a_daemon_starts_waits_and_hears_so(tmp_path: Path, purpose: str) -> None:
    with (
        daemon_home(tmp_path) as home,
        process(home, HELD) as (daemon, _),
        started(
            home, ["-m", "mcp_memory", "show"] if purpose == "command" else ["-m", "mcp_memory"]
        ) as waiting,
    ):
        assert waiting.process.stderr is not None
        if purpose == "call":
            waiting.handshake()
            meta = {"progressToken": "t"}
            waiting.send("tools/call", name="recall", arguments={"explain": True}, _meta=meta)
            assert waiting.read_notice() == "notifications/progress"
        told = waiting.process.stderr.readline().decode()
        assert told.startswith(f"mcp-memory: waiting for the daemon (process {daemon.pid})")
        let_go_on(daemon)
        if purpose == "call":
            assert "structuredContent" in waiting.read()["result"]
        else:
            assert waiting.process.wait(TIMEOUT_S) == 0


def test_a_daemon_that_starts_can_be_told_to_stop(tmp_path: Path) -> None:
    with (
        daemon_home(tmp_path) as home,
        process(home, HELD) as (daemon, _),
        started(home, ["-m", "mcp_memory", "daemon", "stop"]) as stop,
    ):
        connected = connect(Address(str(home)))
        while connected is not None:  # it is told to, and lets nobody in any more
            with contextlib.closing(connected.socket):
                greet(connected, protocol.SERVE, [])
                if not connected.socket.recv(1):
                    break
            connected = connect(Address(str(home)))
        let_go_on(daemon)
        said, _ = stop.end()
        assert b"has ended" in said
        assert daemon.wait(TIMEOUT_S) == 0


@contextlib.contextmanager
def starved(pid: int) -> Generator[None]:
    """A process that gets a sixth of the time, as if five others were busy."""
    over = Event()

    def starve() -> None:
        with contextlib.suppress(ProcessLookupError):
            while not over.wait(0.02):
                os.kill(pid, signal.SIGSTOP)
                over.wait(0.1)
                os.kill(pid, signal.SIGCONT)

    thread = Thread(target=starve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@needs_signals
def test_a_starved_daemon_serves_its_first_call_and_every_other(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as first, proxy(home) as second:
        until(lambda: daemon_pid(home) != 0)
        pid = daemon_pid(home)
        with starved(pid):
            first.handshake()
            stored(first, "The pump is dry")
            second.handshake()
            assert contents(second, "pump") == ["The pump is dry"]
        assert daemon_pid(home) == pid
        assert status(home)["clients"] == "2"


@needs_signals
@pytest.mark.parametrize("how", ["open", "full"])
def test_a_daemon_that_never_answers_is_said_and_can_be_ended(tmp_path: Path, how: str) -> None:
    with daemon_home(tmp_path) as home, process(home, DEAF, str(home), how) as (deaf, _):
        with started(home, ["-c", IMPATIENT]) as client:
            client.handshake()
            answer = client.ask("tools/call", name="recall", arguments={})
            text = answer["error"]["message"]
            assert f"(process {deaf.pid}) does not answer" in text
            assert "mcp-memory daemon stop" in text
            with started(home, ["-c", IMPATIENT, "show"]) as show:
                _, said = show.end()
                assert b"does not answer" in said
            with started(home, ["-c", IMPATIENT, "daemon", "stop"]) as stop:
                said, _ = stop.end()
                assert b"was killed; nothing acknowledged is lost" in said
        with proxy(home) as patient:
            patient.handshake()
            assert "structuredContent" in patient.call("recall")
            assert daemon_pid(home) not in (0, deaf.pid)


def test_a_lock_without_anybody_behind_it_is_said_with_the_log(tmp_path: Path) -> None:
    lock = tmp_path / "store" / "daemon" / "lock"
    lock.parent.mkdir(parents=True)
    with (
        daemon_home(tmp_path) as home,
        lock_held(lock) as holder,
        started(home, ["-c", IMPATIENT]) as client,
    ):
        client.handshake()
        text = client.ask("tools/call", name="recall", arguments={})["error"]["message"]
        assert f"(process {holder.pid}) does not answer" in text
        assert str(home / "daemon" / "log") in text
