"""A third place that knows how far the journal had come, beside record and index.

It holds no text, only numbers and heads of the chain, and is written without waiting for
the disk: a killed process leaves it right, a power cut may leave it late. With it a store
whose record and index were both damaged can say how many changes it has lost, and one
whose record or index was exchanged can tell which of them is its own.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path

from mcp_memory.storage.embedded.shared.hash_chain import GENESIS

_NOTHING = (0, GENESIS, GENESIS, 0)


class WatermarkFile:
    """The file `watermark_file`: one line of fixed length, with a checksum."""

    number: int
    """The newest change that was seen, 0 when none is known of."""
    head: bytes
    """The head of the chain after it."""
    birth: bytes
    """The head after the first change, which no two stores share."""
    scrubbed: int
    """The newest erasure that was finished in every file."""

    def __init__(self, home: Path) -> None:
        self._path = home / "witness"
        self.number, self.head, self.birth, self.scrubbed = _read(self._path)

    def see(self, number: int, head: bytes, first: bytes = b"") -> None:
        """Note the newest change; `first` is the head after change 1, b"" when not at hand."""
        birth = head if number == 1 else first or self.birth
        if (number, head, birth) != (self.number, self.head, self.birth):
            self.number, self.head, self.birth = number, head, birth
            self._write()

    def see_scrubbed(self, number: int) -> None:
        """Note that erasures up to this one are finished in every file."""
        if number != self.scrubbed:
            self.scrubbed = number
            self._write()

    def _write(self) -> None:
        said = f"{self.number:020} {self.head.hex()} {self.birth.hex()} {self.scrubbed:020}"
        line = f"{said} {zlib.crc32(said.encode()):08x}\n".encode("ascii")
        # What cannot be written is missed only when both other places are damaged as well.
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)


def _read(path: Path) -> tuple[int, bytes, bytes, int]:
    try:
        said, _, checksum = path.read_bytes().decode("ascii").strip().rpartition(" ")
        if int(checksum, 16) != zlib.crc32(said.encode()):
            return _NOTHING
        number, head, birth, scrubbed = said.split(" ")
        return int(number), bytes.fromhex(head), bytes.fromhex(birth), int(scrubbed)
    except (OSError, ValueError):
        return _NOTHING
