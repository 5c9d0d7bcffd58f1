"""The record that the shim makes of what a process did to the disk."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_HEAD = struct.Struct("<cHHQQ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One operation; shim.c tells of the kinds. Paths are relative to the root, which is ""."""

    kind: str
    path: str
    other: str = ""
    offset: int = 0
    data: bytes = b""


def read(log: Path, root: Path) -> list[Operation]:
    """Everything in a record, in order."""
    said, above = log.read_bytes(), str(root.resolve())
    found: list[Operation] = []
    at = 0
    while at < len(said):
        kind, path_size, other_size, offset, size = _HEAD.unpack_from(said, at)
        texts = at + _HEAD.size
        data = texts + path_size + other_size
        found.append(
            Operation(
                kind=kind.decode(),
                path=said[texts : texts + path_size].decode().removeprefix(above).lstrip("/"),
                other=said[texts + path_size : data].decode().removeprefix(above).lstrip("/"),
                offset=offset,
                data=said[data : data + size],
            )
        )
        at = data + size
    return found
