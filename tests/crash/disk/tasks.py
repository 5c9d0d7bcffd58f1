"""What an attendant can be asked for; importing this loads the engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.crash.disk import deeds, suffering, workload
from tests.crash.disk.promises import broken, unpacked


def look(home: str, promises: str, deed: str = "") -> list[str]:
    """See `broken`; the `deed`, if any, is then done again, and has to succeed."""
    return broken(Path(home), unpacked(promises), deeds.DEEDS[deed].do if deed else None)


TASKS: dict[str, Callable[..., Any]] = {
    "live": workload.live,
    "fill": deeds.fill,
    "act": deeds.act,
    "insist": deeds.insist,
    "suffer": suffering.suffer,
    "look": look,
}
"""By name."""
