"""What a session asked: its own recalls, each with the id of its trace, within a budget."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, ForgetRequest, Query
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service import MemoryService
from mcp_memory.service.recall.render import fenced_recalls
from mcp_memory.service.recall.token_count import at_most
from tests.support.factories import Clock

LONG = {
    "words": "which of the many letters that she wrote has the answer to this " * 20,
    "digits": "4711 2026-11-30 0x1f 3.14159 " * 40,
    "Chinese": "哪一封信里有这个问题的答案" * 40,
    "emoji": "\U0001f389\U0001f9d1\u200d\U0001f680\U0001f1f5\U0001f1f9" * 60,
    "code": "def f(x):\n\treturn {'a': [x for _ in range(3)]}\n" * 20,
    "Amharic": "የትኛው ደብዳቤ " * 40,
}


def asked(service: MemoryService, caller: Caller) -> list[tuple[str, str]]:
    """The ids and queries of the recalls of a session."""
    return [(found.id, found.query) for found in service.recalls(caller)]


def test_the_recalls_of_a_session_are_given_newest_last_and_once_wherever_they_wait(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    made: list[tuple[str, str]] = []
    for query in ("the first", "", "the third", "the fourth"):
        made.append((service.recall(alice, Query(query=query)).trace_id, query))
        clock.tick()
        assert asked(service, alice) == made
        if query != "the third":
            service.upkeep()  # those that wait are stored
            assert asked(service, alice) == made
    assert [service.trace(alice, name).query for name, _ in made] == [q for _, q in made]


@pytest.mark.parametrize("scopes", [("user",), ("tenant",), ("project", "agent"), ("session",)])
def test_whatever_was_searched_it_was_asked_in_this_session(
    service: MemoryService, alice: Caller, scopes: tuple[str, ...]
) -> None:
    trace_id = service.recall(alice, Query(query="where to?", scopes=scopes)).trace_id
    service.upkeep()
    assert asked(service, alice) == [(trace_id, "where to?")]


@pytest.mark.parametrize("is_stored", [False, True])
def test_nobody_else_and_no_other_session_is_given_them(
    service: MemoryService, alice: Caller, stranger: Caller, is_stored: bool
) -> None:
    trace_id = service.recall(alice, Query(query="what does Mallory want?")).trace_id
    if is_stored:
        service.upkeep()
    others = (
        stranger,
        replace(alice, user="bob"),
        replace(alice, session="s2"),
        replace(alice, session=""),
        replace(alice, session=alice.agent, agent=alice.session),
        replace(alice, project="elsewhere"),
    )
    for other in others:
        assert asked(service, other) == [], other
    assert asked(service, alice) == [(trace_id, "what does Mallory want?")]


def test_a_caller_without_a_session_has_none(service: MemoryService, alice: Caller) -> None:
    nobody = replace(alice, session="")
    service.recall(nobody, Query(query="anything"))
    assert asked(service, nobody) == []


@pytest.mark.parametrize("query", LONG.values(), ids=LONG.keys())
def test_they_take_no_more_than_their_budget(
    service: MemoryService, alice: Caller, embedder: Embedder, clock: Clock, query: str
) -> None:
    count = at_most(embedder.count_tokens)
    made: list[str] = []
    for n in range(22):
        asked = Query(query=f"{n} {query}"[:600], scopes=("session",))
        made.append(service.recall(alice, asked).trace_id)
        clock.tick()
    for max_tokens in (1, 60, 120, 500, 2000, 20_000):
        kept = service.recalls(alice, max_tokens=max_tokens)
        assert [found.id for found in kept] == made[len(made) - len(kept) :], "newest, newest last"
        lines = fenced_recalls(kept, alice.zone).splitlines()
        assert sum(map(count, lines)) <= max_tokens
        assert (max_tokens < 500 or kept) and (max_tokens < 20_000 or len(kept) == 20)


def test_what_asked_for_an_erased_word_is_no_longer_there(
    service: MemoryService, alice: Caller
) -> None:
    (secret,) = service.remember(alice, [Draft(content="The zyxomatic is in the cellar")])
    kept = service.recall(alice, Query(query="quelbrant", types=("task",))).trace_id
    service.recall(alice, Query(query="where is the zyxomatic?"))
    service.upkeep()
    service.recall(alice, Query(query="is the zyxomatic safe?"))
    preview = service.forget(alice, ForgetRequest(ids=(secret.id,), erase=True))
    service.forget(alice, ForgetRequest(ids=(secret.id,), erase=True, confirm=preview.confirm))
    assert [query for _, query in asked(service, alice)] in (["quelbrant"], [])
    assert all(name == kept for name, _ in asked(service, alice))
