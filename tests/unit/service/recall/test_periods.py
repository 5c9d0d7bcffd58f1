"""What comes back for a query with a time in it, and of when a memory is."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Patch, Query
from mcp_memory.errors import InvalidInput
from mcp_memory.service import MemoryService
from tests.support.factories import Clock
from tests.unit.service.recall.test_recall import keep, texts


def test_yesterday_puts_first_what_is_of_yesterday(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    told = [
        "Standup: Ben finished the parser.",
        "Standup standup: the standup was about the standup rota.",
        "At the standup Cleo said that the release slips to Thursday because of the review.",
        "Standup: all green, standup is short.",
    ]
    for content in told:
        keep(service, alice, content, type="episode")
        clock.tick(days=1)
    found = texts(service.recall(alice, Query(query="standup yesterday")))
    assert found[0] == told[3]
    assert texts(service.recall(alice, Query(query="standup two days ago")))[0] == told[2]
    assert texts(service.recall(alice, Query(query="standup three days ago")))[0] == told[1]


def test_what_was_filled_in_later_is_of_when_it_happened(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    """All are written down today; each tells in another way when it happened."""
    keep(service, alice, "Standup: the pump failed.", valid_from="2026-02-28T10:00Z")
    keep(service, alice, "Standup: the valve stuck.", metadata={"date": "2026-02-27"})
    keep(service, alice, "Standup of 26 February 2026: the belt tore.")
    keep(service, alice, "Standup on 25.02.2026: the fan stopped.")
    keep(service, alice, "Standup: the lamp broke.")
    asked = {
        "standup today": "Standup: the lamp broke.",
        "standup yesterday": "Standup: the pump failed.",
        "standup two days ago": "Standup: the valve stuck.",
        "standup three days ago": "Standup of 26 February 2026: the belt tore.",
        "standup on 2/25/2026": "Standup on 25.02.2026: the fan stopped.",
    }
    answers = {query: texts(service.recall(alice, Query(query=query)))[0] for query in asked}
    assert answers == asked


def test_a_query_of_nothing_but_a_day_gets_what_happened_then(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    keep(service, alice, "Met Olga.", valid_from="2026-02-28")
    keep(service, alice, "On 2026-02-28 the pump failed.")
    keep(service, alice, "The belt tore.", metadata={"when": "28 February 2026"})
    keep(service, alice, "Today the lamp broke.")
    for query in ("what happened yesterday?", "28.02.2026", "what happened on 2/28/2026"):
        answer = service.recall(alice, Query(query=query))
        assert sorted(texts(answer)) == [
            "Met Olga.",
            "On 2026-02-28 the pump failed.",
            "The belt tore.",
        ]


def test_a_date_that_may_be_two_days_finds_both_and_the_reason_says_so(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    keep(service, alice, "Audit: the pump failed.", valid_from="2026-01-02")
    keep(service, alice, "Audit: the lamp broke.", valid_from="2026-01-20")
    keep(service, alice, "Audit: the belt tore.", valid_from="2026-02-01")
    for query in ("audit on 01/02/2026", "what happened on 01/02/2026"):
        answer = service.recall(alice, Query(query=query))
        assert set(texts(answer)[:2]) == {"Audit: the pump failed.", "Audit: the belt tore."}
        assert "01/02/2026 may be 1 Feb 2026 or 2 Jan 2026" in answer.reason
        assert not answer.degraded


def test_a_day_is_that_of_the_callers_time_zone(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    """It is 09:30 on 1 March in UTC: 22:30 in Auckland, 01:30 in Los Angeles."""
    keep(service, alice, "Standup: the pump failed.", valid_from="2026-02-28T12:00Z")
    keep(service, alice, "Standup: the lamp broke.", valid_from="2026-02-28T10:00Z")
    keep(service, alice, "Standup: the belt tore.", valid_from="2026-03-01T08:30Z")
    asked = Query(query="what happened today?")
    for zone, found in {
        "Pacific/Auckland": {"Standup: the pump failed.", "Standup: the belt tore."},
        "America/Los_Angeles": {"Standup: the belt tore."},
        "UTC": {"Standup: the belt tore."},
    }.items():
        there = replace(alice, zone=ZoneInfo(zone))
        answer = service.recall(there, asked)
        assert set(texts(answer)) == found, zone
    there = replace(alice, zone=ZoneInfo("America/Los_Angeles"))
    answer = service.recall(there, Query(query="what happened yesterday?"))
    assert "28 Feb 2026" in answer.context
    assert "1 Mar 2026" not in answer.context


@pytest.mark.parametrize(
    ("since", "until"),
    [("tomorrow", "yesterday"), ("2026-02-01", "2026-01-01"), ("last month", "2020")],
)
def test_a_time_that_ends_before_it_begins_is_refused_by_name(
    service: MemoryService, alice: Caller, since: str, until: str
) -> None:
    with pytest.raises(InvalidInput, match=f"until: got '{until}'.+since \\({since}\\)"):
        service.recall(alice, Query(query="standup", since=since, until=until))


def test_since_a_time_to_come_there_is_nothing_and_the_reason_says_so(
    service: MemoryService, alice: Caller
) -> None:
    keep(service, alice, "The standup moved to ten")
    found = service.recall(alice, Query(since="tomorrow"))
    assert not found.memories
    assert "since (tomorrow) is to come" in found.reason


COMPARED = "since and until compare when a memory was written down or last changed"


def test_where_lines_show_other_days_than_since_compares_the_reason_says_so(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    """It is 1 March; both are written down today."""
    keep(service, alice, "Standup: the pump failed.", valid_from="2026-01-20")
    keep(service, alice, "Standup: the lamp broke.")
    for query in ("", "standup", "*"):
        answer = service.recall(alice, Query(query=query, since="yesterday"))
        assert len(answer.memories) == 2
        assert f"{COMPARED}, the date on a line is when it became true" in answer.reason
        assert COMPARED not in service.recall(alice, Query(query=query)).reason
    for since in ("2026-01-01", "2 months ago", "2026-01-20"):
        assert COMPARED not in service.recall(alice, Query(since=since)).reason


def test_where_what_is_of_the_time_was_written_down_at_another_the_reason_says_so(
    service: MemoryService, alice: Caller, bob: Caller, clock: Clock
) -> None:
    keep(service, alice, "Standup: the pump failed.", valid_from="2026-01-20")
    keep(service, alice, "Standup: the belt tore.", valid_from="2026-01-21")
    for asked in (
        Query(until="yesterday"),
        Query(query="standup", until="last week"),
        Query(since="2026-01-01", until="2026-01-31"),
    ):
        answer = service.recall(alice, asked)
        assert not answer.memories
        assert f"{COMPARED}; of 2 the date lies there" in answer.reason
        assert COMPARED not in service.recall(bob, asked).reason, "another's are no concern"
    assert "of 1 the date" in service.recall(alice, Query(until="2026-01-20")).reason
    assert COMPARED not in service.recall(alice, Query(until="2025")).reason


def test_a_memory_that_was_changed_since_is_told_to_be_of_an_earlier_day(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    (memory_id,) = keep(service, alice, "The lamp is red.")
    clock.tick(days=30)
    service.update(alice, memory_id, Patch(importance=0.9))
    answer = service.recall(alice, Query(since="yesterday"))
    assert texts(answer) == ["The lamp is red."]
    assert COMPARED in answer.reason
