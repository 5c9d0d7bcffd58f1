"""Calendar dates as people and programs write them: in figures, and with the names of months.

A date in figures may mean two days: 03/04/2026 is in April for most of the world and in
March for some of it. With dots the day comes first everywhere.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

Span = tuple[date, date]
"""From a day to another, which is not in it."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
YEAR = r"(?:19|20)\d\d"
DAY = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
NAMED = rf"(?:{DAY}(?: of)? (?:{MONTH})\.?(?:,? |,){YEAR}|(?:{MONTH})\.? {DAY}\b(?:,? |,){YEAR})"
"""A day with the name of its month, and its year."""
FIGURES = (
    r"(?<![\w./:-])(?<!version )(?<!build )"
    rf"(?:\d{{4}}-\d\d?-\d\d?|{YEAR}/\d\d?/\d\d?|{YEAR}\.\d\d?\.\d\d?"
    rf"|\d\d?-\d\d?-{YEAR}|\d\d?/\d\d?/{YEAR}|\d\d?\.\d\d?\.{YEAR})"
    r"(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\w/:]|[.-]\w)"
)
"""A day in figures, maybe with a time; nothing that is a part of something longer."""

_READ_CHARS_MAX = 4_000
_LEAP_YEAR = 2000
_FIGURES = re.compile(FIGURES, re.IGNORECASE)
_MONTH_AND_YEAR = rf"(?:{MONTH}),? (?:of )?{YEAR}"
_IN_TEXT = re.compile(rf"{FIGURES}|\b(?:{NAMED}|{_MONTH_AND_YEAR})\b", re.IGNORECASE)


def in_text(text: str) -> list[Span]:
    """The days and months that a text names with their years, in its first 4,000 characters."""
    found: list[Span] = []
    for match in _IN_TEXT.finditer(text[:_READ_CHARS_MAX]):
        found += in_figures(match[0]) if match[0][0].isdigit() and _is_figures(match[0]) else []
        if not _is_figures(match[0]):
            found += by_name(match[0])
    return found


def without_figures(text: str) -> str:
    """The text without the days in figures that a calendar has."""
    return _FIGURES.sub(lambda match: "" if in_figures(match[0]) else match[0], text)


def in_figures(text: str) -> list[Span]:
    """The day that figures mean, or the two that they may mean; none that no calendar has."""
    first, second, third = re.findall(r"\d+", text)[:3]
    if len(first) == 4:
        readings = [(first, second, third)]
    elif "." in text[:5]:
        readings = [(third, second, first)]
    else:
        readings = [(third, second, first), (third, first, second)]
    days = dict.fromkeys(day for y, m, d in readings if (day := _day(int(y), int(m), int(d))))
    return [(day, day + timedelta(days=1)) for day in days]


def by_name(text: str) -> list[Span]:
    """The day or the month that a text such as "3rd of May, 2026" names, with its year."""
    year, month, day = parts(text)
    if not year:
        return []
    if not day:
        return [month_of(year, month)]
    found = _day(year, month, day)
    return [(found, found + timedelta(days=1))] if found else []


def parts(text: str) -> tuple[int, int, int]:
    """Year, month and day in a text with the name of a month, 0 where it has none."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    year = next((n for n in numbers if n > 31), 0)
    day = next((n for n in numbers if n <= 31), 0)
    name = re.search(rf"\b(?:{MONTH})\b", text, re.IGNORECASE)
    return year, MONTHS.index(name[0][:3].lower()) + 1 if name else 0, day


def month_of(year: int, month: int, months: int = 1) -> Span:
    """So many months, from one that may lie in another year. Raises ValueError."""
    first = year * 12 + month - 1
    after = first + months
    start = date(first // 12, first % 12 + 1, 1)
    return start, date(after // 12, after % 12 + 1, 1)


def has_day(month: int, day: int) -> bool:
    """Whether a month has such a day in any year."""
    return _day(_LEAP_YEAR, month, day) is not None


def _is_figures(text: str) -> bool:
    return _FIGURES.fullmatch(text) is not None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
