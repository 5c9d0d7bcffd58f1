"""Bytes as they come → whole lines."""

from __future__ import annotations

LINE_BYTES_MAX = 16 * 1024 * 1024
TOO_LONG = (
    f"this message is longer than {LINE_BYTES_MAX // 1024**2} MiB, and was not read; send less at"
    " once"
)
_KEPT_BYTES = 4096
_MEMBER = rb'"(jsonrpc|id|method)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)'
_FIRST, _LAST = rb"\s*\{(?:\s*%s\s*,)+", rb"(?:,\s*%s\s*)+\}\s*\Z"


class TooLong(bytes):
    """Stands, empty, for a line that was longer than 16 MiB.

    `request_id` is that of the request which it was, None where that cannot be told from
    the beginning and the end of it.
    """

    request_id: str | int | None = None


class Lines:
    """Cuts a stream of bytes at its newlines, however the bytes are torn.

    Lines come without their ends, blank ones not at all; TooLong for one of which only the
    beginning and the end were kept.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._begins = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes."""
        found: list[bytes] = []
        *ends, tail = chunk.split(b"\n")
        for end in ends:
            self._take(end)
            if self._begins:
                found.append(_too_long(self._begins, bytes(self._rest)))
            elif self._rest.strip():
                found.append(bytes(self._rest))
            self._rest.clear()
            self._begins = b""
        self._take(tail)
        return found

    def _take(self, part: bytes) -> None:
        self._rest += part
        if len(self._rest) > LINE_BYTES_MAX:
            self._begins = self._begins or bytes(self._rest[:_KEPT_BYTES])
        if self._begins:
            del self._rest[:-_KEPT_BYTES]


def _too_long(begins: bytes, ends: bytes) -> TooLong:
    """What stands for a line. It was a request if its own members say a method and an id."""
    import json  # the stdio proxy has no time for these before they are needed
    import re

    first = re.match(_FIRST % _MEMBER, begins)
    last = re.search(_LAST % _MEMBER, ends)
    told = (first.group() if first else b"") + (last.group() if last else b"")
    members = dict[bytes, bytes](re.findall(_MEMBER, told))
    line = TooLong()
    if members.keys() >= {b"id", b"method"}:
        try:
            line.request_id = json.loads(members[b"id"])
        except ValueError:  # no UTF-8, or no escape that JSON knows
            return line
    return line
