"""What a proxy tells the next daemon, and what it keeps from the client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_memory.proxy.session import TRIES_MAX, Session
from mcp_memory.proxy.snapshot import META_VERSION, Snapshot

INITIALIZE: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"roots": {}},
    "clientInfo": {"name": "test", "version": "1"},
}
Message = dict[str, Any]


def line(**members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode()


def messages(lines: list[bytes]) -> list[Message]:
    return [json.loads(found) for found in lines]


def methods(lines: list[bytes]) -> list[str]:
    return [message.get("method", "answer") for message in messages(lines)]


def told(session: Session, request_id: int, method: str, **params: Any) -> None:
    """The client asks a daemon, and is not answered yet."""
    session.note_client(line(id=request_id, method=method, params=params))


def answered(session: Session, request_id: Any, **result: Any) -> bool:
    return session.note_daemon(line(id=request_id, result=result))


@pytest.fixture
def session() -> Session:
    """A session of the older era, past its handshake."""
    made = Session(Snapshot())
    told(made, 1, "initialize", **INITIALIZE)
    assert answered(made, 1, protocolVersion="2025-06-18")
    made.note_client(line(method="notifications/initialized"))
    return made


def test_the_next_daemon_is_told_the_handshake_with_the_version_that_was_agreed_on(
    session: Session,
) -> None:
    initialize, initialized = messages(session.replay())
    assert initialize["method"] == "initialize"
    assert initialize["params"] == {**INITIALIZE, "protocolVersion": "2025-06-18"}
    assert initialized["method"] == "notifications/initialized"
    assert not answered(session, initialize["id"], protocolVersion="2025-06-18"), "not for it"
    assert session.missed() == []


def test_what_was_not_answered_is_sent_again_in_order(session: Session) -> None:
    for number in (2, 3, 4):
        told(session, number, "tools/call", name="recall")
    answered(session, 3)
    assert session.lost() == []
    again = messages(session.replay())[2:]
    assert [message["id"] for message in again] == [2, 4]
    assert answered(session, 2)


def test_who_waits_for_a_daemon_hears_that_it_goes_on(session: Session) -> None:
    told(session, 2, "tools/call", name="remember", _meta={"progressToken": "t"})
    told(session, 3, "tools/call", name="recall")
    heard = [messages(session.hold_on("waiting")) for _ in range(2)]
    (first,), (second,) = heard
    assert first["method"] == "notifications/progress"
    assert first["params"]["progressToken"] == "t"
    assert first["params"]["message"] == "waiting"
    assert 0 < first["params"]["progress"] < second["params"]["progress"] < 1
    step = line(method="notifications/progress", params={"progressToken": "t", "progress": 1})
    assert session.note_daemon(step), "what is done afterwards counts more"


def test_a_stream_of_notices_outlives_a_time_in_which_no_daemon_can_be_had(
    session: Session,
) -> None:
    notifications = {"resourceSubscriptions": ["memory://recent"]}
    told(session, 2, "subscriptions/listen", notifications=notifications)
    meta = {"io.modelcontextprotocol/subscriptionId": 2}
    begun = line(method="notifications/subscriptions/acknowledged", params={"_meta": meta})
    assert session.note_daemon(begun)
    told(session, 3, "tools/call", name="recall")
    session.lost()
    (failed,) = messages(session.give_up("no daemon"))
    assert failed["id"] == 3
    assert session.is_asking, "it goes on watching"
    assert messages(session.replay())[-1]["id"] == 2
    assert not session.note_daemon(begun)
    told_then = [message["method"] for message in messages(session.missed())]
    assert told_then == ["notifications/resources/updated"]


def test_a_handshake_that_was_not_answered_is_sent_as_it_was() -> None:
    session = Session(Snapshot())
    told(session, 1, "initialize", **INITIALIZE)
    (again,) = messages(session.replay())
    assert (again["id"], again["params"]) == (1, INITIALIZE)
    assert answered(session, 1, protocolVersion="2025-11-25"), "this answer is for the client"


def test_what_was_cancelled_is_not_sent_again(session: Session) -> None:
    told(session, 2, "tools/call", name="remember")
    session.note_client(line(method="notifications/cancelled", params={"requestId": 2}))
    assert not session.is_waiting
    assert len(session.replay()) == 2


def test_subscriptions_are_renewed_unless_they_ended_or_failed(session: Session) -> None:
    for number, (verb, uri) in enumerate(
        [("subscribe", "a"), ("subscribe", "b"), ("subscribe", "c"), ("unsubscribe", "a")], 2
    ):
        told(session, number, f"resources/{verb}", uri=f"memory://{uri}")
        if uri == "c":
            session.note_daemon(line(id=number, error={"code": -32602, "message": "no"}))
        else:
            answered(session, number)
    renewed = messages(session.replay())[2:]
    assert [(m["method"], m["params"]["uri"]) for m in renewed] == [
        ("resources/subscribe", "memory://b")
    ]
    assert not answered(session, renewed[0]["id"])
    assert methods(session.missed()) == [
        "notifications/resources/updated",
        "notifications/resources/list_changed",
    ], "what changed between two daemons was told to nobody"
    assert session.missed() == []


def test_a_stream_is_opened_again_and_acknowledged_once() -> None:
    session = Session(Snapshot())
    told(session, 7, "subscriptions/listen", notifications={"resourcesListChanged": True})
    acknowledged = line(
        method="notifications/subscriptions/acknowledged",
        params={"_meta": {"io.modelcontextprotocol/subscriptionId": 7}},
    )
    assert session.note_daemon(acknowledged)
    assert not session.is_waiting, "a stream is not waited for at the end"
    assert session.is_asking
    assert methods(session.replay()) == ["subscriptions/listen"]
    assert session.missed() == []
    assert not session.note_daemon(acknowledged), "the client has been told"
    (missed,) = messages(session.missed())
    assert missed["method"] == "notifications/resources/list_changed"
    assert missed["params"]["_meta"] == {"io.modelcontextprotocol/subscriptionId": 7}


def test_an_open_question_of_a_daemon_that_is_gone_is_taken_back(session: Session) -> None:
    session.note_daemon(line(id="h1-1", method="elicitation/create", params={}))
    session.note_daemon(line(id="h1-2", method="roots/list"))
    session.note_client(line(id="h1-2", result={"roots": []}))
    (cancelled,) = messages(session.lost())
    assert cancelled["method"] == "notifications/cancelled"
    assert cancelled["params"] == {"requestId": "h1-1"}


def test_progress_only_grows_whichever_daemon_tells_of_it(session: Session) -> None:
    told(session, 2, "tools/call", name="remember", _meta={"progressToken": "t"})

    def progress(done: int) -> bool:
        params = {"progressToken": "t", "progress": done, "total": 9}
        return session.note_daemon(line(method="notifications/progress", params=params))

    assert [progress(3), progress(6)] == [True, True]
    session.lost()
    session.replay()
    assert [progress(2), progress(6), progress(7)] == [False, False, True]


def test_a_request_that_ends_every_daemon_is_given_up_in_the_end(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(session, 2, "tools/call", name="recall")
    for _ in range(2 * TRIES_MAX):
        assert session.lost() == [], "it may be by chance, for a while"
        session.replay()
    monkeypatch.setattr("mcp_memory.proxy.session.TRIED_S_MAX", 0.0)
    (answer,) = messages(session.lost())
    assert answer["id"] == 2
    assert "doctor" in answer["error"]["message"]
    assert not session.is_waiting


def test_without_a_daemon_what_every_client_asks_first_is_answered_at_once() -> None:
    session = Session(Snapshot())
    said = session.take_offline(line(id="a", method="initialize", params=INITIALIZE))
    assert said is not None
    answer = json.loads(said)
    assert (answer["id"], answer["result"]["protocolVersion"]) == ("a", "2025-11-25")
    assert session.take_offline(line(method="notifications/initialized")) is None
    for method in ("tools/list", "prompts/list", "resources/list", "resources/templates/list"):
        assert session.take_offline(line(id=method, method=method, params={})) is not None
    assert session.take_offline(line(id=9, method="ping")) == line(id=9, result={}).replace(
        b" ", b""
    )
    assert session.take_offline(line(id=10, method="tools/list", params={"cursor": "x"})) is None
    assert session.take_offline(line(id=11, method="tools/call", params={})) is None
    assert methods(session.replay()) == [
        "initialize",
        "notifications/initialized",
        "tools/list",
        "tools/call",
    ]


def test_an_unknown_version_is_answered_with_the_newest() -> None:
    said = Session(Snapshot()).take_offline(
        line(id=1, method="initialize", params={**INITIALIZE, "protocolVersion": "1999-01-01"})
    )
    assert said is not None
    assert json.loads(said)["result"]["protocolVersion"] == "2025-11-25"


def test_the_newer_era_is_told_apart_by_its_envelope() -> None:
    session = Session(Snapshot())
    envelope = {"_meta": {META_VERSION: "2026-07-28"}}
    discovered = session.take_offline(line(id=1, method="server/discover", params=envelope))
    assert discovered is not None
    assert "2026-07-28" in json.loads(discovered)["result"]["supportedVersions"]
    listed = session.take_offline(line(id=2, method="tools/list", params=envelope))
    assert listed is not None
    assert json.loads(listed)["result"]["resultType"] == "complete"
    unknown = {"_meta": {META_VERSION: "2099-01-01"}}
    assert session.take_offline(line(id=3, method="tools/list", params=unknown)) is None
    assert session.take_offline(line(id=4, method="tools/list")) is None, "before the handshake"


@pytest.mark.parametrize("odd", [None, 1.5, True, {"a": 1}])
def test_a_request_without_a_usable_id_is_passed_on_and_not_waited_for(
    session: Session, odd: object
) -> None:
    session.note_client(line(id=odd, method="tools/call", params={}))
    assert not session.is_waiting
    assert session.take_offline(line(id=odd, method="tools/call", params={})) is None


@pytest.mark.parametrize("params", [{}, {"capabilities": {}}, {"clientInfo": [1]}])
def test_a_handshake_that_lacks_something_is_left_to_a_daemon(params: Message) -> None:
    asked = line(id=1, method="initialize", params={"protocolVersion": "2025-11-25", **params})
    assert Session(Snapshot()).take_offline(asked) is None


def test_a_version_that_is_no_text_is_left_to_a_daemon() -> None:
    envelope = {"_meta": {META_VERSION: ["2026-07-28"]}}
    asked = line(id=1, method="tools/list", params=envelope)
    assert Session(Snapshot()).take_offline(asked) is None


def test_what_is_no_message_waits_for_a_daemon_to_say_so(session: Session) -> None:
    odd = [b"this is no json", b"[1]", b'{"a":' + b"[" * 100_000]
    for found in odd:
        assert session.take_offline(found) is None
        session.note_client(found)
        assert session.note_daemon(found)
    assert session.replay()[2:] == odd
    assert session.replay()[2:] == []


def test_when_no_daemon_can_be_had_everything_asked_is_answered_with_why(session: Session) -> None:
    told(session, 2, "tools/call", name="recall")
    told(session, 3, "resources/read", uri="memory://me")
    answers = messages(session.give_up("the disk is on fire"))
    assert [answer["id"] for answer in answers] == [2, 3]
    assert all("the disk is on fire" in answer["error"]["message"] for answer in answers)
    assert not session.is_waiting
