"""The words that people have for times, in English and in figures: what each means.

A rule has a pattern and a reader. Some stand for a time wherever they are ("last week",
"29.11.2026"), some after a preposition only ("since Monday"), and some only where nothing
follows that makes them something else: "in March", but not "in March hares".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from mcp_memory.domain import dates
from mcp_memory.domain.dates import DAY, FIGURES, MONTH, YEAR
from mcp_memory.ranking import Window
from mcp_memory.service.periods.calendar import MONTHS_OF, SEASONS, WEEKDAYS, Calendar

_NUMBERS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_FEW = {
    **{word: n for n, word in enumerate(_NUMBERS, 1)},
    **{"couple": 2, "few": 3, "several": 3, "a": 1, "an": 1, "half a": 0.5, "half an": 0.5},
}
_SECONDS = {
    **{"s": 1, "mi": 60, "h": 3600, "d": 86_400, "w": 604_800, "f": 1_209_600},
    **{"mo": 2_629_746, "q": 7_889_238, "y": 31_556_952},
}
_ORDINALS = ("first", "second", "third", "fourth")
_AWAY = {"this": 0, "current": 0, "next": 1, "coming": 1}

_COUNT = rf"\d{{1,5}}|an?|{'|'.join(_NUMBERS)}|(?:a )?couple(?: of)?|(?:a )?few|several|half an?"
_UNIT = "(?:second|sec|minute|min|hour|hr|day|week|fortnight|month|quarter|year)s?|[hdw]"
_WEEKDAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_SEASON = "|".join(SEASONS)
_PART = "morning|afternoon|evening|night"
# Beside a number only in capitals, or with more of it: "what may 2 people do" names no day.
_MONTH_SURELY = rf"(?:(?-i:May|March|Mar)\b|(?!may|mar)(?:{MONTH})\b)"
_DIVISION = r"(?:q[1-4]|h[12])"
_ORDINAL = rf"(?:the )?(?:{'|'.join(_ORDINALS)}) (?:quarter|half)"

Read = Callable[[Calendar, re.Match[str]], Window | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A way to name a time. `is_calendar`: a text that tells of it may say it so too."""

    pattern: str
    read: Read
    is_calendar: bool = False


def _many(said: str) -> float:
    words = said.lower().removesuffix(" of")
    words = words if words.startswith("half") else words.removeprefix("a ")
    return _FEW[words] if words in _FEW else float(words)


def _length(many: str, unit: str) -> timedelta:
    key = next(key for key in ("mo", "mi", *"shdwfqy") if unit.lower().startswith(key))
    return timedelta(seconds=_many(many) * _SECONDS[key])


def _span(calendar: Calendar, found: re.Match[str]) -> Window:
    length = _length(found["many"] or "1", found["unit"])
    return calendar.until_now(-length if found["which"].lower() in _AWAY else length)


def _ago(calendar: Calendar, found: re.Match[str]) -> Window:
    unit, many = found["unit"].lower(), _many(found["many"])
    if unit.startswith(("s", "mi", "h")):
        length = timedelta() if calendar.exact else _length("1", unit)
        return calendar.around(_length(found["many"], unit), length)
    whole = next((name for name in MONTHS_OF if unit.startswith(name)), "")
    if whole:
        return calendar.months_ago(whole, round(many))
    day = (calendar.now - _length(found["many"], unit)).date()
    is_day = unit.startswith("d") or calendar.exact
    return calendar.days(day) if is_day else calendar.week(day)


def _day(calendar: Calendar, found: re.Match[str]) -> Window:
    words = found["day"].lower()
    away = {"today": 0, "yesterday": -1, "tomorrow": 1}.get(words)
    if away is None:
        away = -2 if "before" in words else 2
    return calendar.part(calendar.today + timedelta(days=away), (found["part"] or "").lower())


def _part(calendar: Calendar, found: re.Match[str]) -> Window:
    words = found[0].lower()
    away = -1 if words.startswith(("last", "over")) else 0
    part = next((part for part in _PART.split("|") if part in words), "")
    return calendar.part(calendar.today + timedelta(days=away), part)


def _which(calendar: Calendar, found: re.Match[str]) -> Window:
    return _unit(calendar, found["unit"].lower(), _AWAY.get(found["which"].lower(), -1))


def _before_last(calendar: Calendar, found: re.Match[str]) -> Window:
    return calendar.unit(found["unit"].lower(), -2)


def _unit(calendar: Calendar, unit: str, away: int) -> Window:
    if unit.endswith("day"):
        return calendar.weekday_away(WEEKDAYS.index(unit[:3]), away)
    if unit in SEASONS:
        return calendar.months(calendar.season(unit), 3, away)
    if unit in MONTHS_OF or unit.startswith("week"):
        return calendar.unit(unit, away)
    return calendar.months(dates.parts(unit)[1], away=away)


def _weekday(calendar: Calendar, found: re.Match[str]) -> Window:
    return calendar.weekday(
        WEEKDAYS.index(found["weekday"][:3].lower()), (found["part"] or "").lower()
    )


def _figures(calendar: Calendar, found: re.Match[str]) -> Window | None:
    windows = [calendar.window(span) for span in dates.in_figures(found[0])]
    if not windows:
        return None
    return replace(windows[0], also=windows[1]) if len(windows) > 1 else windows[0]


def _date(calendar: Calendar, found: re.Match[str]) -> Window | None:
    year, month, day = dates.parts(found[0])
    if year:
        named = dates.by_name(found[0])
        return calendar.window(named[0]) if named else None
    spans = [span for y in calendar.years for span in dates.by_name(f"{found[0]} {y}")]
    return calendar.nearest(spans) if month and day and spans else None


def _month(calendar: Calendar, found: re.Match[str]) -> Window:
    year, month, _ = dates.parts(found[0])
    return calendar.window(dates.month_of(year, month)) if year else calendar.months(month)


def _month_in_figures(calendar: Calendar, found: re.Match[str]) -> Window:
    year, month = sorted((int(n) for n in re.findall(r"\d+", found[0])), reverse=True)
    return calendar.window(dates.month_of(year, month))


def _of_month(calendar: Calendar, found: re.Match[str]) -> Window | None:
    """The 3rd: of the nearest month that has one, or of this, the last or the next one."""
    day = int(re.findall(r"\d+", found[0])[0])
    which = (found["which"] or "").lower()
    away = _AWAY.get(which, 0 if which == "the" else -1)
    reach = range(away, away + 1) if which else range(-2, 3)
    months = [dates.month_of(calendar.today.year, calendar.today.month + n) for n in reach]
    days = [first + timedelta(days=day - 1) for first, _ in months]
    kept = [at for at, (_, after) in zip(days, months, strict=True) if at < after]
    return calendar.nearest([(at, at + timedelta(days=1)) for at in kept]) if kept else None


def _division(calendar: Calendar, found: re.Match[str]) -> Window:
    """A quarter or a half of a year."""
    words = found[0].lower()
    year = re.search(YEAR, words)
    said = next((n for n, word in enumerate(_ORDINALS, 1) if word in words), 0)
    number = said or int(re.findall(r"(?<=[qh])\d", words)[0])
    months = 3 if "q" in words else 6
    first = (number - 1) * months + 1
    if year:
        return calendar.window(dates.month_of(int(year[0]), first, months))
    return calendar.months(first, months)


def _iso_week(calendar: Calendar, found: re.Match[str]) -> Window:
    year = re.search(YEAR, found[0])
    rest = found[0].replace(year[0], "", 1) if year else found[0]
    week, *weekday = (int(n) for n in re.findall(r"\d+", rest))
    if year:
        day = date.fromisocalendar(int(year[0]), week, weekday[0] if weekday else 1)
        return calendar.days(day) if weekday else calendar.week(day)
    mondays = [date.fromisocalendar(calendar.today.year + n, week, 1) for n in (-1, 0, 1)]
    return calendar.nearest([(monday, monday + timedelta(days=7)) for monday in mondays])


def _season(calendar: Calendar, found: re.Match[str]) -> Window:
    first = calendar.season(found["season"].lower())
    return calendar.window(dates.month_of(int(found["year"]), first, 3))


def _year(calendar: Calendar, found: re.Match[str]) -> Window:
    return calendar.window(dates.month_of(int(found[0]), 1, 12))


def _third(calendar: Calendar, found: re.Match[str]) -> Window | None:
    """The beginning, the middle or the end of a period."""
    rest = found["rest"]
    whole = calendar.unit(rest.lower(), 0) if rest.lower() in (*MONTHS_OF, "week") else None
    whole = whole or read(rest, calendar)
    words = found["which"].lower()
    which = 1 if "mid" in words else 2 if "end" in words or "late" in words else 0
    return calendar.third(whole, which) if whole and whole.start and whole.end else None


_EDGE = r"(?:the )?(?:beginning|start|middle|end) of (?:the )?|(?:early|mid|late)(?:[ -]in)?[ -]"
_WHICH = "this|current|last|previous|past|next|coming"
_CALENDAR_UNIT = f"week|month|quarter|year|weekend|{_WEEKDAY}|{MONTH}|{_SEASON}"


WITH_ITS_PREPOSITION = (
    Rule(
        pattern=r"(?:in|over|within|during) the (?P<which>last|past) (?P<many>)"
        r"(?P<unit>second|minute|hour|day|week|month|year)",
        read=_span,
    ),
)
_IN = re.compile(
    rf"in (?P<a>{_COUNT}) ?(?P<c>{_UNIT})|(?P<b>{_COUNT}) ?(?P<d>{_UNIT}) from now", re.IGNORECASE
)

ANYWHERE = (
    Rule(
        pattern=rf"(?P<which>last|past|previous|next) (?P<many>{_COUNT}) ?(?P<unit>{_UNIT})",
        read=_span,
    ),
    Rule(pattern=r"(?P<which>last|past) (?P<many>)(?P<unit>hour|minute)", read=_span),
    Rule(pattern=rf"(?P<many>{_COUNT}) ?(?P<unit>{_UNIT}) (?:ago|back)", read=_ago),
    Rule(
        pattern=rf"(?P<day>(?:the )?day (?:before yesterday|after tomorrow)"
        rf"|(?-i:today)|^today|yesterday|tomorrow)(?: (?P<part>{_PART}))?",
        read=_day,
    ),
    Rule(
        pattern=r"this (?:morning|afternoon|evening)|last (?:night|evening)|tonight|overnight",
        read=_part,
    ),
    Rule(
        pattern=rf"(?:the )?(?P<unit>{'|'.join(MONTHS_OF)}|week(?:end)?) before last",
        read=_before_last,
    ),
    Rule(
        pattern=rf"(?:earlier |later )?(?P<which>{_WHICH}) (?P<unit>{_CALENDAR_UNIT})",
        read=_which,
    ),
    Rule(
        pattern=rf"(?P<which>{_EDGE})(?P<rest>{_MONTH_SURELY}(?:(?:,? |,){YEAR})?|{YEAR}"
        rf"|(?:{_WHICH}) (?:week|month|quarter|year)|week|month|quarter|year)",
        read=_third,
    ),
    Rule(pattern=FIGURES, read=_figures, is_calendar=True),
    Rule(
        pattern=rf"(?:{_WEEKDAY},? )?(?:(?:the )?{DAY}(?: of)? {_MONTH_SURELY}(?:(?:,? |,){YEAR})?"
        rf"|{_MONTH_SURELY} (?:the )?{DAY}\b(?:(?:,? |,){YEAR})?)",
        read=_date,
        is_calendar=True,
    ),
    Rule(pattern=rf"(?:{MONTH}),? (?:of )?{YEAR}", read=_month, is_calendar=True),
    Rule(
        pattern=rf"(?<![\w./-])(?:{YEAR}[-/](?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])/{YEAR})(?![\w./-])",
        read=_month_in_figures,
        is_calendar=True,
    ),
    Rule(
        pattern=rf"(?:{_DIVISION}|{_ORDINAL})(?: of |[ /-])?{YEAR}|{YEAR}[ /-]?{_DIVISION}",
        read=_division,
        is_calendar=True,
    ),
    Rule(
        pattern=rf"{YEAR}-?w\d\d?(?:-[1-7])?"
        rf"|(?:(?:calendar )?week |w|cw|kw) ?\d\d?(?: of|,)? {YEAR}",
        read=_iso_week,
        is_calendar=True,
    ),
    Rule(
        pattern=rf"(?:the )?(?P<season>{_SEASON}) (?:of )?(?P<year>{YEAR})",
        read=_season,
        is_calendar=True,
    ),
    Rule(  # "on Friday" is in AFTER; this one is the last word
        pattern=rf"(?<!every )(?<!each )(?<!black )(?<!good )(?<!easter )(?<!any )"
        rf"(?P<weekday>{_WEEKDAY})(?: (?P<part>{_PART}))?(?=\W*$)",
        read=_weekday,
        is_calendar=True,
    ),
)
AFTER = (
    Rule(
        pattern=rf"(?P<weekday>{_WEEKDAY})(?: (?P<part>{_PART}))?",
        read=_weekday,
        is_calendar=True,
    ),
)
ALONE = (
    Rule(
        pattern=r"(?P<weekday>(?-i:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun))(?P<part>)",
        read=_weekday,
        is_calendar=True,
    ),
    Rule(pattern=MONTH, read=_month, is_calendar=True),
    Rule(pattern=YEAR, read=_year, is_calendar=True),
    Rule(pattern=rf"{_DIVISION}|{_ORDINAL}", read=_division, is_calendar=True),
    Rule(pattern=r"(?:(?:calendar )?week |w|cw|kw) ?\d\d?", read=_iso_week, is_calendar=True),
    Rule(
        pattern=r"(?:the )?\d\d?(?:st|nd|rd|th)"
        r"(?: (?:of )?(?P<which>this|the|last|previous|next) month)?",
        read=_of_month,
        is_calendar=True,
    ),
)
_ALL = (*WITH_ITS_PREPOSITION, *ANYWHERE, *AFTER, *ALONE)


def read(phrase: str, calendar: Calendar) -> Window | None:
    """The period that a phrase means; None for what is no time, or in no calendar."""
    return meaning(phrase, calendar)[0]


def meaning(phrase: str, calendar: Calendar) -> tuple[Window | None, bool]:
    """The same, and whether a text that tells of that time may say it so too."""
    for rule in _ALL:
        found = re.fullmatch(rule.pattern, phrase, re.IGNORECASE)
        if found is not None:
            try:
                return rule.read(calendar, found), rule.is_calendar
            except (ValueError, OverflowError):
                return None, rule.is_calendar
    return None, False


def in_how_long(text: str, calendar: Calendar) -> Window | None:
    """The moment that "in 2 weeks" or "3 days from now" means; None for anything else."""
    found = _IN.fullmatch(text)
    if found is None:
        return None
    try:
        return calendar.around(
            -_length(found["a"] or found["b"], found["c"] or found["d"]), timedelta()
        )
    except (ValueError, OverflowError):
        return None


def either(rules: Iterable[Rule]) -> str:
    """A pattern for any of the rules, without groups that have names."""
    return "|".join(re.sub(r"\(\?P<\w+>", "(?:", rule.pattern) for rule in rules)
