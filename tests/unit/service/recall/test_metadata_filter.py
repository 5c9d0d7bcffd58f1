"""Metadata is cleaned and bounded as every other field is; a filter that misses it says why."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, Patch, Query
from mcp_memory.errors import InvalidInput
from mcp_memory.service import MemoryService


def kept(service: MemoryService, caller: Caller, metadata: Any) -> dict[str, Any]:
    """Metadata as it is stored."""
    (result,) = service.remember(caller, [Draft(content="The lamp is blue.", metadata=metadata)])
    if result.error is not None:
        raise result.error
    return dict(service.get(caller, result.id).metadata)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"a": "x\x1b[31mred"}, {"a": "x [31mred"}),
        ({"a": "pay\u202e Mallory\u2066"}, {"a": "pay Mallory"}),
        ({"a": "one\u2028two\u2029three\r\nfour"}, {"a": "one\ntwo\nthree\nfour"}),
        ({"a": "\x9b2Jx\x07"}, {"a": "2Jx"}),
        ({"a": "ta\u200bg\ufeff \U000e0041"}, {"a": "tag"}),
        ({"na\u202eme\x1b": 1}, {"name": 1}),
        ({"two\u2028lines\nhere": 1}, {"two lines here": 1}),
        ({"a": [{"b\u2029c": "\x1bx"}]}, {"a": [{"b c": "x"}]}),
        ({"e\u0301": "e\u0301"}, {"\u00e9": "\u00e9"}),
        ({"n": 1, "t": True, "z": None, "f": 0.5}, {"n": 1, "t": True, "z": None, "f": 0.5}),
        ({"family": "👩\u200d👩\u200d👧"}, {"family": "👩\u200d👩\u200d👧"}),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_names_and_values_are_stored_as_a_reader_sees_them(
    service: MemoryService, alice: Caller, given: dict[str, Any], stored: dict[str, Any]
) -> None:
    assert kept(service, alice, given) == stored
    found = service.recall(alice, Query(metadata=given))
    assert [item.memory.metadata for item in found.memories] == [stored]
    memory_id = found.memories[0].memory.id
    service.update(alice, memory_id, Patch(metadata={"other": given, "n": 2}))
    assert service.get(alice, memory_id).metadata == {"other": stored, "n": 2}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"x" * 129: 1},
            r"memories\[0\]\.metadata, a name: got '129 .+ xxx.+ at most 128 characters",
        ),
        ({"a": {"y" * 200: 1}}, r"metadata\.a, a name: got '200 .+ yyy.+ at most 128 characters"),
        ({f"n{i}": i for i in range(257)}, r"metadata: got '257 names'; expected at most 256"),
        ({"a": [{"b": i} for i in range(256)]}, r"metadata: got '257 names'; expected at most 256"),
        ({"a": 1, "a\u200b": 2}, r"metadata\.a: got .+; this name comes twice"),
        ({"\ud800": 1}, r"metadata, a name: .+ surrogate"),
        ({"a": ["\udfff"]}, r"metadata\.a\[0\]: .+ surrogate"),
        ({7: 1}, r"metadata: got 7; expected a text as name"),
        ({"a": {1, 2}}, r"metadata\.a: got .+; expected a text, number, list or object"),
        ({"a": b"x"}, r"metadata\.a: got .+; expected a text, number, list or object"),
        ({"a": float("inf")}, r"metadata\.a: .+ finite number"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_is_too_much_or_no_json_is_refused_by_its_path(
    service: MemoryService, alice: Caller, given: Any, told: str
) -> None:
    with pytest.raises(InvalidInput, match=told) as caught:
        kept(service, alice, given)
    str(caught.value).encode()


@pytest.mark.parametrize(
    ("stored", "wanted", "told"),
    [
        ({"stars": 5}, {"stars": "5"}, 'metadata.stars: got "5", but stored is 5; give it as it'),
        ({"stars": "5"}, {"stars": 5}, 'metadata.stars: got 5, but stored is "5"; give it as it'),
        ({"stars": 5}, {"stars": "5.0"}, 'metadata.stars: got "5.0", but stored is 5;'),
        ({"done": True}, {"done": "true"}, 'metadata.done: got "true", but stored is true;'),
        ({"done": True}, {"done": "True"}, 'metadata.done: got "True", but stored is true;'),
        ({"who": "Anna"}, {"who": "anna"}, 'metadata.who: got "anna", but stored is "Anna";'),
        ({"end": None}, {"end": "null"}, 'metadata.end: got "null", but stored is null;'),
        ({"by": ["Ana", "Bo"]}, {"by": "Bo"}, 'but stored is the list ["Ana", "Bo"]; give the'),
        ({"a": {"b": 1}}, {"a.b": 1}, "metadata.a.b: a name is no path; a is an object that is"),
        ({"a": {"b": {"c": 1}}}, {"a.b.c": 1}, '; give {"a": {"b": {"c": 1}}}'),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, "metadata.a: an object is compared as a whole"),
        ({"stars": 5}, {"star": 5}, "metadata.star: no memory here has this name; there are stars"),
        ({"stars": 5, "x": 1}, {"x": 1, "stars": "5"}, 'metadata.stars: got "5"'),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_filter_that_misses_by_its_form_is_told_in_the_reason(
    service: MemoryService,
    alice: Caller,
    stored: dict[str, Any],
    wanted: dict[str, Any],
    told: str,
) -> None:
    kept(service, alice, stored)
    for query in ("", "what colour is the lamp?"):
        found = service.recall(alice, Query(query=query, metadata=wanted))
        assert found.memories == ()
        assert told in found.reason


def test_a_filter_that_nothing_can_meet_says_no_more_than_that(
    service: MemoryService, alice: Caller
) -> None:
    kept(service, alice, {"stars": 5})
    assert service.recall(alice, Query(metadata={"stars": 4})).reason == ""
    assert "metadata" not in service.recall(alice, Query(metadata={"stars": 5})).reason


def test_what_is_told_comes_from_what_the_caller_sees_alone(
    service: MemoryService, alice: Caller, alice_elsewhere: Caller, bob: Caller, stranger: Caller
) -> None:
    for caller in (bob, stranger, alice_elsewhere):
        draft = Draft(content="Secret.", scope="project", metadata={"stars": 5, "walrus": 1})
        assert service.remember(caller, [draft])[0].status == "stored"
    for wanted in ({"stars": "5"}, {"walruss": 1}):
        assert service.recall(alice, Query(metadata=wanted)).reason == ""
    kept(service, alice, {"place": "Lyon"})
    assert service.recall(alice, Query(metadata={"walruss": 1})).reason.endswith("are place")
    told = service.recall(alice, Query(metadata={"stars": "5"}, scopes=("user",))).reason
    assert told == "", "what lies in a scope that was not asked for is not told either"
