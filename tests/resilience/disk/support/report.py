"""What a long run prints at its end, and the folders it leaves."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

_SHOWN_MAX = 20
KINDS = (
    "refused",
    "lost",
    "back",
    "half",
    "left",
    "bad",
    "again",
    "unwritable",
    "raw",
    "untold",
    "stuck",
)
"""What a store may fail to keep to; see `promises.broken`."""


def tally(counts: Counter[str]) -> str:
    """The counts in one line, those of what went wrong too when they are 0."""
    names = [*(name for name in counts if name not in KINDS), *KINDS]
    return ", ".join(f"{counts[name]:,} {name}" for name in names)


def shown(failures: list[str]) -> str:
    """The first failures, each on a line."""
    return "\n".join([f"{len(failures)} failures", *failures[:_SHOWN_MAX]])


def discard(folder: Path) -> None:
    """Remove the folder of a store that kept to all it had promised."""
    shutil.rmtree(folder)
