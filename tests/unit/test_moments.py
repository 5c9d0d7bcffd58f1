"""The time that a query names, and what is left of the query without it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mcp_memory.ranking import Window
from mcp_memory.service.moments import timed

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
    ],
)
def test_a_time_is_read_as_the_period_it_means(query: str, start: str, end: str) -> None:
    assert timed(query, NOW).window == window(start, end)


def test_a_span_ends_now() -> None:
    found = timed("restaurants in the last 3 days", NOW).window
    assert found == Window(start=datetime(2026, 11, 22, 13, 0, tzinfo=UTC), end=NOW)


@pytest.mark.parametrize(
    "query",
    [
        "who may help me?",
        "does the march of progress matter",
        "¿qué pasó la semana pasada?",
        "先週何をしましたか",
        "9999 years ago",
        "version 2024 of the manual",
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


def test_a_query_of_nothing_but_a_time_keeps_its_words() -> None:
    assert timed("last week", NOW).text == "last week"


def test_times_outside_the_window_fit_less_the_farther_they_are() -> None:
    week = window("2026-11-16", "2026-11-23")
    fits = [week.fit(datetime(2026, 11, day, tzinfo=UTC)) for day in (18, 15, 12, 2)]
    assert fits[0] == 1
    assert fits == sorted(fits, reverse=True)
    assert week.fit(datetime(2026, 11, 9, tzinfo=UTC)) == pytest.approx(0.5)
    assert window("", "2026-11-16").fit(datetime(1999, 1, 1, tzinfo=UTC)) == 1
