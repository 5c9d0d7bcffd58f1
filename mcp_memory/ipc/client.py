"""Talking to a daemon: what the stdio proxy and the command line share."""

from __future__ import annotations

import sys
import time

from mcp_memory.ipc import protocol
from mcp_memory.ipc.address import Address, Connected, connect
from mcp_memory.ipc.liveness import SILENT_S, TELL_S, Patience, suspended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_S = 0.25
"""How often it is looked whether there is patience left."""
SAYS = "mcp-memory: "
ENVIRON = "environ."
OUT, ERROR, END = "+", "!", "="
"""How the lines of a command's output begin: a line, an error, and the exit code."""
_READ_BYTES = 64 * 1024


class Refused(Exception):
    """The daemon does not do what was asked; the text says why."""


def warn(text: str) -> None:
    """Say something on stderr, if there is one and somebody reads it."""
    try:
        sys.stderr.write(f"{SAYS}{text}\n")
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        return


def identity_pairs(working_dir: str, environ: dict[str, str]) -> list[tuple[str, str]]:
    """Who is calling, as a greeting says it: the working directory and the settings."""
    settings = [(ENVIRON + name, value) for name, value in environ.items()]
    return [("cwd", working_dir), *settings]


def greet(connected: Connected, purpose: str, pairs: list[tuple[str, str]]) -> None:
    """Say hello to whoever listens. Raises OSError when it goes away."""
    shown = [("secret", connected.shown)] if connected.shown else []
    connected.socket.settimeout(SILENT_S)
    connected.socket.sendall(protocol.hello(purpose, [*shown, *pairs]))


def answer(connected: Connected, timeout_s: float) -> tuple[str, str, str]:
    """What it says to that: version, verdict and text; STARTING before its verdict.

    Raises TimeoutError as long as it says nothing (ask again), other kinds of OSError when
    it is no daemon or goes away.
    """
    sock, line = connected.socket, connected.heard
    sock.settimeout(timeout_s)
    while not line.endswith(b"\n") and len(line) < protocol.LINE_BYTES_MAX:
        # Byte by byte: what follows this short line is not for here.
        chunk = sock.recv(1)
        if not chunk:
            raise ConnectionResetError("the daemon went away")
        line += chunk
    found = protocol.parse_answer(bytes(line))
    line.clear()
    if found is None or not found[2].startswith(connected.awaited):
        raise ConnectionRefusedError("something else listens there")
    version, verdict, text = found
    return version, verdict, text.removeprefix(connected.awaited).strip()


def meet(
    address: Address, purpose: str, pairs: list[tuple[str, str]]
) -> tuple[Connected, str, str] | None:
    """Greet the daemon and wait for its verdict: the connection, verdict and text of it.

    None when there is no daemon, or it is just leaving. Raises Unanswered.
    """
    patience = Patience(address)
    connected = _connected(address, patience)
    if connected is None:
        return None
    try:
        greet(connected, purpose, pairs)
        while True:
            _wait(patience)
            try:
                _, verdict, text = answer(connected, LOOK_S)
            except TimeoutError:
                patience.check_awake()
                continue
            if verdict != protocol.STARTING:
                return connected, verdict, text
            patience.sign()
    except BaseException as error:
        connected.socket.close()
        if isinstance(error, OSError):
            return None
        raise


def _connected(address: Address, patience: Patience) -> Connected | None:
    while True:
        try:
            return connect(address)
        except TimeoutError:  # its queue is full
            _wait(patience)
            patience.check_awake()
            time.sleep(LOOK_S)


def _wait(patience: Patience) -> None:
    patience.check()
    if told := patience.news():
        warn(told)


def ask(address: Address, purpose: str) -> str | None:
    """Ask the daemon for something; what it says once it will do it, None where none does.

    Raises Refused when it does not, Unanswered when it does not answer.
    """
    met = meet(address, purpose, [])
    if met is None:
        return None
    connected, verdict, text = met
    connected.socket.close()
    if verdict == protocol.REFUSED:
        raise Refused(text)
    return text if verdict == protocol.WELCOME else None


def run(address: Address, pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str]] | None:
    """Have the daemon run a command; None when there is none.

    Gives pairs of OUT, ERROR or END and a text. Raises Refused, Unanswered, and OSError
    when the daemon goes away meanwhile.
    """
    met = meet(address, protocol.RUN, pairs)
    if met is None:
        return None
    connected, verdict, text = met
    if verdict != protocol.WELCOME:
        connected.socket.close()
        raise Refused(text)
    return _output(address, connected)


def _output(address: Address, connected: Connected) -> Iterator[tuple[str, str]]:
    connected.socket.settimeout(TELL_S)
    rest = b""
    try:
        while chunk := _heard(address, connected):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                text = line.decode("utf-8", "replace")
                yield text[:1], text[1:]
    finally:
        connected.socket.close()


def _heard(address: Address, connected: Connected) -> bytes:
    """What comes next, however long the daemon works; that it was suspended meanwhile is told."""
    while True:
        try:
            return connected.socket.recv(_READ_BYTES)
        except TimeoutError:
            if told := suspended(address):
                warn(told)
