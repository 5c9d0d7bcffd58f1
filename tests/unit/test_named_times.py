"""Times as arguments, in words and in figures, and which moment of a period they mean."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mcp_memory.errors import InvalidInput
from mcp_memory.service.named_times import Edge, past, to_come

NOW = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)  # a Wednesday


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("yesterday", "2026-11-24", "2026-11-25"),
        ("Yesterday ", "2026-11-24", "2026-11-25"),
        ("today", "2026-11-25", "2026-11-26"),
        ("last week", "2026-11-16", "2026-11-23"),
        ("this month", "2026-11-01", "2026-12-01"),
        ("last quarter", "2026-07-01", "2026-10-01"),
        ("2 weeks ago", "2026-11-11", "2026-11-12"),
        ("a fortnight ago", "2026-11-11", "2026-11-12"),
        ("two months ago", "2026-09-25", "2026-09-26"),
        ("3 days ago", "2026-11-22", "2026-11-23"),
        ("2026-11", "2026-11-01", "2026-12-01"),
        ("November 2026", "2026-11-01", "2026-12-01"),
        ("march", "2026-03-01", "2026-04-01"),
        ("2025", "2025-01-01", "2026-01-01"),
        ("2026-11-20", "2026-11-20", "2026-11-21"),
        ("20261120", "2026-11-20", "2026-11-21"),
        ("20.11.2026", "2026-11-20", "2026-11-21"),
        ("11/20/2026", "2026-11-20", "2026-11-21"),
        ("20 Nov", "2026-11-20", "2026-11-21"),
        ("2026-W47", "2026-11-16", "2026-11-23"),
        ("Q3 2026", "2026-07-01", "2026-10-01"),
        ("Q3", "2026-07-01", "2026-10-01"),
        ("H1 2025", "2025-01-01", "2025-07-01"),
        ("Monday", "2026-11-23", "2026-11-24"),
        ("since Monday", "2026-11-23", "2026-11-24"),
        ("on the 3rd", "2026-11-03", "2026-11-04"),
        ("this morning", "2026-11-25T00:00", "2026-11-25T12:00"),
        ("the beginning of the year", "2026-01-01", "2026-05-02"),
        ("gestern", "2026-11-24", "2026-11-25"),
        ("ayer", "2026-11-24", "2026-11-25"),
        ("вчера", "2026-11-24", "2026-11-25"),
        ("昨天", "2026-11-24", "2026-11-25"),
        ("hier", "2026-11-24", "2026-11-25"),
        ("어제", "2026-11-24", "2026-11-25"),
        ("letzte Woche", "2026-11-16", "2026-11-23"),
        ("vor 2 Wochen", "2026-11-11", "2026-11-12"),
        ("märz 2026", "2026-03-01", "2026-04-01"),
        ("3 de mayo de 2026", "2026-05-03", "2026-05-04"),
        ("2026年11月20日", "2026-11-20", "2026-11-21"),
    ],
)
def test_since_is_the_beginning_of_a_period_and_until_its_end(
    text: str, start: str, end: str
) -> None:
    assert past("since", text, NOW, Edge.START) == moment(start)
    assert past("until", text, NOW, Edge.END) == moment(end)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", "2026-11-25T13:00"),
        ("7d", "2026-11-18T13:00"),
        ("2 weeks", "2026-11-11T13:00"),
        ("90 minutes", "2026-11-25T11:30"),
        ("2026-11-20T09:30:00Z", "2026-11-20T09:30"),
        ("2026-11-20T09:30+02:00", "2026-11-20T07:30"),
        ("2026-11-20 09:30", "2026-11-20T09:30"),
        ("20.11.2026 09:30", "2026-11-20T09:30"),
        ("yesterday at 5pm", "2026-11-24T17:00"),
        ("yesterday 17:30", "2026-11-24T17:30"),
        ("Monday at 12 am", "2026-11-23T00:00"),
        ("il y a 2 heures", "2026-11-25T11:00"),
    ],
)
def test_a_moment_is_the_same_from_both_sides(text: str, at: str) -> None:
    assert {past("since", text, NOW, edge) for edge in Edge} == {moment(at)}


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-20", "2026-11-20T23:59:59.999999"),
        ("yesterday", "2026-11-24T23:59:59.999999"),
        ("today", "2026-11-25T13:00"),
        ("2026-11", "2026-11-25T13:00"),
        ("2099-01-01", "2099-01-01T00:00"),
        ("2026-11-20T09:30:00Z", "2026-11-20T09:30"),
    ],
)
def test_what_was_believed_on_a_day_is_what_was_by_its_end(text: str, at: str) -> None:
    assert past("as_of", text, NOW, Edge.WITHIN) == moment(at)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("tomorrow", "2026-11-27"),
        ("today", "2026-11-26"),
        ("2026-12-01", "2026-12-02"),
        ("next week", "2026-12-07"),
        ("end of the month", "2026-12-01"),
        ("end of next month", "2027-01-01"),
        ("this year", "2027-01-01"),
        ("2027", "2028-01-01"),
        ("December", "2027-01-01"),
        ("March", "2027-04-01"),
        ("24 December", "2026-12-25"),
        ("3 May", "2027-05-04"),
        ("on the 3rd", "2026-12-04"),
        ("Friday", "2026-11-28"),
        ("until Friday", "2026-11-28"),
        ("Wednesday", "2026-11-26"),
        ("next Friday", "2026-12-05"),
        ("Q1", "2027-04-01"),
        ("tonight", "2026-11-26T06:00"),
        ("30d", "2026-12-25T13:00"),
        ("2 weeks", "2026-12-09T13:00"),
        ("3600", "2026-11-25T14:00"),
        ("in 2 weeks", "2026-12-09T13:00"),
        ("three days from now", "2026-11-28T13:00"),
        ("tomorrow at 9am", "2026-11-26T09:00"),
        ("2027-01-01T00:00:00Z", "2027-01-01"),
        ("morgen", "2026-11-27"),
        ("mañana", "2026-11-27"),
        ("明天", "2026-11-27"),
        ("in 3 Tagen", "2026-11-29"),
    ],
)
def test_what_ends_on_a_day_lasts_through_it(text: str, at: str) -> None:
    assert to_come("expires_at", text, NOW) == moment(at)


@pytest.mark.parametrize("text", ["", "  ", "never", "Never"])
def test_no_end_is_no_end(text: str) -> None:
    assert to_come("expires_at", text, NOW) is None


@pytest.mark.parametrize(
    "text", ["yesterday", "2020-01-01", "last week", "0d", "-1 day", "2026-11-25T12:00Z"]
)
def test_an_end_that_was_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"expires_at: got .+(to come|more than 0)"):
        to_come("expires_at", text, NOW)


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "31.11.2026", "30/02/2026", "31 November", "February 30, 2026", "2026-13-01"],
)
def test_a_day_that_no_calendar_has_is_refused_by_name(text: str) -> None:
    for read in (lambda: past("since", text, NOW, Edge.START), lambda: to_come("since", text, NOW)):
        with pytest.raises(InvalidInput, match=r"since: got .+(no calendar has|expected a)"):
            read()


def test_a_date_that_may_be_two_days_is_refused_with_both() -> None:
    with pytest.raises(
        InvalidInput, match="until: got '03/04/2026'; it may be 3 Apr 2026 or 4 Mar"
    ):
        past("until", "03/04/2026", NOW, Edge.END)
    assert past("until", "04/04/2026", NOW, Edge.END) == moment("2026-04-05")


@pytest.mark.parametrize(
    "text",
    [
        *("lately", "soon", "banana", "9000 years", "0001-01-01T00:00+23:00", "x" * 5000, "?"),
        *("1/2", "24/7", "version 2", "yesterday at 25:00", "99999 years ago", "2026-W60"),
    ],
)
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput, match="since: got"):
        past("since", text, NOW, Edge.START)


@pytest.mark.parametrize(
    ("zone", "text", "start", "end"),
    [  # it is 02:00 on the 26th in Auckland, 05:00 on the 25th in Los Angeles
        ("Pacific/Auckland", "yesterday", "2026-11-24T11:00", "2026-11-25T11:00"),
        ("America/Los_Angeles", "yesterday", "2026-11-24T08:00", "2026-11-25T08:00"),
        ("Pacific/Auckland", "2026-11-20", "2026-11-19T11:00", "2026-11-20T11:00"),
        ("America/Los_Angeles", "2026-11-20 09:30", "2026-11-20T17:30", "2026-11-20T17:30"),
        ("America/Los_Angeles", "2026-11-01", "2026-11-01T07:00", "2026-11-02T08:00"),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("Pacific/Auckland", "gestern", "2026-11-24T11:00", "2026-11-25T11:00"),
        ("America/Los_Angeles", "20.11.2026 09:30", "2026-11-20T17:30", "2026-11-20T17:30"),
    ],
)
def test_a_day_is_that_of_who_asks(zone: str, text: str, start: str, end: str) -> None:
    here = NOW.astimezone(ZoneInfo(zone))
    assert past("since", text, here, Edge.START) == moment(start)
    assert past("until", text, here, Edge.END) == moment(end)


def test_an_end_is_that_of_the_day_where_it_is_named() -> None:
    here = NOW.astimezone(ZoneInfo("Pacific/Auckland"))
    assert to_come("expires_at", "tomorrow", here) == moment("2026-11-27T11:00")
    assert to_come("expires_at", "2h", here) == NOW + timedelta(hours=2)


def test_a_language_that_was_loaded_needs_nothing_more_to_be_read() -> None:
    code = (
        "import builtins, importlib, sys\n"
        "from datetime import UTC, datetime\n"
        "from mcp_memory.service.named_times import LANGUAGES, Edge, past, warm\n"
        "[warm(language) for language in LANGUAGES]\n"
        "before = set(sys.modules)\n"
        "now = datetime(2026, 11, 25, 13, tzinfo=UTC)\n"
        "for word in ('gestern', 'hier', '昨天', 'вчера', 'vor 2 Wochen', 'noon', '1. mai'):\n"
        "    past('since', word, now, Edge.START)\n"
        "theirs = ('dateparser', 'regex', 'pytz', 'tzlocal', 'mcp_memory')\n"
        "print([name for name in set(sys.modules) - before if name.startswith(theirs)])"
    )
    found = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert found.stdout.strip() == "[]"
