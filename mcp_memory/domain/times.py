"""Times as callers write them: ISO dates and times, and durations."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from mcp_memory.errors import InvalidInput

_UNITS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hr": 3600,
    "hour": 3600,
    "d": 86_400,
    "day": 86_400,
    "w": 604_800,
    "week": 604_800,
    "month": 2_629_746,  # a twelfth of a Gregorian year
    "y": 31_556_952,
    "year": 31_556_952,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+?)s?")
_NUMBER = re.compile(r"(?!(?:19|20)\d\d(?:\d{4})?$)\d+(?:\.\d+)?")
"""Of seconds; four digits may be a year, and eight a day."""
_YEARS_MAX = 1000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def parse_time(field: str, text: str) -> datetime | None:
    """An aware time in UTC from an ISO date or time; None for "".

    A date means its first moment; a time without zone is taken as UTC. Raises InvalidInput.
    """
    text = text.strip()
    if not text:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            field, text, "expected an ISO date or time, as 2026-03-01 or 2026-03-01T09:30:00Z"
        ) from None


def is_duration(text: str, *, bare: bool = False) -> bool:
    """Whether a text is a number with a unit; `bare`: or without one, unless it is a year."""
    found = _DURATION.fullmatch(text.lower())
    if found is not None and found.group(2) in _UNITS:
        return True
    return bare and _NUMBER.fullmatch(text) is not None


def parse_duration(field: str, text: str) -> timedelta | None:
    """A duration from "30d", "2 hours", "1 week" or plain seconds; None for "".

    At most 1,000 years. Raises InvalidInput.
    """
    text = text.strip().lower()
    if not text:
        return None
    match = _DURATION.fullmatch(f"{text} seconds" if re.fullmatch(r"[\d.]+", text) else text)
    seconds = _UNITS.get(match.group(2)) if match else None
    if match is None or seconds is None:
        raise InvalidInput(field, text, "expected a duration such as 30d, 2 hours or 1 week")
    total = float(match.group(1)) * seconds
    if not 0 < total <= _YEARS_MAX * _UNITS["year"]:
        raise InvalidInput(field, text, f"expected more than 0 and at most {_YEARS_MAX} years")
    return timedelta(seconds=total)


def short(moment: datetime, zone: tzinfo = UTC) -> str:
    """The day that it is in a time zone, as a person writes it: 1 Mar 2026."""
    there = local(moment, zone)
    return f"{there.day} {_MONTHS[there.month - 1]} {there.year}"


def local(moment: datetime, zone: tzinfo) -> datetime:
    """The time in a zone; as it is where no calendar of that zone has it."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment
