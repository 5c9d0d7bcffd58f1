"""The time that a query speaks of: "last week", "in March 2024", "before the 3rd of May".

English only; any other language is searched as it is. The library that knows dates is loaded
when a query first names one.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mcp_memory.ranking import Window
from mcp_memory.text import STOP_WORDS, terms

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
_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
# Beside a number only in capitals, or with more of it: "what may 2 people do" names no day.
_NAMED = rf"(?-i:May|March|Mar)\b|(?!may|mar)(?:{_MONTH})"
_WEEKDAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_COUNT = rf"\d{{1,4}}|an?|{'|'.join(_NUMBERS)}|(?:a )?couple(?: of)?|(?:a )?few"
_UNIT = "(?:day|week|fortnight|month|year)s?"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d\d"
# "before", "before the release on", "since the last review in"
_SIDE = (
    r"(?P<side>before|until|till|prior to|after|since)"
    r"(?: (?:the|our|my|his|her|their) (?:[\w-]+ ){1,3}?(?:on|in|of))?"
)
# A month or a year that nothing follows which would make it something else: "in 2048 bit keys".
_ALONE = (
    rf"(?:{_MONTH}|{_YEAR})(?=\W*$|[,.;:?!]| (?:what|who|which|when|where|why|how|did|the|we|i)\b)"
)
_RELATIVE = (
    rf"(?P<span>(?:in |over |within |during )?(?:the )?(?:last|past) (?P<many>{_COUNT}) {_UNIT}"
    rf"|(?:in|over|within|during) the (?:last|past) {_UNIT})"
    rf"|(?P<ago>(?:{_COUNT}) {_UNIT} ago)"
    rf"|(?P<named>(?:the )?day before yesterday|yesterday|tonight|last night|this morning"
    rf"|(?:earlier )?(?:this|last|previous|past) (?:week|month|year|{_WEEKDAY}|{_MONTH})"
    rf"|(?:this|last) weekend|on {_WEEKDAY})"
)
_ABSOLUTE = (
    rf"(?P<date>\d{{4}}-\d\d-\d\d|(?:the )?{_DAY}(?: of)? (?:{_NAMED})(?:,? {_YEAR})?"
    rf"|(?:{_NAMED}) {_DAY}\b(?:,? {_YEAR})?|(?:{_MONTH}),? (?:of )?{_YEAR}"
    rf"|(?<=in ){_ALONE}|(?<=during ){_ALONE}|(?<=since ){_ALONE}|(?<=before ){_ALONE}"
    rf"|(?<=after ){_ALONE}|(?<=until ){_ALONE})"
)
_TIME = re.compile(rf"\b(?:{_SIDE} )?(?:{_RELATIVE}|{_ABSOLUTE})\b", re.IGNORECASE)
_FILLER = re.compile(r"^(?:the|on|earlier|previous|past) |(?<=\d)(?:st|nd|rd|th)\b| of\b", re.I)
_FEW = {"couple": "2", "few": "3", "a": "1", "an": "1"} | {
    word: str(n) for n, word in enumerate(_NUMBERS, 1)
}
_BARE = STOP_WORDS | {"happen", "new", "on", "around", "up"}
_DAYS = {"day": 1, "week": 7, "fortnight": 14, "month": 30.44, "year": 365.25}


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """A query, the period it asks about if any, and its text without the words for it, which
    say nothing of what was asked. `words` has dates still, for a text may name one.
    `is_bare`: it asks about nothing but the period ("what happened last week?").
    """

    text: str
    words: str
    window: Window | None
    is_bare: bool = False


def timed(query: str, now: datetime) -> Timed:
    """Read the first time that a query names."""
    found = _TIME.search(query)
    window = None
    if found is not None:
        with suppress(OverflowError, ValueError):  # a time that no calendar has
            window = _window(found, now)
    if found is None or window is None:
        return Timed(text=query, words=query, window=None)
    rest = " ".join((query[: found.start()] + query[found.end() :]).split())
    rest = re.sub(r"\b(?:on|in|during)(?=\W*$)", "", rest).strip()
    text = rest if re.search(r"\w", rest) else query
    is_bare = _BARE.issuperset(terms(rest))
    return Timed(text=text, words=query if found["date"] else text, window=window, is_bare=is_bare)


def _window(found: re.Match[str], now: datetime) -> Window | None:
    if found["span"]:
        unit = found["span"].split()[-1].lower().removesuffix("s")
        many = float(_number(found["many"] or "1"))
        return Window(start=now - timedelta(days=many * _DAYS[unit]), end=now)
    if found["named"] and found["named"].lower().endswith("weekend"):
        return _weekend(now, is_last=found["named"].lower().startswith("last"))
    phrase = found["ago"] or found["named"] or found["date"]
    period = _period(_plain(phrase), now)
    if period is None:
        return None
    start, end = period
    match (found["side"] or "").lower():
        case "":
            return Window(start=start, end=end)
        case "since":
            return Window(start=start, end=None)
        case "after":
            return Window(start=end, end=None)
        case _:
            return Window(start=None, end=start)


def _period(phrase: str, now: datetime) -> tuple[datetime, datetime] | None:
    """The day, week, month or year that a phrase names."""
    # Loading it takes 0.2 s and 20 MB, which a memory that is never asked for times saves.
    from dateparser.date import DateDataParser

    parser = DateDataParser(
        languages=["en"],
        settings={
            "RELATIVE_BASE": now.astimezone(UTC).replace(tzinfo=None),
            "PREFER_DATES_FROM": "past",
            "DATE_ORDER": "DMY",
        },
    )
    data = parser.get_date_data(phrase)
    if data.date_obj is None:
        return None
    day = datetime(data.date_obj.year, data.date_obj.month, data.date_obj.day, tzinfo=UTC)
    match data.period:
        case "week":
            start = day - timedelta(days=day.weekday())
            return start, start + timedelta(days=7)
        case "month":
            start = day.replace(day=1)
            return start, (start + timedelta(days=32)).replace(day=1)
        case "year":
            start = day.replace(month=1, day=1)
            return start, start.replace(year=start.year + 1)
        case _:
            return day, day + timedelta(days=1)


def _weekend(now: datetime, *, is_last: bool) -> Window:
    """From Saturday to Sunday of this week, or of the one before it."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    saturday = today - timedelta(days=today.weekday() - 5)
    if is_last or saturday > today:
        saturday -= timedelta(days=7)
    return Window(start=saturday, end=saturday + timedelta(days=2))


def _plain(phrase: str) -> str:
    """The phrase as the library knows it."""
    words = _FILLER.sub("", phrase.lower())
    words = re.sub(rf"^last (?={_MONTH})(?!month)", "", words)
    words = re.sub(r"^(?:a )?(couple|few)(?: of)?", lambda m: _FEW[m[1]], words)
    return "the day before yesterday" if words == "day before yesterday" else words


def _number(said: str) -> str:
    words = said.lower().removeprefix("a ").removesuffix(" of")
    return _FEW.get(words, words)
