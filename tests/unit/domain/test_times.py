"""Times as callers write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mcp_memory.domain.times import parse_duration, parse_time, short
from mcp_memory.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T09:30:00Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00+02:00", datetime(2026, 3, 1, 7, 30, tzinfo=UTC)),
        ("2026-03-01 09:30", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("", None),
        ("  ", None),
    ],
)
def test_a_time_is_read_as_utc(text: str, expected: datetime | None) -> None:
    assert parse_time("since", text) == expected


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-01", "03/01/2026", "0001-01-01T00:00+23:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"since: got .+ expected an ISO date"):
        parse_time("since", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30d", timedelta(days=30)),
        ("2 hours", timedelta(hours=2)),
        ("1 week", timedelta(weeks=1)),
        ("90", timedelta(seconds=90)),
        ("1.5h", timedelta(minutes=90)),
        ("15 mins", timedelta(minutes=15)),
        ("", None),
    ],
)
def test_a_duration_is_read(text: str, expected: timedelta | None) -> None:
    assert parse_duration("expires_in", text) == expected


@pytest.mark.parametrize("text", ["soon", "0d", "-1 day", "9999999 years", "1e9", "1.2.3", "d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="expires_in: got"):
        parse_duration("expires_in", text)


def test_a_day_is_written_as_a_person_would() -> None:
    assert short(datetime(2026, 3, 1, 9, 30, tzinfo=UTC)) == "1 Mar 2026"
