"""Of statements that say different things of the same, the newest comes first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Caller, Trust, Type
from mcp_memory.domain.requests import Draft, Patch, Query
from mcp_memory.domain.text import terms
from mcp_memory.ranking import contradict
from mcp_memory.service import MemoryService
from tests.support.factories import START, Clock


def differ(one: str, other: str, query: str = "") -> bool:
    asked = frozenset(terms(query)) if query else None
    return contradict(terms(one), terms(other), asked)


@pytest.mark.parametrize(
    ("one", "other", "query"),
    [
        ("The port is 5432.", "The port is 5433.", "which port?"),
        (
            "The review is on 3 May in room 4.",
            "The review is on 9 May in room 4.",
            "when is the review?",
        ),
        ("Anna lives in Rome.", "Anna lives in New York.", "where does Anna live?"),
        ("Bob eats meat.", "Bob does not eat meat.", "does Bob eat meat?"),
        (
            "Rome football club plays rugby football.",
            "Rome football club plays chess.",
            "what does Rome football club play?",
        ),
    ],
)
def test_another_value_of_what_was_asked_contradicts(one: str, other: str, query: str) -> None:
    assert differ(one, other, query)
    assert differ(other, one, query)


@pytest.mark.parametrize(
    ("one", "other", "query"),
    [
        (
            "Anna's flight to Lisbon leaves at 9.",
            "Anna's flight from Lisbon leaves at 9.",
            "when does the flight from Lisbon leave?",
        ),
        ("Anna likes tea.", "Ben likes tea.", "who likes tea?"),
        ("Anna likes tea.", "Anna likes tea.", "what does Anna like?"),
        ("Anna likes the tea.", "Anna likes tea.", "what does Anna like?"),
        ("The port is 5432.", "The port is 5433.", "who is on call?"),
        ("Yes.", "No.", "really?"),
        ("", "", "anything"),
    ],
)
def test_another_subject_or_matter_does_not(one: str, other: str, query: str) -> None:
    assert not differ(one, other, query)


def keep(service: MemoryService, caller: Caller, content: str, **fields: Any) -> str:
    (result,) = service.remember(caller, [Draft(content=content, **fields)])
    return result.id


def found(service: MemoryService, caller: Caller) -> list[tuple[str, bool]]:
    answer = service.recall(caller, Query(query="which port does the service use?"))
    return [(m.memory.content, "possibly outdated" in m.why) for m in answer.memories]


OLD, NEW = "The service uses port 5432.", "The service uses port 5433."


def test_the_newest_is_first_and_the_older_is_marked(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    keep(service, alice, OLD, importance=1.0)
    clock.tick()
    newest = keep(service, alice, NEW, importance=0.0)
    assert found(service, alice) == [(NEW, False), (OLD, True)]
    answer = service.recall(alice, Query(query="which port does the service use?"))
    assert ending(newest) in answer.memories[1].why
    assert answer.memories[0].score >= answer.memories[1].score
    assert answer.context.count("possibly outdated") == 1


def test_in_one_call_the_later_one_is_the_newer(service: MemoryService, alice: Caller) -> None:
    service.remember(alice, [Draft(content=NEW), Draft(content=OLD)])
    assert found(service, alice) == [(OLD, False), (NEW, True)]


def test_saying_the_older_again_makes_it_the_newest(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    for content in (OLD, NEW, OLD):
        clock.tick()
        keep(service, alice, content)
    assert found(service, alice) == [(OLD, False), (NEW, True)]
    service.remember(alice, [Draft(content=NEW), Draft(content=OLD)])
    service.remember(alice, [Draft(content=NEW), Draft(content=OLD)])  # a retry of the call
    assert found(service, alice) == [(OLD, False), (NEW, True)]


def test_what_holds_since_later_is_newer_whenever_it_was_told(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    keep(service, alice, NEW)
    clock.tick()
    keep(service, alice, OLD, valid_from=(START - timedelta(days=900)).isoformat())
    assert found(service, alice) == [(NEW, False), (OLD, True)]


def test_an_inference_overrules_nothing_that_was_stated(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    keep(service, alice, OLD)
    clock.tick()
    keep(service, alice, NEW, trust=Trust.INFERRED.value)
    assert found(service, alice) == [(OLD, False), (NEW, True)]


def test_what_happened_is_never_outdated(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    for content in (OLD, NEW):
        clock.tick()
        keep(service, alice, content, type=Type.EPISODE.value)
    assert not any(outdated for _, outdated in found(service, alice))


def test_remember_tells_which_of_the_similar_may_conflict(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    old = keep(service, alice, OLD)
    clock.tick()
    (result,) = service.remember(alice, [Draft(content=NEW)])
    (similar,) = result.similar
    assert (similar.id, similar.may_conflict, similar.updated_at) == (old, True, START)


@pytest.mark.parametrize("patch", [Patch(tags=("old",)), Patch(importance=0.9), Patch(pinned=True)])
def test_what_is_only_labelled_anew_is_not_said_anew(
    service: MemoryService, alice: Caller, clock: Clock, patch: Patch
) -> None:
    old = keep(service, alice, OLD)
    clock.tick()
    keep(service, alice, NEW)
    clock.tick()
    service.update(alice, old, patch)
    assert found(service, alice) == [(NEW, False), (OLD, True)]


def test_a_new_content_is_said_anew(service: MemoryService, alice: Caller, clock: Clock) -> None:
    first = keep(service, alice, "The service uses port 80.")
    clock.tick()
    keep(service, alice, NEW)
    clock.tick()
    service.update(alice, first, Patch(content=OLD))
    assert found(service, alice) == [(OLD, False), (NEW, True)]


def test_what_is_not_yet_so_overrules_nothing(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    keep(service, alice, OLD)
    clock.tick()
    keep(service, alice, NEW, valid_from=(START + timedelta(days=400)).isoformat())
    assert found(service, alice) == [(OLD, False), (NEW, False)]


def test_a_question_about_the_past_gets_what_held_then(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    keep(service, alice, OLD)
    clock.tick(days=200)
    keep(service, alice, NEW)
    clock.tick(days=20)
    answer = service.recall(alice, Query(query="which port did the service use in March 2026?"))
    assert answer.memories[0].memory.content == OLD
    assert not any("outdated" in m.why for m in answer.memories)


def test_asking_whether_an_old_value_still_holds_finds_the_new_one_first(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    for content in (OLD, NEW):
        clock.tick()
        keep(service, alice, content)
    answer = service.recall(alice, Query(query="does the service still use port 5432?"))
    assert [m.memory.content for m in answer.memories] == [NEW, OLD]


def test_of_copies_in_several_scopes_the_newest_tells_how_new_it_is(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    for content, scope in ((OLD, "tenant"), (NEW, "user"), (OLD, "project")):
        clock.tick()
        keep(service, alice, content, scope=scope)
    assert found(service, alice) == [(OLD, False), (NEW, True)]
