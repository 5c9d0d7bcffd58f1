"""The library refuses a value of another type than a field has, by its name, and never crashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from mcp_memory import LocalMemory
from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
from mcp_memory.errors import InvalidInput, NotFound
from mcp_memory.service import MemoryService

LISTS = {"tags", "types", "scopes", "ids", "supersedes"}
OTHERS = LISTS | {
    *("importance", "limit", "max_tokens", "restore_revision"),
    *("pinned", "explain", "erase", "confirmed", "metadata"),
}
VERBS: dict[str, tuple[type[Any], Callable[[LocalMemory, dict[str, Any]], object]]] = {
    "remember": (Draft, lambda memory, given: memory.remember(**{"content": "Tea.", **given})),
    "recall": (Query, lambda memory, given: memory.recall(**given)),
    "update": (Patch, lambda memory, given: memory.update("deadbeef", **given)),
    "forget": (ForgetRequest, lambda memory, given: memory.forget(**{"key": "tea", **given})),
}
TEXTS = [
    (verb, field.name)
    for verb, (request, _) in VERBS.items()
    for field in fields(request)
    if field.name not in OTHERS
]


@pytest.fixture
def memory(service: MemoryService, alice: Caller) -> LocalMemory:
    return LocalMemory(service, alice)


def refused(memory: LocalMemory, verb: str, given: dict[str, Any]) -> str:
    with pytest.raises(InvalidInput) as caught:
        VERBS[verb][1](memory, given)
    return str(caught.value)


@pytest.mark.parametrize(("verb", "name"), TEXTS)
def test_a_list_where_a_text_belongs_is_refused(memory: LocalMemory, verb: str, name: str) -> None:
    for value in (["a"], ("a",), {"a": 1}, 5, b"a", True):
        assert refused(memory, verb, {name: value}).startswith(f"{name}: got ")
    assert "expected a text" in refused(memory, verb, {name: ["a"]})


@pytest.mark.parametrize(
    ("verb", "given", "told"),
    [
        ("remember", {"tags": "food"}, "tags: got 'food'; expected a list of texts"),
        ("remember", {"tags": ["a", 1]}, 'tags: got ["a", 1]; expected a list of texts'),
        ("remember", {"supersedes": "deadbeef"}, "supersedes: got 'deadbeef'"),
        ("remember", {"importance": "high"}, "importance: got 'high'; expected a number"),
        ("remember", {"importance": True}, "importance: got true"),
        ("remember", {"pinned": "yes"}, "pinned: got 'yes'; expected True or False"),
        ("remember", {"metadata": ["a"]}, 'metadata: got ["a"]; expected a dict'),
        ("remember", {"content": None}, "content: got null; expected a text"),
        ("recall", {"limit": "5"}, "limit: got '5'; expected a whole number"),
        ("recall", {"limit": 2.5}, "limit: got 2.5; expected a whole number"),
        ("recall", {"max_tokens": None}, "max_tokens: got null"),
        ("recall", {"types": "fact"}, "types: got 'fact'; expected a list of texts"),
        ("recall", {"scopes": {"user": 1}}, "scopes: got "),
        ("recall", {"explain": 1}, "explain: got 1"),
        ("update", {"restore_revision": "1"}, "restore_revision: got '1'"),
        ("update", {"metadata": "{}"}, "metadata: got '{}'"),
        ("forget", {"erase": "true"}, "erase: got 'true'"),
        ("forget", {"tags": "a, b"}, "tags: got 'a, b'"),
        ("remember", {"contents": "x"}, "contents: got 'x'; there is no such field; there are con"),
        ("recall", {"user_id": "bob"}, "user_id: got 'bob'; there is no such field"),
    ],
)
def test_every_field_has_its_type(
    memory: LocalMemory, verb: str, given: dict[str, Any], told: str
) -> None:
    assert refused(memory, verb, given).startswith(told)


def test_what_is_no_request_at_all_is_refused(service: MemoryService, alice: Caller) -> None:
    wrong: Any = ["text"]
    for call in (service.recall, service.forget):
        with pytest.raises(InvalidInput, match="expected a Draft, Query, Patch or Selection"):
            call(alice, wrong)
    for read in (service.get, service.history):
        with pytest.raises(InvalidInput, match=r'id: got \["text"\]; expected a text'):
            read(alice, wrong)
    with pytest.raises(InvalidInput, match="id: got"):
        service.update(alice, wrong, Patch(content="x"))
    (result,) = service.remember(alice, wrong)
    assert (result.status, result.reason[:12]) == ("rejected", "memories[0]:")


def test_one_statement_raises_and_several_come_back_rejected(memory: LocalMemory) -> None:
    with pytest.raises(InvalidInput, match=r"^content: got ' '"):
        memory.remember(" ")
    with pytest.raises(NotFound):
        memory.remember("Tea.", supersedes=("deadbeef",))
    results = memory.remember_all([Draft(content="Tea."), Draft(content=" ")])
    assert [result.status for result in results] == ["stored", "rejected"]
    assert isinstance(results[1].error, InvalidInput)


def test_lists_and_tuples_are_both_lists(memory: LocalMemory) -> None:
    stored = memory.remember("Tea.", tags=["drink"], metadata={"a": ["b"]}, importance=1)
    for tags in (["drink"], ("drink",)):
        assert [m.memory.id for m in memory.recall(tags=tags).memories] == [stored.id]
