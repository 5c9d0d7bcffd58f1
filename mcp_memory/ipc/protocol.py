"""What a proxy and a daemon say to each other before anything else.

    proxy   mcp-memory <version> <purpose> <bytes>\\n, then so many bytes: name=value pairs, each
           ended by NUL, as the system keeps an environment
    daemon   mcp-memory <version> <verdict> <text>\\n

A daemon that is still starting says `starting` at once and every other second, before its
verdict. Then it depends on the purpose: `serve` passes JSON-RPC lines both ways, `run` gets the
output of a command, `stop`, `retire` and `make-way` nothing more. No line of JSON-RPC begins with
`mcp-memory`, so that a proxy can still ask among them whether the daemon is alive, which it answers
with the same line, and a daemon can say goodbye. Neither JSON nor anything
else is imported for this: the proxy has only milliseconds.
"""

from __future__ import annotations

import os

from mcp_memory import __version__

SERVE, RUN, STOP, RETIRE, MAKE_WAY = "serve", "run", "stop", "retire", "make-way"
WELCOME, REFUSED, GOODBYE = "welcome", "refused", "goodbye"
STARTING, ALIVE = "starting", "alive"
STOPPED, REPLACED = "stopped", "replaced"
"""Why a daemon says goodbye: it was told to stop, or a newer one takes its place."""

PAIRS_BYTES_MAX = 256 * 1024
LINE_BYTES_MAX = 8 * 1024
_MARK = "mcp-memory"


class Hello:
    """What a proxy says first: its version, its purpose, and named values."""

    def __init__(self, version: str, purpose: str, pairs: list[tuple[str, str]]) -> None:
        self.version = version
        self.purpose = purpose
        self.pairs = pairs

    def value(self, name: str) -> str:
        """The first value of a name, "" for none."""
        return next((value for known, value in self.pairs if known == name), "")

    def values(self, prefix: str) -> dict[str, str]:
        """The values whose names begin with `prefix`, without it."""
        size = len(prefix)
        return {name[size:]: value for name, value in self.pairs if name.startswith(prefix)}


def hello(purpose: str, pairs: list[tuple[str, str]]) -> bytes:
    """What a proxy sends; whatever bytes a value has, the daemon gets the same."""
    block = b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in pairs)
    return f"{_MARK} {__version__} {purpose} {len(block)}\n".encode() + block


def parse_head(line: bytes) -> tuple[str, str, int]:
    """Version, purpose, and how many bytes of pairs follow. Raises ValueError."""
    mark, version, purpose, size = line.decode("ascii").split()
    if mark != _MARK or not 0 <= int(size) <= PAIRS_BYTES_MAX:
        raise ValueError("this is no greeting of a proxy")
    return version, purpose, int(size)


def parse_pairs(block: bytes) -> list[tuple[str, str]]:
    """The named values."""
    pairs = [os.fsdecode(pair).partition("=") for pair in block.split(b"\0") if pair]
    return [(name, value) for name, _, value in pairs]


def answer(verdict: str, text: str) -> bytes:
    """What a daemon says to a proxy, and how it says goodbye. The text is one line."""
    line = f"{_MARK} {__version__} {verdict} {' '.join(text.split())}"
    return line.encode("utf-8", "replace")[: LINE_BYTES_MAX - 1] + b"\n"


def alive() -> bytes:
    """What a proxy asks a daemon that owes it an answer, and what the daemon says to that."""
    return answer(ALIVE, "?")


def parse_answer(line: bytes) -> tuple[str, str, str] | None:
    """Version, verdict and text of what a daemon says; None for any other line."""
    if not line.startswith(_MARK.encode() + b" "):
        return None
    _, version, verdict, *rest = line.decode("utf-8", "replace").rstrip("\n").split(" ", 3)
    return version, verdict, rest[0] if rest else ""


def is_older(version: str, other: str) -> bool:
    """Whether `version` comes before the `other`; what follows a number does not count."""
    return _numbers(version) < _numbers(other)


def _numbers(version: str) -> list[int]:
    return [_leading_number(part) for part in version.split(".")]


def _leading_number(part: str) -> int:
    end = next((i for i, c in enumerate(part) if not "0" <= c <= "9"), len(part))
    return int(part[:end] or 0)
