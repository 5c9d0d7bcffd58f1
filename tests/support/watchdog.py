"""No test waits for ever: after a generous while it ends, with the stacks of all its processes."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import time
from collections.abc import Generator
from pathlib import Path
from threading import Timer

LIMIT_S = float(os.environ.get("TEST_LIMIT_S", "600"))
"""How long a test may take; on a quiet machine the slowest takes a twentieth of it."""
WAIT_S = 540.0
"""How long a test waits for anything: so long that only what never comes ends it."""
GRACE_S = LIMIT_S / 20
_HOME = b"MCP_MEMORY_HOME="
MARK = "STARTED_BY_TEST_PROCESS"
"""The variable by which processes that tests started, and those that they did, are known."""


def marked() -> dict[str, str]:
    """What a test puts into the environment of a process, so that it can be found and asked."""
    return {MARK: str(os.getpid()), "PYTHONFAULTHANDLER": "1"}


class Output:
    """Where it is told: where the run began, whatever catches the output of a test."""

    descriptor = 2

    @classmethod
    def keep(cls) -> None:
        """Take what is stderr now for it."""
        cls.descriptor = os.dup(2)

    @classmethod
    def say(cls, *words: object) -> None:
        """A line of text."""
        os.write(cls.descriptor, (" ".join(map(str, words)) + "\n").encode("utf-8", "replace"))


@contextlib.contextmanager
def watched(name: str, limit_s: float = LIMIT_S) -> Generator[None]:
    """A test that ends, one way or the other."""
    timers = [Timer(limit_s, _tell, [name, limit_s]), Timer(limit_s + GRACE_S, _end)]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


def _tell(name: str, limit_s: float) -> None:
    """Print every stack and end what the test waits for, so that it fails by itself."""
    Output.say(f"{name} took longer than {limit_s:g} s")
    faulthandler.dump_traceback(file=Output.descriptor, all_threads=True)
    homes = {home for home in _started().values() if home}
    for pid, home in _started().items():
        Output.say(f"process {pid} of {home or 'no store'}:")
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGABRT)  # faulthandler prints its stacks to its stderr
    time.sleep(1)  # else a daemon has not written its own yet
    for home in homes:
        log = Path(home) / "daemon" / "log"
        with contextlib.suppress(OSError):
            Output.say(log, log.read_text("utf-8", "replace"))


def _end() -> None:
    """Nothing has helped."""
    faulthandler.dump_traceback(file=Output.descriptor, all_threads=True)
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
