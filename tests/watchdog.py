"""No test waits for ever: after a generous while it ends, with the stacks of all its processes."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import time
from collections.abc import Generator
from pathlib import Path
from threading import Timer

LIMIT_S = 600.0
"""How long a test may take; on a quiet machine the slowest takes a twentieth of it."""
WAIT_S = 540.0
"""How long a test waits for anything: so long that only what never comes ends it."""
GRACE_S = 30.0
_HOME = b"MCP_MEMORY_HOME="
MARK = "STARTED_BY_TEST_PROCESS"
"""The variable by which processes that tests started, and those that they did, are known."""


def marked() -> dict[str, str]:
    """What a test puts into the environment of a process, so that it can be found and asked."""
    return {MARK: str(os.getpid()), "PYTHONFAULTHANDLER": "1"}


@contextlib.contextmanager
def watched(name: str) -> Generator[None]:
    """A test that ends, one way or the other."""
    timers = [Timer(LIMIT_S, _tell, [name]), Timer(LIMIT_S + GRACE_S, _end)]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


def _tell(name: str) -> None:
    """Print every stack and end what the test waits for, so that it fails by itself."""
    print(f"{name} took longer than {LIMIT_S:g} s", file=sys.__stderr__, flush=True)
    faulthandler.dump_traceback(file=2, all_threads=True)
    homes = {home for home in _started().values() if home}
    for pid, home in _started().items():
        print(f"process {pid} of {home or 'no store'}:", file=sys.__stderr__, flush=True)
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGABRT)  # faulthandler prints its stacks to its stderr
    time.sleep(1)  # else a host has not written its own yet
    for home in homes:
        log = Path(home) / "host" / "log"
        with contextlib.suppress(OSError):
            print(log, log.read_text("utf-8", "replace"), file=sys.__stderr__, flush=True)


def _end() -> None:
    """Nothing has helped."""
    faulthandler.dump_traceback(file=2, all_threads=True)
    os._exit(1)


def _started() -> dict[int, str]:
    """The processes that this one has started, however indirectly, and the store of each."""
    mark, found = f"{MARK}={os.getpid()}".encode(), dict[int, str]()
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            pairs = file.read_bytes().split(b"\0")
            if mark in pairs and int(file.parent.name) != os.getpid():
                homes = [pair for pair in pairs if pair.startswith(_HOME)]
                home = homes[0].removeprefix(_HOME) if homes else b""
                found[int(file.parent.name)] = os.fsdecode(home)
    return found
