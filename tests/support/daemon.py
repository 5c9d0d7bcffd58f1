"""Proxies and daemons as real processes, for tests of what happens between them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mcp_memory import __version__
from mcp_memory.ipc.address import Address
from mcp_memory.ipc.client import run
from mcp_memory.system import file_lock
from tests.support.mcp_client import ROOT, environment
from tests.support.stdio_client import Server
from tests.support.waiting import until
from tests.support.watchdog import WAIT_S

PROXY = ("-m", "mcp_memory")
needs_signals = pytest.mark.skipif(
    sys.platform == "win32",
    reason="Windows ends a process at once; no signal asks it to end, or suspends it",
)


@contextlib.contextmanager
def proxy(home: Path, *arguments: str, **env: str) -> Generator[Server]:
    """A proxy to the daemon of a store; the daemon outlives it."""
    with started(home, [*PROXY, *arguments], **env) as server:
        yield server


@contextlib.contextmanager
def started(home: Path, command: Sequence[str], **given: Any) -> Generator[Server]:
    """What Python makes of a command, which is killed when it is left; see Server."""
    started = Server(home, command, **given)
    with started.process as process:
        try:
            yield started
        finally:
            process.kill()


@contextlib.contextmanager
def daemon_home(folder: Path) -> Generator[Path]:
    """A place for a store, whose daemon has ended when it is left."""
    home = folder / "store"
    try:
        yield home
    finally:
        command("daemon", "stop", home=home)


def command(*arguments: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line."""
    return subprocess.run(
        [sys.executable, *PROXY, *arguments],
        env={**environment(home, **env), "PATH": os.environ.get("PATH", "")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )


def status(home: Path) -> dict[str, str]:
    """What the daemon says of itself; {} when there is none."""
    output = run(Address(str(home)), [("command", "status")])
    lines = [text for mark, text in output or () if mark == "+"]
    return dict(line.split("\t", 1) for line in lines)


def daemon_pid(home: Path) -> int:
    """The process of the daemon, 0 when none holds its lock."""
    lock = Address(str(home)).lock
    return int(file_lock.note(lock) or 0) if file_lock.is_held(lock) else 0


def kill_daemon(home: Path) -> int:
    """Kill the daemon at once; which process it was."""
    pid = daemon_pid(home)
    assert pid, "there is no daemon"
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    until(lambda: daemon_pid(home) != pid)
    return pid


def older_copy(folder: Path, version: str) -> Path:
    """A copy of the package that says it is another version; its parent, for PYTHONPATH."""
    shutil.copytree(
        ROOT / "mcp_memory",
        folder / "mcp_memory",
        ignore=shutil.ignore_patterns("__pycache__", "bundled"),
    )
    models = folder / "mcp_memory" / "embedding" / "bundled"
    models.symlink_to(ROOT / "mcp_memory" / "embedding" / "bundled")
    for name, said in (("__init__.py", "= "), ("proxy/snapshot.json", ": ")):
        file = folder / "mcp_memory" / name
        text = file.read_text("utf-8")
        own = f'{said}"{__version__}"'
        assert own in text
        file.write_text(text.replace(own, f'{said}"{version}"'), "utf-8")
    return folder


def stored(proxy: Server, content: str) -> str:
    result = proxy.call("remember", memories=content)
    assert not result.get("isError"), result
    return result["structuredContent"]["results"][0]["id"]


def contents(proxy: Server, query: str = "", **arguments: Any) -> list[str]:
    result = proxy.call("recall", query=query, limit=50, **arguments)
    assert not result.get("isError"), result
    return [memory["content"] for memory in result["structuredContent"]["memories"]]


@contextlib.contextmanager
def lock_held(path: Path) -> Generator[subprocess.Popen[bytes]]:
    """A process that holds a lock until it is killed."""
    code = (
        "import os, sys; from mcp_memory.system.file_lock import FileLock\n"
        f"lock = FileLock({str(path)!r}, str(os.getpid())); print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        try:
            yield holder
        finally:
            holder.kill()
