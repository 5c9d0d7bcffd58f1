"""Bytes as they come → whole lines."""

from __future__ import annotations

LINE_BYTES_MAX = 16 * 1024 * 1024


class Lines:
    """Cuts a stream of bytes at its newlines, however the bytes are torn.

    Lines come without their ends, blank ones not at all; b"" stands for one that was
    longer than 16 MiB, of which nothing is kept.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes."""
        found: list[bytes] = []
        *ends, tail = chunk.split(b"\n")
        for end in ends:
            self._rest += end
            if self._rest.strip() and not self._skipping:
                found.append(bytes(self._rest))
            self._rest.clear()
            self._skipping = False
        self._rest += tail
        if len(self._rest) > LINE_BYTES_MAX:
            if not self._skipping:
                found.append(b"")
            self._rest.clear()
            self._skipping = True
        return found
