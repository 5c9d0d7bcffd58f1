"""Times as arguments, in words and in figures, and which moment of a period they mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mcp_memory.errors import InvalidInput
from mcp_memory.service.periods.arguments import Edge, past, to_come

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
        ("2 hours ago", "2026-11-25T11:00"),
        ("yesterday 15:00 UTC", "2026-11-24T15:00"),
        ("2026-11-20 10am GMT", "2026-11-20T10:00"),
        ("20.11.2026 10:00+01:00", "2026-11-20T09:00"),
        ("gestern um 17:30", "2026-11-24T17:30"),
        ("ayer a las 17:30", "2026-11-24T17:30"),
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
        ("in 3 Tagen", "2026-11-28T13:00"),
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


@pytest.mark.parametrize(
    ("said", "english"),
    [
        ("heute morgen", "this morning"),
        ("ce matin", "this morning"),
        ("esta mañana", "this morning"),
        ("stamattina", "this morning"),
        ("今朝", "this morning"),
        ("morgen früh", "tomorrow morning"),
        ("gestern abend", "yesterday evening"),
        ("hier soir", "yesterday evening"),
        ("ieri sera", "yesterday evening"),
        ("昨天晚上", "yesterday evening"),
        ("вчера вечером", "yesterday evening"),
        ("昨日の朝", "yesterday morning"),
        ("昨晚", "last night"),
        ("anoche", "last night"),
        ("5月3日", "3 May"),
        ("3月5日", "5 March"),
        ("5월 3일", "3 May"),
        ("2026年5月3日", "2026-05-03"),
        ("2026년 5월 3일", "2026-05-03"),
        ("le 5 mars", "5 March"),
        ("5 марта", "5 march"),
        ("5 мая 2026 года", "5 may 2026"),
        ("am 5. März", "5 March"),
        ("5 de marzo de 2026", "5 March 2026"),
        ("vor einer Woche", "a week ago"),
        ("неделю назад", "a week ago"),
        ("hace una semana", "a week ago"),
        ("il y a une semaine", "a week ago"),
        ("una settimana fa", "a week ago"),
        ("一周前", "a week ago"),
        ("1週間前", "a week ago"),
        ("일주일 전", "a week ago"),
        ("vor einem Monat", "a month ago"),
        ("há 3 dias", "3 days ago"),
        ("в прошлом году", "last year"),
        ("la settimana scorsa", "last week"),
        ("先週", "last week"),
        ("上个月", "last month"),
        ("через неделю", "in a week"),
        ("in zwei Wochen", "in 2 weeks"),
        ("dans deux semaines", "in 2 weeks"),
        ("2週間後", "in 2 weeks"),
        ("letzten Freitag", "last Friday"),
        ("vendredi dernier", "last Friday"),
        ("el viernes pasado", "last Friday"),
        ("下周一", "next Monday"),
        ("Ende Oktober", "end of October"),
        ("l'altro ieri", "the day before yesterday"),
        ("après-demain", "the day after tomorrow"),
        ("vorige week", "last week"),
    ],
)
def test_what_another_language_says_is_what_its_english_form_is(said: str, english: str) -> None:
    for edge in (Edge.START, Edge.END, Edge.WITHIN):
        there = past("valid_from", said, NOW, edge)
        assert there is not None
        assert there == past("valid_from", english, NOW, edge)


@pytest.mark.parametrize(
    "text",
    [
        *("the 90s", "in the 90s", "1990s", "2020s", "heute Nacht", "cette nuit", "in acht Tagen"),
        *("huit jours", "上周五", "先週の金曜日", "去年5月", "5/3月", "2024年前", "2024年后"),
        *("gestern um 15 Uhr", "ayer a las 3", "сегодня ночью", "2月30日", "31. Februar"),
    ],
)
def test_what_is_not_certain_is_refused_by_name(text: str) -> None:
    for read in (
        lambda: past("valid_from", text, NOW, Edge.START),
        lambda: to_come("valid_from", text, NOW),
    ):
        with pytest.raises(InvalidInput, match=r"valid_from: got .+(as 20|no calendar has)"):
            read()


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2026-11-30 10am EST", "EST"),
        ("yesterday 15:00 CET", "CET"),
        ("2026-11-30 10 AM PST", "PST"),
        ("30.11.2026 10:00:00 IST", "IST"),
        ("2026-11-30T10:00 Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_a_zone_that_its_letters_do_not_settle_is_refused_by_name(text: str, zone: str) -> None:
    with pytest.raises(InvalidInput, match=f"expires_at: got .+the time zone {zone}.+-05:00"):
        to_come("expires_at", text, NOW)
