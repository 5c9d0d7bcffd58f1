"""Time zones by name, and the one that this machine is set to."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

NAME_CHARS_MAX = 64
EXPECTED = "expected the name of a time zone, such as Europe/Berlin or UTC"
_LOCALTIME = "/etc/localtime"
_FOLDER = "zoneinfo/"
_LOOKED_AT_S = 60


def named(name: str) -> tzinfo | None:
    """The zone of a name, however its letters are written; None where there is none."""
    text = name.strip()
    if not text or len(text) > NAME_CHARS_MAX or not text.isprintable():
        return None
    return _zone(text) or _zone(_names().get(text.casefold().replace(" ", "_"), ""))


def of_variable(value: str) -> tzinfo | None:
    """The zone that the variable TZ names; None where it says it in another way.

    ":Europe/Berlin" and the path of a zone's file name one; "CET-1CEST" and ":/etc/localtime"
    do not.
    """
    return named(value.strip().removeprefix(":").rpartition(_FOLDER)[2])


def system() -> tzinfo:
    """The zone of this machine, looked up once a minute, for a computer may travel.

    The environment does not count: that of a process which serves many is of the first.
    """
    return _system(int(time.monotonic() / _LOOKED_AT_S))


@lru_cache(maxsize=1)
def _system(minute: int) -> tzinfo:
    if sys.platform == "win32":
        from tzlocal import reload_localzone

        return reload_localzone()
    zone = of_variable(os.path.realpath(_LOCALTIME))
    if zone is not None:
        return zone
    try:
        with open(_LOCALTIME, "rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except (OSError, ValueError):  # there is none, or it is none
        return UTC


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (OSError, ValueError, KeyError):  # a folder, a path, or unknown
        return None


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}
