"""The time that a query speaks of: "last week", "in March 2024", "before the 3rd of May".

English and figures only; any other language is searched as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from mcp_memory.domain.dates import YEAR
from mcp_memory.domain.text import STOP_WORDS, terms
from mcp_memory.domain.times import short
from mcp_memory.ranking import Window
from mcp_memory.service.periods import phrases
from mcp_memory.service.periods.calendar import Calendar

_FREE = phrases.either(phrases.ANYWHERE)
_BOUND = phrases.either(phrases.AFTER)
_ALONE = phrases.either(phrases.ALONE)
# "before", "before the release on", "since the last review in"
_SIDE = (
    r"(?:before|until|till|prior to|after|since)"
    r"(?: (?:the|our|my|his|her|their) (?:[\w-]+ ){1,3}?(?:on|in|of))?"
)
_PREPOSITION = rf"(?:{_SIDE}|as of|in|on|during|from|between|for|by|at|around|within)(?: the)?"
# What may follow a month or a year that nothing makes something else: "in 2048 bit keys".
_END = (
    r"(?=\W*$|[,.;:?!]| (?:what|who|which|when|where|why|how|did|do|does|was|were|is|are|the|we|i"
    r"|and|to|until|about)\b)"
)
_TIME = re.compile(
    rf"(?<!\w)(?:(?P<whole>{phrases.either(phrases.WITH_ITS_PREPOSITION)})"
    rf"|(?:(?P<lead>{_PREPOSITION}|of) )?(?P<free>{_FREE})"
    rf"|(?P<before>{_PREPOSITION}) (?:(?P<bound>{_BOUND})|(?P<alone>{_ALONE}){_END}))"
    r"(?:['\u2019]s)?(?!\w)",
    re.IGNORECASE,
)
_TO = re.compile(
    rf" (?:and|to|until|till|through|-|\u2013) (?P<other>{_FREE}|{_BOUND}|(?:{_ALONE}){_END})"
    r"(?!\w)",
    re.IGNORECASE,
)
_YEAR = re.compile(rf"(?<!\d){YEAR}(?!\d)")
_BARE = STOP_WORDS | {"happen", "new", "on", "around", "up"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """A query and the period it asks about, if any.

    `rest` is its text without the words for the time, which say nothing of what was asked;
    `text` the same, unless nothing is left; `words` has dates still, for a text may name one.
    `is_bare`: it asks about nothing but the period ("what happened last week?"). `note` says
    how a date was read that may mean two days.
    """

    text: str
    words: str
    rest: str
    window: Window | None = None
    is_bare: bool = False
    note: str = ""


def timed(query: str, now: datetime) -> Timed:
    """Read the time that a query names; `now` is in the zone of who asks.

    Of several the first that names a year, which says when the others are meant from ("last
    Friday, on 23 January 2026"), else the first.
    """
    calendar = Calendar(now=now)
    read: list[tuple[re.Match[str], str, Window, bool]] = []
    for found in _TIME.finditer(query):
        phrase = found["whole"] or found["free"] or found["bound"] or found["alone"]
        window, is_calendar = phrases.meaning(phrase, calendar)
        if window is not None:
            read.append((found, phrase, window, is_calendar))
    if not read:
        return Timed(text=query, words=query, rest=query)
    found, phrase, window, is_calendar = next((r for r in read if _YEAR.search(r[1])), read[0])
    lead = (found["lead"] or found["before"] or "").lower()
    end = found.end()
    if lead.startswith(("between", "from")):
        window, end = _range(query, end, window, calendar)
    rest = " ".join((query[: found.start()] + query[end:]).split())
    is_said = window.start is not None and window.start > now  # "next year" is what plans say
    text = rest if re.search(r"\w", rest) and not is_said else query
    return Timed(
        text=text,
        words=query if is_calendar else text,
        rest=rest,
        window=_sided(window, lead),
        is_bare=_BARE.issuperset(terms(rest)),
        note=_note(phrase, window),
    )


def _range(query: str, end: int, first: Window, calendar: Calendar) -> tuple[Window, int]:
    """From one period to the end of another that is named next, and where the words end."""
    other = _TO.match(query, end)
    last = phrases.read(other["other"], calendar) if other else None
    if other is None or last is None or not (first.start and last.start):
        return first, end
    if last.start < first.start:
        return first, end
    return replace(first, end=last.end, also=None), other.end()


def _sided(window: Window, lead: str) -> Window:
    """What lies before, after or since a period, if that is asked for."""
    also = _sided(window.also, lead) if window.also else None
    if lead.startswith("since"):
        return replace(window, end=None, also=also)
    if lead.startswith("after"):
        return replace(window, start=window.end, end=None, also=also)
    if lead.startswith(("until", "till")):
        return replace(window, start=None, also=also)
    if lead.startswith(("before", "prior")):
        return replace(window, start=None, end=window.start, also=also)
    return window


def _note(phrase: str, window: Window) -> str:
    if window.also is None or window.start is None or window.also.start is None:
        return ""
    days = [short(at, window.zone) for at in (window.start, window.also.start)]
    return f"{phrase} may be {days[0]} or {days[1]}: both were looked for"
