"""Times as arguments: a date, a time, how long ago or ahead, or words for a period.

Everything is read in the time zone of who asks, whose local time `now` is. In English all
that a query understands; in other languages what dateparser knows, which is loaded for
words that nothing else knows.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from enum import Enum

from mcp_memory.errors import InvalidInput
from mcp_memory.ranking import Window
from mcp_memory.service import phrases
from mcp_memory.service.calendar import Calendar
from mcp_memory.service.times import is_duration, parse_duration, short

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
    r"(?P<day>.+?)(?:,? at |,? |T)(?P<hour>\d\d?)(?::(?P<minute>\d\d))?"
    r"(?::(?P<second>\d\d)(?:\.\d+)?)? ?(?P<half>[ap]\.?m\.?)?",
    re.IGNORECASE,
)
# The most spoken of those that it knows; English last, of which the most is known before.
LANGUAGES = [
    *("de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "zh", "ja", "ko"),
    *("tr", "ar", "sv", "da", "cs", "fi", "hi", "id", "en"),
]


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


def warm(language: str) -> None:
    """Load what words for times of one of the LANGUAGES need."""
    _in_other_words("x", Calendar(now=datetime.now(UTC)), [language])


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
    if is_duration(said, bare=calendar.ahead):
        length = parse_duration(field, said) or timedelta()
        return calendar.around(-length if calendar.ahead else length, timedelta())
    if ":" in said or said.lower().endswith(("am", "pm")):
        moment = _moment(said, calendar)
        if moment is not None:
            return moment
    phrase = _LEAD.sub("", said, count=1) if _LEAD.match(said) else said
    window, is_calendar = phrases.meaning(phrase, calendar)
    window = window or phrases.in_how_long(said, calendar)
    if window is None and is_calendar:
        raise InvalidInput(field, said, "no calendar has such a day")
    return window or _compact(said, calendar) or _in_other_words(said, calendar, LANGUAGES)


def _moment(said: str, calendar: Calendar) -> Window | None:
    """A time of day: as ISO 8601 has it, or after words for a day."""
    try:
        parsed = datetime.fromisoformat(said)
    except ValueError:
        return _by_the_clock(said, calendar)
    return _at(parsed if parsed.tzinfo else parsed.replace(tzinfo=calendar.zone))


def _by_the_clock(said: str, calendar: Calendar) -> Window | None:
    found = _CLOCK.fullmatch(said)
    day = _window("", found["day"], calendar) if found else None
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


def _in_other_words(said: str, calendar: Calendar, languages: list[str]) -> Window | None:
    if len(said) > _CHARS_MAX or not any(c.isalpha() for c in said):
        return None
    from dateparser.date import DateDataParser  # 0.3 s, and as much for its languages

    parser = DateDataParser(
        languages=languages,
        settings={
            "RELATIVE_BASE": calendar.now.replace(tzinfo=None),
            "PREFER_DATES_FROM": "future" if calendar.ahead else "past",
            "DATE_ORDER": "DMY",
            "RETURN_TIME_AS_PERIOD": True,
            "PARSERS": ["relative-time", "absolute-time"],
        },
    )
    found = parser.get_date_data(said)
    if found.date_obj is None:
        return None
    there = found.date_obj.replace(tzinfo=calendar.zone)
    if found.period == "time":
        return _at(there)
    unit = Calendar(now=there, exact=True)
    is_counted = any(c.isdigit() for c in said)  # two weeks ago is a day, last week is not
    if found.period == "day" or (found.period == "week" and is_counted):
        return unit.days(unit.today)
    return unit.unit(found.period or "", 0)
