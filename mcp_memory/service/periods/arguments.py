"""Times as arguments: a date, a time, how long ago or ahead, or words for a period.

Everything is read in the time zone of who asks, whose local time `now` is. In English all
that a query understands; what other languages say for certain means what its English does.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum

from mcp_memory.domain.times import is_duration, parse_duration, short
from mcp_memory.errors import InvalidInput
from mcp_memory.ranking import Window
from mcp_memory.service.periods import phrases
from mcp_memory.service.periods.calendar import Calendar
from mcp_memory.service.periods.translation import in_english

EXPECTED = (
    "expected a date or a time, as 2026-03-01 or 2026-03-01T09:30:00Z, how long ago, as 7d, or"
    " words such as yesterday, last week or 2026-11"
)
TO_COME = (
    "expected a time to come: a date or a time, as 2027-03-01 or 2027-03-01T09:30:00Z, a"
    " duration, as 30d, or words such as tomorrow or next week"
)
_CHARS_MAX = 64
_LEAD = re.compile(r"(?:on|in|during|by|at|since|from|until|till|before)(?: the)? ", re.IGNORECASE)
_CLOCK = re.compile(
    r"(?P<day>.+?)(?:,? (?:at|um|om|à|a las|alle|às|в) |,? |T)(?P<hour>\d\d?)(?::(?P<minute>\d\d))?"
    r"(?::(?P<second>\d\d)(?:\.\d+)?)? ?(?P<half>[ap]\.?m\.?)?(?: ?(?P<offset>Z|[+-]\d\d:?\d\d))?",
    re.IGNORECASE,
)
_ZONE = re.compile(
    r"(?P<rest>.*(?:\d:\d\d|\d ?[apAP]\.?[mM]\.?).*?) ?(?P<zone>[A-Z]{2,5}|[A-Z]\w+/\w+)"
)
_MONTH = re.compile(r"\b(?:may|mar(?:ch)?)\b", re.IGNORECASE)  # which a query has in capitals
_DECADE = re.compile(r"(?:19|20)\d0s")
_UNIVERSAL = ("UTC", "GMT")


class Edge(Enum):
    """Which moment of a period is meant by it."""

    START = "start"
    END = "end"
    """The first moment after it: who ends on a day lasts through it."""
    WITHIN = "within"
    """The last moment of it that is not to come; the first of one that is."""


def past(field: str, text: str, now: datetime, edge: Edge) -> datetime | None:
    """A time in UTC, of what was; a duration is how long ago. None for "". Raises InvalidInput."""
    return _read(field, text, Calendar(now=now, exact=True), edge)


def to_come(field: str, text: str, now: datetime) -> datetime | None:
    """When something ends, in UTC; a duration is how long it has. None for "" and "never".

    What ends on a day or in a month lasts through it. Raises InvalidInput.
    """
    if text.strip().lower() in ("", "never"):
        return None
    moment = _read(field, text, Calendar(now=now, exact=True, ahead=True), Edge.END)
    if moment is not None and moment <= now:
        raise InvalidInput(field, text, "expected a time to come")
    return moment


def _read(field: str, text: str, calendar: Calendar, edge: Edge) -> datetime | None:
    said = " ".join(text.split())
    if not said:
        return None
    try:
        window = _window(field, said, calendar)
    except (OverflowError, ValueError):
        window = None
    if window is None or window.start is None or window.end is None:
        raise InvalidInput(field, text, TO_COME if calendar.ahead else EXPECTED)
    if window.also is not None and window.also.start is not None:
        days = [short(at, window.zone) for at in (window.start, window.also.start)]
        raise InvalidInput(field, text, f"it may be {days[0]} or {days[1]}; write it as 2026-03-01")
    if edge is Edge.START:
        return window.start
    if edge is Edge.END or window.start == window.end:
        return window.end
    latest = min(window.end - timedelta(microseconds=1), calendar.now.astimezone(UTC))
    return max(window.start, latest)


def _window(field: str, said: str, calendar: Calendar) -> Window | None:
    """The period that is meant. Raises InvalidInput, ValueError, OverflowError."""
    if said.lower() == "now":
        return calendar.until_now(timedelta())
    if _DECADE.fullmatch(said):
        return None  # no 1,990 seconds
    if is_duration(said, bare=calendar.ahead):
        length = parse_duration(field, said) or timedelta()
        return calendar.around(-length if calendar.ahead else length, timedelta())
    zoned = _ZONE.fullmatch(said)
    if zoned is not None and zoned["zone"] not in ("AM", "PM"):
        return _in_zone(field, zoned, calendar)
    if ":" in said or said.lower().endswith(("am", "pm", "a.m.", "p.m.")):
        return _moment(field, said, calendar)
    phrase = _LEAD.sub("", said, count=1) if _LEAD.match(said) else said
    phrase = _MONTH.sub(lambda month: month[0].capitalize(), phrase)
    window, is_calendar = phrases.meaning(phrase, calendar)
    window = window or phrases.in_how_long(said, calendar)
    if window is None and is_calendar:
        raise InvalidInput(field, said, "no calendar has such a day")
    return window or _compact(said, calendar) or _in_another_language(field, said, calendar)


def _in_another_language(field: str, said: str, calendar: Calendar) -> Window | None:
    english = in_english(said) if len(said) <= _CHARS_MAX else ""
    window, is_calendar = phrases.meaning(english, calendar)
    if window is None and is_calendar:
        raise InvalidInput(field, said, "no calendar has such a day")
    return window or phrases.in_how_long(english, calendar)


def _in_zone(field: str, zoned: re.Match[str], calendar: Calendar) -> Window | None:
    """A time of day in a zone that it names: universal time; no other is sure by its letters."""
    if zoned["zone"] not in _UNIVERSAL:
        raise InvalidInput(
            field,
            zoned[0],
            f"the time zone {zoned['zone']} is not known by its letters here; write the offset, as"
            " 2026-03-01T09:30:00-05:00, or leave it out for your own",
        )
    there = replace(calendar, now=calendar.now.astimezone(UTC))
    return _moment(field, zoned["rest"], there)


def _moment(field: str, said: str, calendar: Calendar) -> Window | None:
    """A time of day: as ISO 8601 has it, or after words for a day."""
    try:
        parsed = datetime.fromisoformat(said)
    except ValueError:
        return _by_the_clock(field, said, calendar)
    return _at(parsed if parsed.tzinfo else parsed.replace(tzinfo=calendar.zone))


def _by_the_clock(field: str, said: str, calendar: Calendar) -> Window | None:
    found = _CLOCK.fullmatch(said)
    if found is not None and found["offset"]:
        there = datetime.fromisoformat(f"2000-01-01T00:00{found['offset'].upper()}").tzinfo
        calendar = replace(calendar, now=calendar.now.astimezone(there))
    day = _window(field, found["day"], calendar) if found else None
    if found is None or day is None or day.start is None or day.also is not None:
        return None
    hour, half = int(found["hour"]), (found["half"] or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    there = day.start.astimezone(calendar.zone)
    return _at(
        there.replace(hour=hour, minute=int(found["minute"] or 0), second=int(found["second"] or 0))
    )


def _at(moment: datetime) -> Window:
    instant = moment.astimezone(UTC)
    return Window(start=instant, end=instant)


def _compact(said: str, calendar: Calendar) -> Window | None:
    """20261129 is a day."""
    is_day = re.fullmatch(r"(?:19|20)\d{6}", said)
    return calendar.days(date.fromisoformat(said)) if is_day else None
