"""The time that a query names, and what is left of the query without it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mcp_memory.domain.dates import in_text
from mcp_memory.ranking import Window
from mcp_memory.service.periods.mentions import timed

NOW = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)  # a Wednesday


def window(start: str, end: str) -> Window:
    """From day to day; "" is open."""
    return Window(
        start=datetime.fromisoformat(f"{start}T00:00Z") if start else None,
        end=datetime.fromisoformat(f"{end}T00:00Z") if end else None,
    )


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("What did we decide last week about retries?", "2026-11-16", "2026-11-23"),
        ("what did I do yesterday?", "2026-11-24", "2026-11-25"),
        ("the day before yesterday", "2026-11-23", "2026-11-24"),
        ("three days ago", "2026-11-22", "2026-11-23"),
        ("a couple of weeks ago", "2026-11-09", "2026-11-16"),
        ("who called two months ago", "2026-09-01", "2026-10-01"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("this year", "2026-01-01", "2027-01-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("last weekend", "2026-11-21", "2026-11-23"),
        ("on Friday", "2026-11-20", "2026-11-21"),
        ("in March what broke?", "2026-03-01", "2026-04-01"),
        ("in March 2024", "2024-03-01", "2024-04-01"),
        ("in 2024", "2024-01-01", "2025-01-01"),
        ("on the 3rd of May, 2025", "2025-05-03", "2025-05-04"),
        ("May 3rd", "2026-05-03", "2026-05-04"),
        ("on 2024-05-03", "2024-05-03", "2024-05-04"),
        ("before 3 May", "", "2026-05-03"),
        ("before the release on 3 May", "", "2026-05-03"),
        ("since March", "2026-03-01", ""),
        ("after June 2025", "2025-07-01", ""),
        ("until 3 May", "", "2026-05-04"),
        ("standup today", "2026-11-25", "2026-11-26"),
        ("in Q3 2026", "2026-07-01", "2026-10-01"),
        ("in Q4 what slipped?", "2026-10-01", "2027-01-01"),
        ("2025-Q1", "2025-01-01", "2025-04-01"),
        ("the third quarter of 2025", "2025-07-01", "2025-10-01"),
        ("last quarter", "2026-07-01", "2026-10-01"),
        ("in the last quarter", "2026-07-01", "2026-10-01"),
        ("H1 2025", "2025-01-01", "2025-07-01"),
        ("the first half of 2025", "2025-01-01", "2025-07-01"),
        ("end of October", "2026-10-22", "2026-11-01"),
        ("early October 2025", "2025-10-01", "2025-10-11"),
        ("mid-October 2025", "2025-10-11", "2025-10-22"),
        ("at the end of last month", "2026-10-22", "2026-11-01"),
        ("the beginning of the year", "2026-01-01", "2026-05-02"),
        ("on 11/29/2025", "2025-11-29", "2025-11-30"),
        ("29.11.2025", "2025-11-29", "2025-11-30"),
        ("29/11/2025", "2025-11-29", "2025-11-30"),
        ("23-11-2025 was busy", "2025-11-23", "2025-11-24"),
        ("2025/11/29", "2025-11-29", "2025-11-30"),
        ("2025-11-29T10:00Z", "2025-11-29", "2025-11-30"),
        ("in 2025-11", "2025-11-01", "2025-12-01"),
        ("11/2025", "2025-11-01", "2025-12-01"),
        ("2026-W48", "2026-11-23", "2026-11-30"),
        ("2026-W48-3", "2026-11-25", "2026-11-26"),
        ("week 47 of 2026", "2026-11-16", "2026-11-23"),
        ("in week 40", "2026-09-28", "2026-10-05"),
        ("Nov 29", "2025-11-29", "2025-11-30"),
        ("29 November", "2025-11-29", "2025-11-30"),
        ("on the 3rd", "2026-11-03", "2026-11-04"),
        ("since the 30th", "2026-10-30", ""),
        ("Sunday", "2026-11-22", "2026-11-23"),
        ("on Wednesday", "2026-11-25", "2026-11-26"),
        ("last Wednesday", "2026-11-18", "2026-11-19"),
        ("next Friday", "2026-12-04", "2026-12-05"),
        ("since Monday", "2026-11-23", ""),
        ("since Mon", "2026-11-23", ""),
        ("a fortnight ago", "2026-11-09", "2026-11-16"),
        ("the week before last", "2026-11-09", "2026-11-16"),
        ("tomorrow", "2026-11-26", "2026-11-27"),
        ("what is due next week", "2026-11-30", "2026-12-07"),
        ("summer 2025", "2025-06-01", "2025-09-01"),
        ("last winter", "2025-12-01", "2026-03-01"),
        ("between 3 May and 9 May", "2026-05-03", "2026-05-10"),
        ("from March to June", "2026-03-01", "2026-07-01"),
        ("yesterday's standup", "2026-11-24", "2026-11-25"),
        ("29 February", "2024-02-29", "2024-03-01"),
        ("on December 1,2023", "2023-12-01", "2023-12-02"),
        ("as of December 2023", "2023-12-01", "2024-01-01"),
        ("last Friday, on 23 January, 2022", "2022-01-23", "2022-01-24"),
        ("on the Sunday before October 25, 2022", "", "2022-10-25"),
    ],
)
def test_a_time_is_read_as_the_period_it_means(query: str, start: str, end: str) -> None:
    assert timed(query, NOW).window == window(start, end)


def test_a_span_ends_now() -> None:
    found = timed("restaurants in the last 3 days", NOW).window
    assert found == Window(start=datetime(2026, 11, 22, 13, 0, tzinfo=UTC), end=NOW)


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("in the last 24 hours", "2026-11-24T13:00", "2026-11-25T13:00"),
        ("in the past 90 minutes", "2026-11-25T11:30", "2026-11-25T13:00"),
        ("over the last hour", "2026-11-25T12:00", "2026-11-25T13:00"),
        ("past 7d", "2026-11-18T13:00", "2026-11-25T13:00"),
        ("two hours ago", "2026-11-25T10:30", "2026-11-25T11:30"),
        ("half an hour ago", "2026-11-25T12:00", "2026-11-25T13:00"),
        ("this morning", "2026-11-25T00:00", "2026-11-25T12:00"),
        ("this afternoon", "2026-11-25T12:00", "2026-11-25T18:00"),
        ("yesterday evening", "2026-11-24T17:00", "2026-11-25T00:00"),
        ("tonight", "2026-11-25T18:00", "2026-11-26T06:00"),
        ("last night", "2026-11-24T18:00", "2026-11-25T06:00"),
        ("on Friday morning", "2026-11-20T00:00", "2026-11-20T12:00"),
    ],
)
def test_hours_and_parts_of_days_are_read(query: str, start: str, end: str) -> None:
    found = timed(query, NOW).window
    assert found == Window(
        start=datetime.fromisoformat(f"{start}Z"), end=datetime.fromisoformat(f"{end}Z")
    )


@pytest.mark.parametrize(
    ("zone", "now", "query", "start", "end"),
    [  # now, start and end in UTC
        ("Pacific/Auckland", "2026-11-24T11:30", "today", "2026-11-24T11", "2026-11-25T11"),
        ("Pacific/Auckland", "2026-11-24T10:30", "today", "2026-11-23T11", "2026-11-24T11"),
        ("America/Los_Angeles", "2026-11-25T07:30", "today", "2026-11-24T08", "2026-11-25T08"),
        ("America/Los_Angeles", "2026-11-25T08:30", "yesterday", "2026-11-24T08", "2026-11-25T08"),
        (
            "Asia/Kolkata",
            "2026-11-24T19:00",
            "this morning",
            "2026-11-24T18:30",
            "2026-11-25T06:30",
        ),
        # The clocks go back: the day has 25 hours. They go forward: it has 23.
        ("Europe/Berlin", "2026-10-26T09:00", "yesterday", "2026-10-24T22", "2026-10-25T23"),
        ("Europe/Berlin", "2026-03-30T09:00", "yesterday", "2026-03-28T23", "2026-03-29T22"),
        (
            "Europe/Berlin",
            "2026-10-25T12:00",
            "in the last 24 hours",
            "2026-10-24T12",
            "2026-10-25T12",
        ),
        # Midnight is left out when summer begins there.
        ("America/Santiago", "2026-09-07T12:00", "yesterday", "2026-09-06T04", "2026-09-07T03"),
        ("America/Los_Angeles", "2026-12-01T05:00", "this month", "2026-11-01T07", "2026-12-01T08"),
        ("Pacific/Auckland", "2026-12-31T12:00", "this year", "2026-12-31T11", "2027-12-31T11"),
        ("Pacific/Auckland", "2026-11-25T00:00", "summer 2025", "2025-11-30T11", "2026-02-28T11"),
    ],
)
def test_a_day_is_that_of_who_asks(zone: str, now: str, query: str, start: str, end: str) -> None:
    here = datetime.fromisoformat(f"{now}Z").astimezone(ZoneInfo(zone))
    found = timed(query, here).window
    assert found is not None
    moments = [
        datetime.fromisoformat(f"{at}:00Z" if len(at) < 16 else f"{at}Z") for at in (start, end)
    ]
    assert [found.start, found.end] == moments


def test_a_date_that_may_be_two_days_means_both_and_says_so() -> None:
    found = timed("what broke on 03/04/2026?", NOW)
    assert found.window is not None
    fits = [found.window.fit(datetime(2026, *day, 12, tzinfo=UTC)) for day in ((4, 3), (3, 4))]
    assert fits == [1, 1]
    assert found.window.fit(datetime(2026, 3, 20, tzinfo=UTC)) < 0.5
    assert found.note == "03/04/2026 may be 3 Apr 2026 or 4 Mar 2026: both were looked for"
    assert timed("what broke on 04/04/2026?", NOW).note == ""
    before = timed("before 03/04/2026", NOW).window
    assert before is not None
    assert before.fit(datetime(2026, 3, 30, tzinfo=UTC)) == 1


@pytest.mark.parametrize(
    "query",
    [
        "who may help me?",
        "does the march of progress matter",
        "¿qué pasó la semana pasada?",
        "先週何をしましたか",
        "9999 years ago",
        "version 2024 of the manual",
        "version 11.12.2026 of the driver",
        "v1.2.2026",
        "release notes 11.29.2026",
        "31.11.2026",
        "2026-02-30",
        "10.0.0.1",
        "3/4 of the users",
        "1/2 cup of rice",
        "ratio 16:9",
        "open 24/7",
        "room 2026",
        "Q3 results deck",
        "on the 3rd floor",
        "week 3 of the course",
        "in March hares",
        "we may march on",
        "hold on a second",
        "two day delivery",
        "a day in the life",
        "headlines of USA Today",
        "Black Friday",
        "we deploy every Friday",
        "at Sun Microsystems",
        "in 2048 bit keys",
        "ticket ABC-2026-11",
        "https://example.org/2026/11/29/post",
        "2026-11-29-backup.sql",
        "the last of the Mohicans",
        "second monitor",
        "",
    ],
)
def test_what_names_no_time_that_is_known_stays_as_it_is(query: str) -> None:
    found = timed(query, NOW)
    assert (found.window, found.text, found.words) == (None, query, query)


def test_the_words_of_a_relative_time_are_no_words_to_search_for() -> None:
    found = timed("What did we decide last week about retries?", NOW)
    assert found.text == found.words == "What did we decide about retries?"


def test_a_date_is_still_searched_for_as_words() -> None:
    found = timed("What broke on 3 May?", NOW)
    assert found.words == "What broke on 3 May?"
    assert "May" not in found.text


def test_the_words_of_a_time_to_come_are_searched_for_as_plans_say_them() -> None:
    found = timed("What are we planning for next year?", NOW)
    assert found.text == found.words == "What are we planning for next year?"
    assert found.window == window("2027-01-01", "2028-01-01")


def test_a_query_of_nothing_but_a_time_keeps_its_words() -> None:
    assert timed("last week", NOW).text == "last week"


@pytest.mark.parametrize("query", ["on Friday", "in Q3 2026", "on 29.11.2026", "in March"])
def test_what_a_text_may_say_too_is_still_searched_for(query: str) -> None:
    assert timed(f"What broke {query}?", NOW).words == f"What broke {query}?"


def test_a_period_is_a_window_and_beside_it_times_fit_less_the_farther_they_are() -> None:
    week = window("2026-11-16", "2026-11-23")
    within = [week.fit(datetime(2026, 11, day, tzinfo=UTC)) for day in (16, 19, 22)]
    assert within == [1, 1, 1]
    fits = [week.fit(datetime(2026, 11, day, tzinfo=UTC)) for day in (18, 15, 12, 2)]
    assert fits == sorted(fits, reverse=True)
    assert week.fit(datetime(2026, 11, 23, tzinfo=UTC)) == pytest.approx(0.5)
    assert week.fit(datetime(2026, 11, 9, tzinfo=UTC)) == pytest.approx(0.25)
    assert window("", "2026-11-16").fit(datetime(1999, 1, 1, tzinfo=UTC)) == 1


def test_a_day_that_a_text_names_fits_where_it_touches_the_period() -> None:
    here = Window(
        start=datetime(2026, 11, 28, 11, tzinfo=UTC),
        end=datetime(2026, 11, 29, 11, tzinfo=UTC),
        zone=ZoneInfo("Pacific/Auckland"),
    )
    texts = ["moved on 2026-11-29", "on 29 November 2026", "Nov 29, 2026", "in November 2026"]
    for text in texts:
        assert [here.fit_of_days(span) for span in in_text(text)] == [1.0], text
    assert max(here.fit_of_days(span) for span in in_text("28.11.2026 and 30/11/2026")) <= 0.5
    assert (
        in_text("version 11.12.2026, 10.0.0.1, 31.11.2026, 2026-13-01, May I, ABC-2026-11-29") == []
    )
