"""How long a daemon is waited for: as long as it gives signs of life, up to a limit.

A daemon that starts on a busy machine, or that was suspended, is not dead. It is waited for
while it says that it is starting, or that it is alive, and for a good while when it says
nothing at all.
"""

from __future__ import annotations

import os
import sys
import time

from mcp_memory.system import file_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_memory.ipc.address import Address

    Clock = Callable[[], float]

SILENT_S = 45.0
"""How long a daemon may give no sign of life."""
LIMIT_S = 180.0
"""How long one may take altogether that starts."""
TELL_S, TELL_AGAIN_S = 5.0, 30.0
"""After how long it is told that somebody waits, and how often afterwards."""
LOOK_S = 5.0
"""How often a daemon that was asked something is checked, and the most that one check counts."""
QUIET_S = 10.0
"""After how long without a sign of life it is told that a daemon is silent."""
SUSPENDED_S = 1.5
"""How long a process must have been suspended for a command to say so and wait no longer."""


class Unanswered(Exception):
    """The daemon did not answer while there was patience; the text says what to do."""


class Patience:
    """What is left of it, by a clock that counts seconds and never goes back."""

    def __init__(self, address: Address, clock: Clock = time.monotonic) -> None:
        self._address = address
        self._clock = clock
        self._since = self._sign_at = self._awake_at = clock()
        self._tell_at = self._since + TELL_S

    def sign(self) -> None:
        """The daemon lives: it was started, or has said something."""
        self._sign_at = self._clock()

    def check(self) -> None:
        """Raise Unanswered when there is none left."""
        now = self._clock()
        if now - self._since > LIMIT_S:
            raise Unanswered(
                f"{_daemon(self._address)} is still starting after {LIMIT_S:g} s, for this machine"
                " is busy; call again in a while"
            )
        if now - self._sign_at > SILENT_S:
            raise Unanswered(no_sign(self._address))

    def check_awake(self) -> None:
        """The same for a daemon that is suspended at every look, and has been for a moment."""
        now, told = self._clock(), suspended(self._address)
        if not told:
            self._awake_at = now
        elif now - self._awake_at > SUSPENDED_S:
            raise Unanswered(told)

    def news(self) -> str:
        """What to tell whoever waits, at times; "" for nothing."""
        now = self._clock()
        if now < self._tell_at:
            return ""
        self._tell_at = now + TELL_AGAIN_S
        return f"waiting for {_daemon(self._address)}: {now - self._since:.0f} s so far"


class Silence:
    """How long a connected daemon that owes an answer has said nothing, and given no sign of life.

    One look counts at most `LOOK_S`: the time in which nobody looked, for this process was
    suspended or starved itself, says nothing of the daemon.
    """

    def __init__(self, address: Address, clock: Clock = time.monotonic) -> None:
        self._address = address
        self._clock = clock
        self._looked_at = clock()
        self._speechless_s = self._silent_s = 0.0
        self._told_at_s: float | None = None
        self._has_asked = False

    def end(self) -> None:
        """The daemon has said something, or owes nothing."""
        self._looked_at, self._speechless_s, self._told_at_s = self._clock(), 0.0, None
        self.sign()

    def sign(self) -> None:
        """The daemon lives."""
        self._silent_s, self._has_asked = 0.0, False

    def look(self) -> None:
        """Count the time since the last look. Raises Unanswered after too much silence."""
        now = self._clock()
        passed_s = min(now - self._looked_at, LOOK_S)
        self._looked_at = now
        self._speechless_s += passed_s
        self._silent_s += passed_s
        if self._silent_s > SILENT_S:
            raise Unanswered(f"{no_sign(self._address)}. What was asked may still be done")

    def asks(self) -> bool:
        """Whether to ask the daemon for a sign of life now: once in each silence."""
        if self._has_asked or self._silent_s < LOOK_S:
            return False
        self._has_asked = True
        return True

    def news(self) -> str:
        """What to tell whoever waits, at times; "" for nothing."""
        told_at_s = self._told_at_s
        wait_s = QUIET_S if told_at_s is None else told_at_s + TELL_AGAIN_S
        if self._speechless_s < wait_s:
            return ""
        self._told_at_s = self._speechless_s
        told = f"no answer from {_daemon(self._address)} for {self._speechless_s:.0f} s"
        if self._silent_s < QUIET_S:
            return f"{told}; it is alive, and still at work or waiting"
        return suspended(self._address) or f"{told}, nor a sign of life; this machine may be busy"


def no_sign(address: Address) -> str:
    """What to say of a daemon that was silent for too long."""
    advice = (
        "call again in a while; if that does not help, mcp-memory daemon stop ends it, by which"
    )
    return (
        f"{_daemon(address)} does not answer: it gave no sign of life for {SILENT_S:g} s."
        f" {_upper(suspended(address) or f'{advice} nothing acknowledged is lost')}."
        f" Its log is {address.log}"
    )


def suspended(address: Address) -> str:
    """What to say of a daemon whose process was stopped by a signal, "" of any other.

    Some systems do not tell that.
    """
    pid = file_lock.note(address.lock)
    if not pid.isdecimal() or _state(pid)[:1] not in ("T", "t"):
        return ""
    return (
        f"{_daemon(address)} is suspended: kill -CONT {pid} lets it go on, mcp-memory daemon stop"
        " ends it, by which nothing acknowledged is lost"
    )


def _state(pid: str) -> str:
    """The state of a process in the letters of `ps`, "" where it is not known."""
    if sys.platform == "win32":
        return ""
    if sys.platform == "linux":
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                return file.read().rpartition(b")")[2].decode("ascii", "replace").strip()
        except OSError:
            return ""
    with os.popen(f"ps -o state= -p {pid}") as said:
        return said.read().strip()


def _daemon(address: Address) -> str:
    pid = file_lock.note(address.lock)
    return f"the daemon (process {pid})" if pid else "the daemon of this store"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
