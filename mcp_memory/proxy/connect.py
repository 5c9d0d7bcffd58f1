"""Finding the daemon of a store, and starting one where nobody does."""

from __future__ import annotations

import os
import sys
import time

from mcp_memory import __version__
from mcp_memory.ipc import protocol
from mcp_memory.ipc.address import Address, Connected, connect
from mcp_memory.ipc.client import SAYS, Refused, answer, ask, greet, identity_pairs, warn
from mcp_memory.ipc.liveness import Patience, Unanswered
from mcp_memory.system import environment, file_lock, home_folder, isolation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen

    from mcp_memory.ipc.address import Socket

FIRST_PAUSE_S, PAUSE_S = 0.25, 0.001
"""How long to wait for an answer at once, and whenever the loop comes by afterwards."""
SUCCESSOR_TIMEOUT_S = 10.0
"""How long a proxy leaves it to others to start the daemon that replaces an older one."""
START_TRIES = 5
"""How many daemons may end without a word while they start."""
REFUSED, TAKEN = 2, 3
"""The exit codes of a daemon that says why it cannot start, and that found another one there."""
_TAIL_BYTES = 4096
_LAUNCH = os.path.join(isolation.ROOT, "mcp_memory", "launch.py")


class Unreachable(Exception):
    """There is no daemon, and none can be had; the text says why and what to do."""


class DaemonConnector:
    """Looks for the daemon, once a call, so that a loop can do other things meanwhile."""

    def __init__(self, address: Address, pairs: list[tuple[str, str]]) -> None:
        """`pairs` say who is calling; see `whoami`."""
        self._address = address
        self._pairs = pairs
        self._child: Popen[bytes] | None = None
        self._has_served = False
        self._failures = 0
        self._log_begins = 0
        self._met: Connected | None = None
        self._patience: Patience | None = None
        self._others_until = 0.0

    def once(self, *, may_start: bool) -> Socket | None:
        """The daemon, greeted and ready; None as long as there is none. Raises Unreachable.

        Without `may_start` one that somebody else starts is waited for, however long.
        """
        if not may_start:
            self._patience = None
        elif self._patience is None:
            self._patience = Patience(self._address)
        try:
            return self._once(may_start=may_start)
        except Unanswered as error:
            raise self._given_up(str(error)) from None
        except OSError as error:  # e.g. a folder that may not be looked into
            said = home_folder.fault(self._address.home)
            reason = said or f"no daemon can be reached ({error}); {self._advice()}"
            raise self._given_up(reason) from error

    def news(self) -> str:
        """What to tell whoever waits for the daemon, at times; "" for nothing."""
        return self._patience.news() if self._patience is not None else ""

    def _once(self, *, may_start: bool) -> Socket | None:
        if self._patience is not None:
            self._patience.check()
        patience_s = PAUSE_S
        if self._met is None:
            try:
                self._met, patience_s = self._greet(), FIRST_PAUSE_S
            except TimeoutError:  # it takes no more connections at the moment
                return None
        if self._met is not None:
            return self._answered(self._met, patience_s)
        if may_start:
            self._start()
        return None

    def reap(self) -> None:
        """Take leave of a daemon that was started here and has ended, so that no zombie stays."""
        if self._child is not None and self._has_served and self._child.poll() is not None:
            self._child = None

    def leave_it_to_others(self) -> None:
        """A newer proxy starts the next daemon; only if it does not, start one here."""
        self._others_until = time.monotonic() + SUCCESSOR_TIMEOUT_S

    def _greet(self) -> Connected | None:
        """Whoever listens there, greeted. Raises TimeoutError."""
        connected = connect(self._address)
        if connected is None:
            return None
        if connected.shown and not file_lock.is_held(self._address.lock):
            connected.socket.close()  # a stranger, on the port of a daemon that is gone
            return None
        try:
            greet(connected, protocol.SERVE, self._pairs)
        except OSError:  # it is just leaving
            connected.socket.close()
            return None
        return connected

    def _answered(self, met: Connected, patience_s: float) -> Socket | None:
        """The daemon, once it has answered the greeting; an older one is told to go."""
        try:
            version, verdict, text = answer(met, patience_s)
        except (TimeoutError, BlockingIOError):
            return None
        except OSError:  # it is just leaving, or no daemon of ours
            self._met = None
            met.socket.close()
            return None
        is_older = protocol.is_older(version, __version__)
        if verdict == protocol.STARTING and not is_older:
            self._sign()
            return None
        self._met = None
        if verdict == protocol.WELCOME and not is_older:
            if text:
                warn(text)
            met.socket.settimeout(0)
            self._patience, self._has_served, self._failures = None, True, 0
            return met.socket
        met.socket.close()
        if is_older:
            self._retire()
        elif verdict == protocol.REFUSED:
            raise self._given_up(text)
        return None

    def _sign(self) -> None:
        if self._patience is not None:
            self._patience.sign()

    def _retire(self) -> None:
        """Tell an older daemon to go. Raises Unreachable where it must not."""
        try:
            ask(self._address, protocol.RETIRE)
        except Refused as error:
            raise self._given_up(str(error)) from None

    def _given_up(self, reason: str) -> Unreachable:
        if self._met is not None:
            self._met.socket.close()
        self._patience, self._met, self._failures = None, None, 0
        return Unreachable(reason)

    def _start(self) -> None:
        if self._child is not None:
            code = self._child.poll()
            if code is None:
                return
            self._child = None
            if code not in (0, TAKEN) and not self._has_served:
                self._failures += 1
                if code == REFUSED or self._failures >= START_TRIES:
                    reason = f"no daemon could be started ({self._last_words(code)})"
                    raise self._given_up(reason)
        if time.monotonic() > self._others_until and not file_lock.is_held(self._address.lock):
            self._log_begins = _size(self._address.log)
            self._child, self._has_served = start(self._address), False
            self._sign()

    def _last_words(self, code: int) -> str:
        """What the daemon that was started has said of its end."""
        try:
            with open(self._address.log, "rb") as log:
                log.seek(max(self._log_begins, os.path.getsize(self._address.log) - _TAIL_BYTES))
                lines = log.read().decode("utf-8", "replace").splitlines()
        except OSError as error:
            return f"{error}; {self._advice()}"
        said = next((line for line in reversed(lines) if line.startswith(SAYS)), "")
        return said.removeprefix(SAYS) or f"it ended with {code}; {self._advice()}"

    def _advice(self) -> str:
        return f"its log is {self._address.log}; run: mcp-memory doctor"


def whoami(home: str, environ: dict[str, str]) -> list[tuple[str, str]]:
    """What a proxy says of its caller: the working directory, the settings, a name of its own.

    The name stands for this proxy's session (of the older protocol era), whichever daemon
    serves it.
    """
    try:
        working_dir = os.getcwd()
    except OSError:  # it was removed
        working_dir = home
    session = f"c-{os.urandom(16).hex()}"
    return [("session", session), *identity_pairs(working_dir, environ)]


def start(address: Address) -> Popen[bytes]:
    """Start a daemon, detached, with its output in its log. Raises Unreachable."""
    import subprocess

    reason = isolation.removed() or home_folder.fault(address.home)
    if reason:
        raise Unreachable(reason)
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    try:
        address.make_folder()
        with open(address.log, "ab", opener=_private) as log:
            return subprocess.Popen(
                [sys.executable, "-P", _LAUNCH, "--home", address.home, "daemon", "run"],
                cwd=address.home,
                env=isolation.without_python(environment.whole()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                creationflags=flags,
            )
    except OSError as error:
        raise Unreachable(f"no daemon could be started ({error})") from error


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
