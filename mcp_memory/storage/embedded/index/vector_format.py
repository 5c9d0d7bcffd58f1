"""Vectors as the index keeps them: half floats for the score, signs for the search."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from mcp_memory.errors import InvalidInput
from mcp_memory.storage.contract import VectorSpace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcp_memory.storage.contract import Vector, Windows

WINDOWS_MAX = 1024
"""Windows of one revision: the numbers of its vectors are row * 1024 + place."""


def pack(windows: Windows, space: VectorSpace) -> list[bytes]:
    """Each window as half floats. Raises InvalidInput for what is not of this space."""
    array = np.asarray(windows)
    fits = array.ndim == 2 and array.shape[1] == space.dimensions and len(array) <= WINDOWS_MAX
    if not fits or not np.isfinite(array).all():
        raise InvalidInput(
            "vectors",
            array.shape,
            f"expected up to {WINDOWS_MAX} finite rows of {space.dimensions} numbers, as"
            f" '{space.name}' makes them",
        )
    return [row.tobytes() for row in array.astype("<f2")]


def unpack(blobs: Iterable[bytes], dimensions: int) -> Windows:
    """What `pack` made, as float32 rows."""
    halves = np.frombuffer(b"".join(blobs), dtype="<f2")
    return halves.reshape(-1, dimensions).astype(np.float32)


def are_lengths(lengths: NDArray[np.float32]) -> bool:
    """Whether vectors have lengths that can be: whole ones are of length one, or nothing."""
    return bool((np.isfinite(lengths) & (lengths > 0)).all())


def code(blob: bytes) -> bytes:
    """The sign of each number of a packed vector, one bit each."""
    return _signs(np.frombuffer(blob, dtype="<f2"))


def query_code(vector: Vector) -> bytes:
    """The signs of a query vector."""
    return _signs(vector.astype("<f2"))


def _signs(halves: NDArray[np.float16]) -> bytes:
    return np.packbits(halves > 0, bitorder="little").tobytes()
