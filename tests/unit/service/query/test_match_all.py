"""A query for everything answers as no query does; one for something is never taken for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, ForgetRequest, Query
from mcp_memory.domain.results import RecallResult
from mcp_memory.errors import InvalidInput
from mcp_memory.service import MemoryService
from mcp_memory.service.query.match_all import asks_for_everything

EVERYTHING = (
    *(
        "*",
        "**",
        "%",
        ".*",
        "*.*",
        "^.*$",
        '"*"',
        "*:*",
        "\uff0a",
        "all",
        "everything",
        "Everything!",
    ),
    *(
        "list all memories",
        "List all my memories, please.",
        "show me everything you know",
        "show all",
    ),
    *(
        "what have you saved?",
        "What do you remember?",
        "what's stored?",
        "what do you know about me",
    ),
    *(
        "everything you've stored so far",
        "give me every memory",
        "all of it",
        "get all",
        "list memories",
    ),
    *(
        "what is in your memory?",
        "dump all memories",
        "SELECT * FROM memories",
        "tell me everything",
    ),
    *("alles", "Zeig mir alle Erinnerungen", "Was weißt du über mich?", "Was hast du dir gemerkt?"),
    *("lista todo", "muéstrame todos los recuerdos", "¿Qué sabes de mí?", "¿qué has guardado?"),
    *("tout", "montre-moi tous les souvenirs", "Qu'est-ce que tu sais ?", "qu’as-tu enregistré ?"),
    *("所有记忆", "列出所有记忆", "你记得什么？", "你都保存了些什么", "显示全部", "你記得什麼"),
    *(
        "すべて",
        "全部見せて",
        "何を覚えていますか？",
        "記憶を一覧表示して",
        "保存したものを全部教えてください",
    ),
    *(
        "всё",
        "покажи все воспоминания",
        "Что ты помнишь?",
        "что ты знаешь обо мне",
        "что сохранено",
    ),
)
SOMETHING = (
    *("list all memories about Anna", "everything about the deploy", "what do you know about Anna"),
    *("what have you saved for the trip?", "what do I have to do", "all tests pass", "memory"),
    *(
        "everything is broken",
        "what have you saved today?",
        "remember the milk",
        "all-hands meeting",
    ),
    *(
        "100%",
        "a*b",
        "*.py",
        "?",
        "...",
        "",
        "which database do we have",
        "what did you say",
        "memory dump",
    ),
    *(
        "show me the memory leak",
        "what",
        "list",
        "who am I",
        "the whole team",
        "do you know my name",
    ),
    *("Was weißt du über Anna?", "alles über den Umzug", "Was hast du für den Urlaub gespeichert?"),
    *(
        "¿Qué sabes de Ana?",
        "todo sobre el viaje",
        "todos los pedidos",
        "Qu'est-ce que tu sais de Luc ?",
    ),
    *("tout sur le voyage", "关于安娜的所有记忆", "你记得我的生日吗", "你保存了什么密码", "北京"),
    *(
        "アンナについて何を覚えていますか",
        "すべての予定",
        "что ты помнишь об Анне",
        "все пароли",
        "расскажи о поездке",
    ),
    "everything " * 40,
)


@pytest.mark.parametrize("query", EVERYTHING)
def test_a_query_that_names_nothing_asks_for_everything(query: str) -> None:
    assert asks_for_everything(query)


@pytest.mark.parametrize("query", SOMETHING)
def test_a_query_that_names_something_does_not(query: str) -> None:
    assert not asks_for_everything(query)


def contents(found: RecallResult) -> list[str]:
    return [item.memory.content for item in found.memories]


@pytest.mark.parametrize("query", ["*", "list all memories", "Was weißt du?", "你记得什么"])
def test_everything_is_answered_as_no_query_is_with_filters_and_without(
    service: MemoryService, alice: Caller, query: str
) -> None:
    drafts = [
        Draft(content="The office is in Lyon.", tags=("place",)),
        Draft(content="Prefers tea.", type="preference", importance=0.9),
        Draft(content="We look at the login page.", scope="session"),
        Draft(content="It has two buttons.", scope="session", tags=("place",)),
    ]
    service.remember(alice, drafts)
    filters = (Query(), Query(tags=("place",)), Query(types=("preference",)), Query(limit=1))
    for given in (*filters, Query(scopes=("session",)), Query(key="none")):
        plain = service.recall(alice, given)
        asked = service.recall(alice, replace(given, query=query))
        assert contents(asked) == contents(plain)
        assert (asked.mode, asked.abstained, asked.omitted, asked.reason) == (
            *(plain.mode, False, plain.omitted, plain.reason),
        )
    assert len(service.recall(alice, Query(query=query)).memories) == 4


def test_something_is_searched_for_though_it_begins_like_everything(
    service: MemoryService, alice: Caller
) -> None:
    drafts = [
        Draft(content="Anna Berg leads the design team."),
        Draft(content="The deploy runs on Fridays from the release branch."),
        Draft(content="Passport and sun hat are packed for the trip."),
    ]
    service.remember(alice, drafts)
    for query, said in (
        ("list all memories about Anna", "Anna Berg"),
        ("everything about the deploy", "The deploy"),
        ("what have you saved for the trip?", "Passport"),
    ):
        assert contents(service.recall(alice, Query(query=query)))[0].startswith(said)


@pytest.mark.parametrize("query", ["", " ", "*", "everything"])
def test_forgetting_everything_needs_a_filter_that_says_so(
    service: MemoryService, alice: Caller, query: str
) -> None:
    service.remember(alice, [Draft(content="The office is in Lyon."), Draft(content="Tea.")])
    with pytest.raises(InvalidInput, match="types: all of profile, preference, task, fact"):
        service.forget(alice, ForgetRequest(query=query))


def test_everything_with_a_filter_forgets_what_the_filter_selects(
    service: MemoryService, alice: Caller
) -> None:
    service.remember(
        alice, [Draft(content="The office is in Lyon."), Draft(content="Tea.", type="preference")]
    )
    preview = service.forget(alice, ForgetRequest(query="*", types=("preference",)))
    assert (preview.done, preview.total) == (False, 1)
    every = ("profile", "preference", "task", "fact", "procedure", "episode", "summary")
    preview = service.forget(alice, ForgetRequest(query="everything", types=every))
    assert (preview.done, preview.total) == (False, 2)
    done = service.forget(alice, ForgetRequest(types=every, confirm=preview.confirm))
    assert (done.done, done.total) == (True, 2)
