"""Talking to a host: what the stdio door and the command line share."""

from __future__ import annotations

from mcp_memory.host import greeting
from mcp_memory.host.address import Address, Connected, connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S = 10.0
ENVIRON = "environ."
OUT, ERROR, END = "+", "!", "="
"""How the lines of a command's output begin: a line, an error, and the exit code."""
_READ_BYTES = 64 * 1024


class Refused(Exception):
    """The host does not do what was asked; the text says why."""


def caller(working_dir: str, environ: dict[str, str]) -> list[tuple[str, str]]:
    """Who is calling, as a greeting says it: the working directory and the settings."""
    settings = [(ENVIRON + name, value) for name, value in environ.items()]
    return [("cwd", working_dir), *settings]


def greet(connected: Connected, purpose: str, pairs: list[tuple[str, str]]) -> None:
    """Say hello to whoever listens. Raises OSError when it goes away."""
    shown = [("secret", connected.shown)] if connected.shown else []
    connected.socket.settimeout(TIMEOUT_S)
    connected.socket.sendall(greeting.hello(purpose, [*shown, *pairs]))


def answer(connected: Connected, timeout_s: float) -> tuple[str, str, str]:
    """What it says to that: version, verdict and text.

    Raises TimeoutError as long as it says nothing (ask again), other kinds of OSError when
    it is no host or goes away.
    """
    sock, line = connected.socket, connected.heard
    sock.settimeout(timeout_s)
    while not line.endswith(b"\n") and len(line) < greeting.LINE_BYTES_MAX:
        # Byte by byte: what follows this short line is not for here.
        chunk = sock.recv(1)
        if not chunk:
            raise ConnectionResetError("the host went away")
        line += chunk
    found = greeting.parse_answer(bytes(line))
    if found is None or not found[2].startswith(connected.awaited):
        raise ConnectionRefusedError("something else listens there")
    version, verdict, text = found
    return version, verdict, text.removeprefix(connected.awaited).strip()


def converse(
    connected: Connected, purpose: str, pairs: list[tuple[str, str]]
) -> tuple[str, str, str]:
    """Both in one: version, verdict and text of the answer. Raises OSError, TimeoutError."""
    greet(connected, purpose, pairs)
    return answer(connected, TIMEOUT_S)


def ask(address: Address, purpose: str) -> str | None:
    """Ask the host for something; what it says once it will do it, None where none does.

    Raises Refused when it does not, TimeoutError when it does not answer.
    """
    connected = None
    try:
        connected = connect(address)
        if connected is None:
            return None
        _, verdict, text = converse(connected, purpose, [])
        if verdict == greeting.REFUSED:
            raise Refused(text)
        return text if verdict == greeting.WELCOME else None
    except TimeoutError:
        raise
    except OSError:
        return None
    finally:
        if connected is not None:
            connected.socket.close()


def run(address: Address, pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str]] | None:
    """Have the host run a command; None when there is none.

    Gives pairs of OUT, ERROR or END and a text. Raises Refused, and OSError when the host
    goes away meanwhile.
    """
    connected = None
    try:
        connected = connect(address)
        if connected is None:
            return None
        _, verdict, text = converse(connected, greeting.RUN, pairs)
    except OSError as error:
        if connected is not None:
            connected.socket.close()
        if isinstance(error, TimeoutError):
            raise Refused("the host does not answer; run: mcp-memory host stop") from None
        return None  # it is just leaving
    if verdict != greeting.WELCOME:
        connected.socket.close()
        raise Refused(text)
    return _output(connected)


def _output(connected: Connected) -> Iterator[tuple[str, str]]:
    connected.socket.settimeout(None)
    rest = b""
    try:
        while chunk := connected.socket.recv(_READ_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                text = line.decode("utf-8", "replace")
                yield text[:1], text[1:]
    finally:
        connected.socket.close()
