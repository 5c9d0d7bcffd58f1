"""What an attendant can be asked for; importing this loads the engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.crash.disk import workload
from tests.crash.disk.promises import broken, unpacked


def look(home: str, promises: str) -> list[str]:
    """See `broken`."""
    return broken(Path(home), unpacked(promises))


TASKS: dict[str, Callable[..., Any]] = {"live": workload.live, "look": look}
"""By name."""
