"""Finding the host of a store, and starting one where nobody does."""

from __future__ import annotations

import os
import sys
import time

from mcp_memory import __version__, file_lock
from mcp_memory.host import greeting
from mcp_memory.host.address import Address, Connected, connect
from mcp_memory.host.client import ask, caller, converse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket as Socket
    from subprocess import Popen

START_TIMEOUT_S = 45.0
SUCCESSOR_TIMEOUT_S = 10.0
"""How long a door leaves it to others to start the host that replaces an older one."""
TAKEN = 3
"""The exit code of a host that found another one there."""
_TAIL_BYTES = 4096


class Unreachable(Exception):
    """There is no host, and none can be had; the text says why and what to do."""


class Reach:
    """Looks for the host, once a call, so that a loop can do other things meanwhile."""

    def __init__(self, address: Address, pairs: list[tuple[str, str]]) -> None:
        """`pairs` say who is calling; see `whoami`."""
        self._address = address
        self._pairs = pairs
        self._child: Popen[bytes] | None = None
        self._has_served = False
        self._since = 0.0
        self._others_until = 0.0

    def once(self) -> Socket | None:
        """The host, greeted and ready; None as long as there is none. Raises Unreachable."""
        self._since = self._since or time.monotonic()
        connected = connect(self._address)
        sock = self._greeted(connected) if connected is not None else None
        if sock is not None:
            self._since, self._has_served = 0.0, True
            return sock
        if time.monotonic() - self._since > START_TIMEOUT_S:
            self._since = 0.0
            raise Unreachable(f"no host answered within {START_TIMEOUT_S:g} s; {self._advice()}")
        self._start()
        return None

    def leave_it_to_others(self) -> None:
        """A newer door starts the next host; only if it does not, start one here."""
        self._others_until = time.monotonic() + SUCCESSOR_TIMEOUT_S

    def _greeted(self, connected: Connected) -> Socket | None:
        """The host that listens there, if it is one for us; an older one is told to go."""
        try:
            verdict = converse(connected, greeting.SERVE, self._pairs)
        except TimeoutError:
            connected.socket.close()
            pid = file_lock.note(self._address.lock) or "unknown"
            self._since = 0.0
            raise Unreachable(
                f"the host (process {pid}) does not answer; run: mcp-memory host stop"
            ) from None
        except OSError:  # it is just leaving
            connected.socket.close()
            return None
        version, word, text = verdict
        if word == greeting.WELCOME and not greeting.is_older(version, __version__):
            if text:
                sys.stderr.write(f"mcp-memory: {text}\n")
            connected.socket.settimeout(0)
            return connected.socket
        connected.socket.close()
        if greeting.is_older(version, __version__):
            ask(self._address, greeting.RETIRE)
        elif word == greeting.REFUSED:
            self._since = 0.0
            raise Unreachable(text)
        return None

    def _start(self) -> None:
        if self._child is not None:
            code = self._child.poll()
            if code is None:
                return
            self._child = None
            if code not in (0, TAKEN) and not self._has_served:
                self._since = 0.0
                raise Unreachable(f"no host could be started ({self._last_words(code)})")
        if time.monotonic() > self._others_until and not file_lock.is_held(self._address.lock):
            self._child, self._has_served = start(self._address), False

    def _last_words(self, code: int) -> str:
        try:
            with open(self._address.log, "rb") as log:
                log.seek(max(0, os.path.getsize(self._address.log) - _TAIL_BYTES))
                lines = log.read().decode("utf-8", "replace").strip().splitlines()
        except OSError as error:
            return f"{error}; {self._advice()}"
        said = next((line for line in reversed(lines) if line.startswith("mcp-memory: ")), "")
        return said.removeprefix("mcp-memory: ") or f"it ended with {code}; {self._advice()}"

    def _advice(self) -> str:
        return f"its log is {self._address.log}; run: mcp-memory doctor"


def whoami(home: str, environ: dict[str, str]) -> list[tuple[str, str]]:
    """What a door says of its caller: the working directory, the settings, a name of its own.

    The name stands for this door's session (of the older protocol era), whichever host
    serves it.
    """
    try:
        working_dir = os.getcwd()
    except OSError:  # it was removed
        working_dir = home
    session = f"c-{os.urandom(16).hex()}"
    return [("session", session), *caller(working_dir, environ)]


def start(address: Address) -> Popen[bytes]:
    """Start a host, detached, with its output in its log. Raises Unreachable."""
    import subprocess

    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    try:
        address.make_folder()
        with open(address.log, "ab", opener=_private) as log:
            return subprocess.Popen(
                # -P: no module is taken from the folder that the client works in.
                [sys.executable, "-P", "-m", "mcp_memory", "--home", address.home, "host", "run"],
                cwd=address.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                creationflags=flags,
            )
    except OSError as error:
        raise Unreachable(f"no host could be started ({error})") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
