"""What a next daemon cannot watch for a client yet, by a clock that moves when told to."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_memory.proxy import renewals
from mcp_memory.proxy.session import TRIES_MAX, Session
from mcp_memory.proxy.snapshot import Snapshot
from tests.unit.proxy.test_session import Message, answered, line, messages, methods, told

LOCKED: Message = {"code": -32603, "message": "the store is in use by process 7"}
GONE: Message = {"code": -32602, "message": 'no memory "x" in your scope'}
WATCHED = {"notifications": {"resourceSubscriptions": ["memory://recent"]}}
BEGUN = line(
    method="notifications/subscriptions/acknowledged",
    params={"_meta": {"io.modelcontextprotocol/subscriptionId": 9}},
)
CHANGES = ["notifications/resources/updated", "notifications/resources/list_changed"]


def subscribed(session: Session) -> Message:
    """A client that watches something, and what the next daemon is asked for it."""
    told(session, 2, "resources/subscribe", uri="memory://recent")
    answered(session, 2)
    session.lost()
    return messages(session.replay())[-1]


def refused(session: Session, request_id: Any, error: Message) -> bool:
    return session.note_daemon(line(id=request_id, error=error))


def listening() -> Session:
    """A client that listens, at its second daemon."""
    session = Session(Snapshot())
    told(session, 9, "subscriptions/listen", **WATCHED)
    session.note_daemon(BEGUN)
    session.lost()
    session.replay()
    return session


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of renewals, which pass when they are set."""
    now = [1_000.0]
    monkeypatch.setattr(renewals.Renewals.__init__, "__defaults__", (lambda: now[0],))
    return now


def test_what_a_next_daemon_could_not_watch_is_asked_again_until_it_does(
    clock: list[float],
) -> None:
    session = Session(Snapshot())
    asked = subscribed(session)
    for tries in range(5):
        assert not refused(session, asked["id"], LOCKED), "the client has not asked that"
        assert session.missed() == []
        assert session.renew() == [], "not at once"
        assert session.renews_in_s == renewals.PAUSE_S * 2**tries
        clock[0] += renewals.PAUSE_S * 2**tries
        (asked,) = messages(session.renew())
        assert (asked["method"], asked["params"]["uri"]) == (
            "resources/subscribe",
            "memory://recent",
        )
        assert session.renews_in_s is None, "it waits for the answer"
    assert not answered(session, asked["id"])
    assert methods(session.missed()) == CHANGES, "what changed meanwhile was told to nobody"
    assert session.renews_in_s is None


@pytest.mark.parametrize("error", [LOCKED, GONE])
def test_what_no_daemon_will_watch_is_said_to_have_changed_and_left(
    clock: list[float], error: Message
) -> None:
    session = Session(Snapshot())
    asked = subscribed(session)
    tries = 0
    while not refused(session, asked["id"], error) and session.renews_in_s is not None:
        clock[0] += renewals.PAUSE_MAX_S
        (asked,) = messages(session.renew())
        tries += 1
    assert tries == (renewals.TRIES_MAX if error is LOCKED else 0)
    assert methods(session.missed()) == CHANGES, "reading it says what is the matter"
    assert not session.is_asking


def test_what_is_no_longer_wanted_is_not_asked_again(clock: list[float]) -> None:
    session = Session(Snapshot())
    asked = subscribed(session)
    refused(session, asked["id"], LOCKED)
    told(session, 3, "resources/unsubscribe", uri="memory://recent")
    answered(session, 3)
    clock[0] += renewals.PAUSE_MAX_S
    assert session.renew() == []
    assert session.renews_in_s is None


def test_another_daemon_is_asked_at_once(clock: list[float]) -> None:
    session = Session(Snapshot())
    asked = subscribed(session)
    refused(session, asked["id"], LOCKED)
    session.lost()
    assert session.renews_in_s is None
    assert methods(session.replay()) == ["resources/subscribe"]


def test_a_stream_that_a_next_daemon_could_not_open_is_opened_later(clock: list[float]) -> None:
    session = listening()
    assert not refused(session, 9, LOCKED), "it has not ended"
    clock[0] += renewals.PAUSE_S
    assert messages(session.renew())[0]["id"] == 9
    assert not session.note_daemon(BEGUN)
    assert methods(session.missed()) == CHANGES[:1]
    assert session.renews_in_s is None


def test_a_stream_that_no_daemon_opens_has_ended_with_the_reason(clock: list[float]) -> None:
    session = listening()
    for _ in range(renewals.TRIES_MAX):
        assert not refused(session, 9, LOCKED)
        clock[0] += renewals.PAUSE_MAX_S
        assert session.renew()
    assert refused(session, 9, LOCKED), "the client hears it"
    assert not session.is_asking
    assert refused(listening(), 9, GONE), "at once where asking again is of no use"


def test_a_stream_outlives_any_number_of_daemons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_memory.proxy.session.TRIED_S_MAX", 0.0)
    session = listening()
    for _ in range(2 * TRIES_MAX):
        assert session.lost() == []
        assert messages(session.replay())[-1]["id"] == 9
        assert not session.note_daemon(BEGUN)
