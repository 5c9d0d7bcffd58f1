"""Today, for who asks: days, weeks, quarters and seasons around it, as periods in UTC.

Weeks begin on Monday. Morning ends and afternoon begins at 12, evening begins at 17, night at
18; it ends at 6. Seasons are three whole months, of the hemisphere that the time zone lies in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from mcp_memory.domain.dates import Span, month_of
from mcp_memory.ranking import Window

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
"""The first month of each, north of the equator."""
PARTS = {
    "": (0, 24),
    "morning": (0, 12),
    "afternoon": (12, 18),
    "evening": (17, 24),
    "night": (18, 30),
}
"""The hours of a part of the day."""
MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}
_YEARS_AROUND = 9
"""A 29 February may be eight years away."""
_SOUTHERN = (
    *("Australia/", "Antarctica/", "Pacific/Auckland", "Pacific/Chatham", "America/Argentina/"),
    *("America/Sao_Paulo", "America/Santiago", "America/Montevideo", "America/Asuncion"),
    *("Africa/Johannesburg", "Africa/Maputo", "Africa/Harare", "Africa/Windhoek"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """The periods around `now`, which is aware and in the zone of who asks.

    `ahead`: what may be past or to come is to come; `exact`: "two weeks ago" is a day and not
    a week. Every method raises ValueError or OverflowError for what no calendar has.
    """

    now: datetime
    ahead: bool = False
    exact: bool = False

    @property
    def today(self) -> date:
        """The day that it is."""
        return self.now.date()

    @property
    def zone(self) -> tzinfo:
        """The time zone of its days."""
        return self.now.tzinfo or UTC

    def window(self, span: Span) -> Window:
        """The period from a day to another."""
        return Window(start=self._at(span[0]), end=self._at(span[1]), zone=self.zone)

    def days(self, day: date, days: int = 1) -> Window:
        """So many days."""
        return self.window((day, day + timedelta(days=days)))

    def part(self, day: date, part: str) -> Window:
        """The morning, afternoon, evening or night of a day; all of it for ""."""
        begins, ends = PARTS[part]
        return Window(start=self._at(day, begins), end=self._at(day, ends), zone=self.zone)

    def until_now(self, length: timedelta) -> Window:
        """So long a time that ends now; that begins now, where it is negative."""
        now = self.now.astimezone(UTC)
        return Window(start=min(now, now - length), end=max(now, now - length), zone=self.zone)

    def around(self, ago: timedelta, length: timedelta) -> Window:
        """So long a time, in the middle of which lies a moment so long ago."""
        then = self.now.astimezone(UTC) - ago
        return Window(start=then - length / 2, end=then + length / 2, zone=self.zone)

    def week(self, day: date) -> Window:
        """The week that a day lies in."""
        return self.days(day - timedelta(days=day.weekday()), 7)

    def unit(self, unit: str, away: int) -> Window:
        """The week, weekend, month, quarter or year so many away from this one (0)."""
        monday = self.today + timedelta(days=7 * away - self.today.weekday())
        if unit == "week":
            return self.days(monday, 7)
        if unit == "weekend":  # before Saturday, "this weekend" may be the one that was
            is_over = not self.ahead and away <= 0 and self.today.weekday() < 5
            last = 7 if is_over and away == 0 else 0
            return self.days(monday + timedelta(days=5 - last), 2)
        months = MONTHS_OF[unit]
        first = (self.today.month - 1) // months * months + 1
        return self.window(month_of(self.today.year, first + away * months, months))

    def months_ago(self, unit: str, many: int) -> Window:
        """The month, quarter or year so many ago; if exact, the day of the month so long ago."""
        if not self.exact:
            return self.unit(unit, -many)
        months = many * MONTHS_OF[unit]
        first, after = month_of(self.today.year, self.today.month - months)
        return self.days(first.replace(day=min(self.today.day, (after - first).days)))

    def weekday(self, weekday: int, part: str = "") -> Window:
        """The latest such day, today included; the next one, if ahead."""
        away = (weekday - self.today.weekday()) % 7
        back = 7 if away and not self.ahead else 0
        return self.part(self.today + timedelta(days=away - back), part)

    def weekday_away(self, weekday: int, away: int) -> Window:
        """That of this week (0), of the next one (1), or the latest before today (-1)."""
        if away < 0:
            return self.days(
                self.today - timedelta(days=(self.today.weekday() - weekday - 1) % 7 + 1)
            )
        return self.days(self.today + timedelta(days=weekday - self.today.weekday() + 7 * away))

    def nearest(self, spans: Sequence[Span]) -> Window:
        """Of periods in order the latest that has begun; the first not yet over, if ahead."""
        if self.ahead:
            return self.window(next((s for s in spans if s[1] > self.today), spans[-1]))
        return self.window(next((s for s in reversed(spans) if s[0] <= self.today), spans[0]))

    def months(self, first: int, months: int = 1, away: int | None = None) -> Window:
        """The nearest period of months, of any year, that begins with month `first`.

        That of this year (0), the latest that is over (-1), or the first to come (1).
        """
        spans = [month_of(year, first, months) for year in self.years]
        if away is None:
            return self.nearest(spans)
        if away == 0:
            return self.window(month_of(self.today.year, first, months))
        over = [span for span in spans if span[1] <= self.today]
        to_come = [span for span in spans if span[0] > self.today]
        return self.window(over[-1] if away < 0 else to_come[0])

    @property
    def years(self) -> range:
        """This year and those around it."""
        return range(self.today.year - _YEARS_AROUND, self.today.year + _YEARS_AROUND)

    def season(self, name: str) -> int:
        """The first month of a season here."""
        is_southern = str(self.zone).startswith(_SOUTHERN)
        return (SEASONS[name] + 5) % 12 + 1 if is_southern else SEASONS[name]

    def third(self, whole: Window, which: int) -> Window:
        """The beginning (0), the middle (1) or the end (2) of a period, in whole days."""
        assert whole.start is not None and whole.end is not None
        first, after = (m.astimezone(self.zone).date() for m in (whole.start, whole.end))
        days = timedelta(days=(after - first).days // 3)
        edges = (first, first + days, after - days, after)
        return self.window((edges[which], edges[which + 1]))

    def _at(self, day: date, hour: int = 0) -> datetime:
        """An hour of a day, or of the next one, in UTC."""
        there = day + timedelta(days=hour // 24)
        return datetime.combine(there, time(hour % 24), self.zone).astimezone(UTC)
