"""What models get wrong about form is forgiven; what has no meaning is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_memory.errors import InvalidInput
from mcp_memory.tools import TOOLS
from mcp_memory.tools.schema import Given

VERBS = {tool.name: tool.arguments for tool in TOOLS}


def read(verb: str, **arguments: Any) -> Given:
    """What a verb understood. Raises for the first memory that it rejects as well."""
    found = VERBS[verb].read(arguments)
    for item in found.get("memories", []):
        if item.error:
            raise item.error
    return found


def refusal(verb: str, **arguments: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(verb, **arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        "Ana likes tea",
        ["Ana likes tea"],
        {"content": "Ana likes tea"},
        [{"content": "Ana likes tea"}],
        '{"content": "Ana likes tea"}',
        '[{"content": "Ana likes tea"}]',
        '["Ana likes tea"]',
        ['{"content": "Ana likes tea"}'],
        [{"content": "Ana likes tea", "type": None, "tags": None}],
    ],
)
def test_every_form_of_one_memory_is_understood(given: Any) -> None:
    assert read("remember", memories=given) == {"memories": [{"content": "Ana likes tea"}]}


@pytest.mark.parametrize("text", ['{"a": 1}', "[not json", "{also not", '{"content'])
def test_a_text_that_merely_looks_like_json_is_a_text(text: str) -> None:
    assert read("remember", memories=text) == {"memories": [{"content": text}]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"importance": "0.8"}, {"importance": 0.8}),
        ({"importance": 1}, {"importance": 1.0}),
        ({"pinned": "true"}, {"pinned": True}),
        ({"pinned": "No"}, {"pinned": False}),
        ({"pinned": 1}, {"pinned": True}),
        ({"tags": "food"}, {"tags": ("food",)}),
        ({"tags": '["food", "home"]'}, {"tags": ("food", "home")}),
        ({"tags": []}, {"tags": ()}),
        ({"type": " Fact "}, {"type": "fact"}),
        ({"type": ""}, {}),
        ({"scope": "PROJECT"}, {"scope": "project"}),
        ({"metadata": '{"a": {"b": [1]}}'}, {"metadata": {"a": {"b": [1]}}}),
        ({"metadata": ""}, {}),
        ({"importance": ""}, {}),
        ({"supersedes": "some-id"}, {"supersedes": ("some-id",)}),
    ],
)
def test_members_of_a_memory_are_forgiving(given: dict[str, Any], expected: dict[str, Any]) -> None:
    found = read("remember", memories=[{"content": "x", **given}])
    assert found == {"memories": [{"content": "x", **expected}]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"limit": "5"}, {"limit": 5}),
        ({"limit": 5.0}, {"limit": 5}),
        ({"types": "fact"}, {"types": ("fact",)}),
        ({"types": ["Fact", "TASK"]}, {"types": ("fact", "task")}),
        ({"explain": "yes"}, {"explain": True}),
        ({"query": ""}, {"query": ""}),
        ({"query": None}, {}),
        ({}, {}),
    ],
)
def test_arguments_of_recall_are_forgiving(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read("recall", **given) == expected


MEANINGLESS: list[tuple[str, dict[str, Any], str]] = [
    (
        "recall",
        {"qury": "x"},
        "qury: got 'x'; there is no such argument (did you mean 'query'?)",
    ),
    ("recall", {"user": "bob"}, "user: got 'bob'; leave this out: whose memories are used follows"),
    ("recall", {"types": ["fakt"]}, "types[0]: got 'fakt'; expected one of profile"),
    ("recall", {"types": ["fakt"]}, "did you mean 'fact'?"),
    ("recall", {"types": 7}, "types: got 7; expected one of profile"),
    ("recall", {"types": {"a": 1}}, 'types: got {"a": 1}; expected a list such as ["profile"'),
    ("recall", {"limit": "many"}, "limit: got 'many'; expected a whole number from 1 to 50"),
    ("recall", {"limit": 51}, "limit: got 51;"),
    ("recall", {"limit": 2.5}, "limit: got 2.5;"),
    ("recall", {"limit": True}, "limit: got true;"),
    ("recall", {"explain": "maybe"}, "explain: got 'maybe'; expected true or false"),
    ("recall", {"explain": [True]}, "explain: got [true]; expected true or false"),
    ("recall", {"metadata": "nonsense"}, "metadata: got 'nonsense'; expected an object"),
    ("recall", {"metadata": [1]}, "metadata: got [1]; expected an object"),
    ("recall", {"query": True}, "query: got true; expected a text"),
    ("recall", {"query": {"a": None}}, 'query: got {"a": null}; expected a text'),
    ("remember", {}, "memories: got null; this argument is needed"),
    ("remember", {"memories": 7}, 'memories: got 7; expected a list such as [{"content":'),
    ("remember", {"memories": [7]}, "memories[0]: got 7; expected an object"),
    ("remember", {"memories": [{}]}, "memories[0].content: got null; this argument is needed"),
    (
        "remember",
        {"memories": ["a", "b", {"content": "c", "type": "fat"}]},
        "memories[2].type:",
    ),
    (
        "remember",
        {"memories": [{"content": "c", "user": "bob"}]},
        "memories[0].user: got 'bob'",
    ),
    ("remember", {"memories": [{"content": [5]}]}, "memories[0].content: got [5]; expected a text"),
    ("remember", {"memories": [{"content": "c", "importance": 2}]}, "from 0 to 1"),
    ("remember", {"contents": "c"}, 'there are memories, explain; write {"memories": [{"content":'),
    ("update", {"content": "x"}, "id: got null; this argument is needed"),
    ("update", {"id": "x", "restore_revision": "last"}, "restore_revision: got 'last';"),
    ("forget", {"idz": "x"}, "idz: got 'x'; there is no such argument (did you mean 'ids'?)"),
    ("forget", {"ids": [True]}, "ids[0]: got true; expected a text"),
]


@pytest.mark.parametrize(("verb", "given", "message"), MEANINGLESS)
def test_what_has_no_meaning_is_refused_by_name(
    verb: str, given: dict[str, Any], message: str
) -> None:
    assert message in refusal(verb, **given)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"key": "a\udc00b"}, "key: "),
        ({"query": "\ud800"}, "query: "),
        ({"tags": ["ok", "\udfff"]}, "tags[1]: "),
        ({"metadata": {"a": [{"b": "\ud800"}]}}, "metadata.a[0].b: "),
        ({"metadata": {"k\ud800": 1}}, "metadata.k"),
        ({"metadata": {"x": float("nan")}}, "metadata.x: "),
        ({"metadata": {"x": float("inf")}}, "metadata.x: "),
        ({"metadata": '{"x": NaN}'}, "metadata.x: "),
        ({"metadata": '{"x": "\\ud800"}'}, "metadata.x: "),
    ],
)
def test_what_cannot_be_stored_is_refused_by_path(given: dict[str, Any], path: str) -> None:
    text = refusal("recall", **given)
    assert text.startswith(path)
    text.encode()  # the message itself can be sent


def test_nesting_is_bounded() -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    assert "at most 16 levels" in refusal("recall", metadata={"a": deep})
    assert "at most 16 levels" in refusal("recall", metadata='{"a":' + "[" * 90 + "]" * 90 + "}")


def test_json_too_deep_to_read_is_refused_not_crashed_on() -> None:
    assert "expected an object" in refusal("recall", metadata='{"a":' + "[" * 15_000)


def test_json_of_too_many_values_is_refused_before_it_is_read() -> None:
    many = '{"a":' + "[" * 100_000
    assert "metadata: got '100005 characters" in refusal("recall", metadata=many)
    assert "at most 20000 values" in refusal("remember", memories="[" + "[]," * 20_000 + "[]]")
    assert "tags: " in refusal("recall", tags="[" + '"a",' * 200_000 + '"a"]')
    assert "expected a list of at most 1000" in refusal("recall", tags="a," * 200_000)


def test_a_huge_value_is_named_in_few_words() -> None:
    assert len(refusal("recall", types=["x" * 100_000])) < 400
    assert len(refusal("recall", **{"x" * 100_000: 1})) < 400
