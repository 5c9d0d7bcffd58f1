"""What an attendant can be asked for; importing this loads the engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.resilience.disk.support import io_errors, operations, workload
from tests.resilience.disk.support.acknowledgements import broken, unpacked


def look(home: str, promises: str, deed: str = "") -> list[str]:
    """See `broken`; the `deed`, if any, is then done again, and has to succeed."""
    return broken(Path(home), unpacked(promises), operations.DEEDS[deed].do if deed else None)


TASKS: dict[str, Callable[..., Any]] = {
    "live": workload.live,
    "fill": operations.fill,
    "act": operations.act,
    "insist": operations.insist,
    "suffer": io_errors.suffer,
    "look": look,
}
"""By name."""
