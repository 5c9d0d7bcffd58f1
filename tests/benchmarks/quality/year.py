"""Questions with a time in them, over a year of events that only their time tells apart."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import anyio

from tests.benchmarks.figures import Grid, Say, Section
from tests.benchmarks.local.stdio import Proxy, opened
from tests.benchmarks.quality.data import load

Phrases = Callable[[datetime, datetime], Iterator[tuple[str, datetime, datetime]]]
"""The ways to name the time of an event, asked now, each with the period it means."""

CUTS = (1, 3, 5)
SEED = 2026
_PER_TOPIC = 5
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_NUMBERS = [
    "zero",
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
_NOTES = (
    "20 topics of 12 events each, spread over the year that ends now (seed 2026), every topic's"
    " events told alike; 100 questions, five a topic, each with a time: yesterday, days, weeks or"
    " months ago, last week or month, a month by name, a date, before or since a date",
    "right: an event of the topic within the time that the words name, by the calendar; a figure"
    " is the share of questions with a right one in the top k (recall limit 10)",
    "without the time: the same questions with the words that name the time left out",
    "days in a row: the events of a topic on the twelve days that end today, written down today,"
    " and told by valid_from or by a date in the metadata; 100 questions, five a topic, each with"
    " a day: today, yesterday, days ago, a weekday, or a date in figures (29.11.2026, 11/29/2026)",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened, when, and to which topic it belongs."""

    topic: str
    content: str
    at: datetime
    is_in_metadata: bool = False

    def draft(self) -> dict[str, Any]:
        """What is remembered of it."""
        told: dict[str, Any] = {"valid_from": self.at.isoformat()}
        if self.is_in_metadata:
            told = {"metadata": {"date": f"{self.at:%Y-%m-%d}"}}
        return {"content": self.content, "type": "episode", **told}


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """A question with a time, the same without, and what it may be answered with."""

    text: str
    plain: str
    right: frozenset[str]


def run(folder: Path, say: Say) -> Section:
    """Remember the year and ask about it."""
    now = datetime.now(UTC)
    topics = load("year")
    events = events_of(topics, now)
    questions = list(questions_of(topics, events, now, _phrases))
    say(f"{len(events)} events, {len(questions)} questions")
    asked = anyio.run(_ask_all, events, questions, folder / "year")
    row = row_of_days(topics, now)
    days = list(questions_of(topics, row, now, _days))
    in_a_row = anyio.run(_ask_all, row, days, folder / "row")
    return Section(
        title="times",
        notes=_NOTES,
        grids=(
            _grid("share of questions with a right event in the top", asked),
            _grid("days in a row", in_a_row),
        ),
    )


def _grid(title: str, asked: list[dict[str, int]]) -> Grid:
    return Grid(
        title=title,
        columns=tuple(f"@{cut}" for cut in CUTS),
        rows={
            name: tuple(fmean(0 <= place[name] < cut for place in asked) for cut in CUTS)
            for name in ("as asked", "without the time")
        },
    )


def row_of_days(topics: list[dict[str, Any]], now: datetime) -> list[Event]:
    """Each topic's events on the days that end today, in an order of chance."""
    chance = random.Random(SEED)
    return [
        Event(
            topic=topic["topic"],
            content=content,
            at=now - timedelta(days=day),
            is_in_metadata=bool(day % 2),
        )
        for topic in topics
        for day, content in enumerate(chance.sample(topic["events"], len(topic["events"])))
    ]


def events_of(topics: list[dict[str, Any]], now: datetime) -> list[Event]:
    """Each topic's events on different days of the year that ends now; the first of every
    topic yesterday, the second in the last ten days.
    """
    chance = random.Random(SEED)
    events: list[Event] = []
    for topic in topics:
        days = [1, chance.randrange(2, 10), *chance.sample(range(12, 365), 10)]
        events += [
            Event(topic=topic["topic"], content=content, at=now - timedelta(days=day))
            for content, day in zip(topic["events"], days, strict=True)
        ]
    return events


def questions_of(
    topics: list[dict[str, Any]], events: list[Event], now: datetime, phrases: Phrases
) -> Iterator[Timed]:
    """Five questions a topic, each about one of its events chosen by chance."""
    chance = random.Random(SEED)
    for topic in topics:
        own = [event for event in events if event.topic == topic["topic"]]
        for event in chance.sample(own, _PER_TOPIC):
            when, start, end = chance.choice(list(phrases(event.at, now)))
            yield Timed(
                text=topic["question"].replace("{when}", when),
                plain=topic["question"].replace(" {when}", "").replace("{when} ", ""),
                right=frozenset(e.content for e in own if start <= e.at < end),
            )


def _days(at: datetime, now: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """The ways to name one of the last days."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    ago = (now.replace(hour=0, minute=0, second=0, microsecond=0) - day).days
    yield f"on {day:%d.%m.%Y}", day, day + _DAY
    if day.day > 12:  # else it may be another day
        yield f"on {day:%m/%d/%Y}", day, day + _DAY
    if ago < 2:
        yield ("today", "yesterday")[ago], day, day + _DAY
    else:
        yield f"{_NUMBERS[ago]} days ago", day, day + _DAY
    if 0 < ago < 7:
        yield f"on {day:%A}", day, day + _DAY


def _phrases(at: datetime, now: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """The ways to name the time of an event, each with the period it means."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    yield from _by_distance(day, today)
    yield f"on {_date(day)}", day, day + _DAY
    yield f"on {day:%Y-%m-%d}", day, day + _DAY
    ago = (today - day).days
    if ago > 340:
        yield f"before {_date(day + _WEEK)}", day, day + _WEEK
    if ago < 12:
        yield f"since {_date(day - _WEEK)}", day - _WEEK, today + _DAY


def _by_distance(day: datetime, today: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    ago = (today - day).days
    week, this_week = day - _DAY * day.weekday(), today - _DAY * today.weekday()
    weeks = (this_week - week).days // 7
    month = day.replace(day=1)
    next_month = (month + timedelta(days=32)).replace(day=1)
    months = (today.year - day.year) * 12 + today.month - day.month
    if 1 <= ago <= 10:
        yield "yesterday" if ago == 1 else f"{_NUMBERS[ago]} days ago", day, day + _DAY
    if 1 <= weeks <= 6:
        yield "last week" if weeks == 1 else f"{_NUMBERS[weeks]} weeks ago", week, week + _WEEK
    if 1 <= months <= 11:
        yield "last month" if months == 1 else f"{_NUMBERS[months]} months ago", month, next_month
        yield f"in {_MONTHS[day.month - 1]} {day.year}", month, next_month
        yield f"in {_MONTHS[day.month - 1]}", month, next_month


def _date(day: datetime) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


async def _ask_all(events: list[Event], questions: list[Timed], home: Path) -> list[dict[str, int]]:
    async with opened(home, "year", "year") as transport:
        for start in range(0, len(events), 60):
            await transport.remember(*(event.draft() for event in events[start : start + 60]))
        return [
            {
                "as asked": await _place(transport, question.text, question.right),
                "without the time": await _place(transport, question.plain, question.right),
            }
            for question in questions
        ]


async def _place(transport: Proxy, text: str, right: frozenset[str]) -> int:
    """Where the first right event comes; -1 nowhere."""
    answer = await transport.recall(text, limit=10, max_tokens=20_000)
    found = [memory["content"] in right for memory in answer["memories"]]
    return found.index(True) if True in found else -1
