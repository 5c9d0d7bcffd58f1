"""What a model obviously means is taken; where it is not obvious, the error shows the form."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_memory.domain.ids import bare
from mcp_memory.errors import InvalidInput
from tests.unit.tools.test_schema import VERBS, read, refusal

ID = "0192f3c4-aaaa-7bbb-8ccc-dddd1157b576"
ONE = {"memories": [{"content": "Ana likes tea"}]}


@pytest.mark.parametrize(
    "given",
    [
        {"content": "Ana likes tea"},
        {"text": "Ana likes tea"},
        {"statement": "Ana likes tea"},
        {"fact": "Ana likes tea"},
        {"note": "Ana likes tea"},
        {"value": "Ana likes tea"},
        {"memory": "Ana likes tea"},
        {"memory": {"content": "Ana likes tea"}},
        {"memories": {"text": "Ana likes tea"}},
        {"memories": [{"memory": "Ana likes tea"}]},
        {"memories": '[{"statement": "Ana likes tea"}]'},
        {"items": ["Ana likes tea"]},
        {"Memories": "Ana likes tea"},
    ],
    ids=str,
)
def test_one_memory_is_understood_under_every_obvious_name(given: dict[str, Any]) -> None:
    assert read("remember", **given) == ONE


def test_one_memory_without_its_list_keeps_all_of_its_members() -> None:
    found = read("remember", key="timezone", value="Europe/Rome", type="profile", tags="a, b")
    (memory,) = found["memories"]
    assert memory == {
        **{"content": "Europe/Rome", "key": "timezone"},
        **{"type": "profile", "tags": ("a", "b")},
    }


@pytest.mark.parametrize(
    ("verb", "given", "found"),
    [
        ("recall", {"question": "tea?"}, {"query": "tea?"}),
        ("recall", {"q": "tea"}, {"query": "tea"}),
        ("recall", {"type": "fact", "tag": "a"}, {"types": ("fact",), "tags": ("a",)}),
        ("recall", {"scope": "project"}, {"scopes": ("project",)}),
        ("recall", {"maxTokens": 500}, {"max_tokens": 500}),
        ("recall", {"as-of": "2026-03-01"}, {"as_of": "2026-03-01"}),
        ("update", {"memory_id": ID, "text": "x"}, {"id": ID, "content": "x"}),
        ("update", {"ids": [ID]}, {"id": ID}),
        ("update", {"id": ID, "expires_in": "30d"}, {"id": ID, "expires_at": "30d"}),
        ("update", {"id": ID, "restoreRevision": 2}, {"id": ID, "restore_revision": 2}),
        ("forget", {"id": ID}, {"ids": (ID,)}),
        ("forget", {"memory_ids": [ID]}, {"ids": (ID,)}),
    ],
)
def test_arguments_are_known_by_their_obvious_names(
    verb: str, given: dict[str, Any], found: dict[str, Any]
) -> None:
    assert read(verb, **given) == found


@pytest.mark.parametrize(
    ("given", "tags"),
    [
        ("a, b", ("a", "b")),
        ("a,b,,", ("a", "b")),
        ("a; b", ("a", "b")),
        ("a\nb", ("a", "b")),
        ("茶、东京\uff0c咖啡", ("茶", "东京", "咖啡")),
        ("[a, b]", ("a", "b")),
        ("['a', 'b']", ("a", "b")),
        ('["a", "b, c"]', ("a", "b, c")),
        ('"a", "b"', ("a", "b")),
        ("machine learning, tea", ("machine learning", "tea")),
        ("rock 'n' roll", ("rock 'n' roll",)),
        (["a, b"], ("a, b",)),
        (["a", None, "b"], ("a", "b")),
        (["null", "none"], ("null", "none")),
        (2026, ("2026",)),
        ([1, "b", 2.5], ("1", "b", "2.5")),
        ([], ()),
    ],
    ids=str,
)
def test_a_list_of_tags_may_be_one_text(given: Any, tags: tuple[str, ...]) -> None:
    assert read("recall", tags=given) == {"tags": tags}


@pytest.mark.parametrize(
    ("verb", "name", "given", "found"),
    [
        ("recall", "types", "fact, task", ("fact", "task")),
        ("recall", "types", "fact task", ("fact", "task")),
        ("recall", "types", "fact|task", ("fact", "task")),
        ("recall", "types", "facts, tasks", ("fact", "task")),
        ("recall", "types", '["fact"]', ("fact",)),
        ("recall", "scopes", "user, project", ("user", "project")),
        ("recall", "scopes", "[user; project]", ("user", "project")),
        ("forget", "ids", f"{ID}, 1157b576", (ID, "1157b576")),
        ("forget", "ids", f"{ID} 1157b576", (ID, "1157b576")),
        ("forget", "ids", "[1157b576]", ("1157b576",)),
        ("forget", "ids", "[1157e576]", ("1157e576",)),
        ("forget", "ids", '[11570576, "x"]', ("11570576", "x")),
        ("forget", "ids", "[1157b576, aabbccdd]", ("1157b576", "aabbccdd")),
        ("forget", "ids", "id: 1157b576, #aabbccdd", ("id: 1157b576", "#aabbccdd")),
        ("forget", "ids", 11575762, ("11575762",)),
        ("forget", "ids", [1157576], ("01157576",)),
        ("update", "id", 11575762, "11575762"),
    ],
    ids=str,
)
def test_lists_of_words_and_ids_may_be_one_text(
    verb: str, name: str, given: Any, found: Any
) -> None:
    assert read(verb, **{name: given}) == {name: found}


def test_a_list_in_one_text_that_replaces_another_is_whole_ids() -> None:
    (memory,) = read("remember", content="x", supersedes=f"{ID}, 1157b576")["memories"]
    assert memory["supersedes"] == (ID, "1157b576")


@pytest.mark.parametrize(
    ("name", "given", "found"),
    [
        ("key", 42, "42"),
        ("content", 5, "5"),
        ("content", 3.5, "3.5"),
        ("expires_in", 3600, "3600"),
        ("expires_in", 3600.0, "3600"),
        ("valid_from", 2026, "2026"),
        ("source", -1, "-1"),
    ],
)
def test_a_number_is_taken_for_the_text_that_it_is_written_as(
    name: str, given: Any, found: str
) -> None:
    (memory,) = read("remember", memories=[{"content": "x", name: given}])["memories"]
    assert memory == {"content": "x", name: found}


def test_a_query_may_be_a_number() -> None:
    assert read("recall", query=42) == {"query": "42"}


@pytest.mark.parametrize("nothing", ["null", "None", "undefined", " NULL ", None])
@pytest.mark.parametrize(
    "name",
    ["type", "key", "scope", "importance", "tags", "pinned", "trust", "expires_at", "metadata"],
)
def test_the_word_for_nothing_is_nothing_where_it_may_be_left_out(
    name: str, nothing: str | None
) -> None:
    found = read("remember", memories=[{"content": "Ana likes tea", name: nothing}])
    assert found == ONE


@pytest.mark.parametrize("word", ["null", "None", "undefined"])
def test_the_word_for_nothing_is_a_text_where_all_is_said(word: str) -> None:
    assert read("remember", memories=[word]) == {"memories": [{"content": word}]}
    assert read("remember", content=word) == {"memories": [{"content": word}]}
    assert read("recall", query=word) == {"query": word}
    assert read("update", id=ID, content=word) == {"id": ID, "content": word}


@pytest.mark.parametrize(
    ("name", "given", "found"),
    [
        ("type", "note", "fact"),
        ("type", "memory", "fact"),
        ("type", "Memories", "fact"),
        ("type", "knowledge", "fact"),
        ("type", "semantic", "fact"),
        ("type", "procedural", "procedure"),
        ("type", "how-to", "procedure"),
        ("type", "playbook", "procedure"),
        ("type", "episodic", "episode"),
        ("type", "event", "episode"),
        ("type", "preferences", "preference"),
        ("type", '"fact"', "fact"),
        ("scope", "global", "user"),
        ("scope", "Personal", "user"),
        ("scope", "repository", "project"),
        ("scope", "conversation", "session"),
    ],
)
def test_words_have_their_synonyms(name: str, given: str, found: str) -> None:
    (memory,) = read("remember", memories=[{"content": "x", name: given}])["memories"]
    assert memory[name] == found


@pytest.mark.parametrize(
    "word", ["team", "organisation", "Org", "company", "shared", "everyone", "public", "all"]
)
def test_a_reach_beyond_the_user_is_never_guessed(word: str) -> None:
    text = refusal("remember", memories=[{"content": "x", "scope": word}])
    assert text.startswith(f"memories[0].scope: got '{word}'; expected one of tenant, user")
    assert "say tenant" in text
    assert "say tenant" in refusal("update", id=ID, scope=word)


@pytest.mark.parametrize(
    "name",
    ["user_id", "userId", "user", "tenant", "project", "agent_id", "namespace", "session_id"],
)
def test_who_is_meant_is_no_argument(name: str) -> None:
    for verb in VERBS:
        text = refusal(verb, **{name: "bob"})
        assert text.startswith(f"{name}: got 'bob'; leave this out")
        assert "follows from who is calling" in text
    inside = refusal("remember", memories=[{"content": "x", name: "bob"}])
    assert inside.startswith(f"memories[0].{name}: got 'bob'; leave this out")


@pytest.mark.parametrize(
    ("verb", "given", "told"),
    [
        ("remember", {"text": "x", "type": "fakt"}, "type: got 'fakt'"),
        ("remember", {"memory": {"text": [1]}}, "memory[0].text: got [1]; expected a text"),
        ("remember", {"items": [{"statement": True}]}, "items[0].statement: got true"),
        ("remember", {"content": "x", "scope": "fakt"}, "scope: got 'fakt'"),
        (
            "remember",
            {"content": "x", "text": "y"},
            "text: got 'y'; this is another name of content",
        ),
        ("recall", {"question": []}, "question: got []"),
        ("recall", {"type": "fact, fakt"}, "type: got 'fakt'"),
        ("recall", {"type": ["fact", "fakt"]}, "type[1]: got 'fakt'"),
        ("recall", {"maxTokens": 0}, "maxTokens: got 0"),
        ("update", {"memory_id": [1, 2]}, "memory_id: got [1, 2]; expected one id"),
        ("update", {"id": "null"}, "id: got null; this argument is needed"),
        ("forget", {"id": {"a": 1}}, 'id: got {"a": 1}; expected a list'),
    ],
)
def test_an_error_names_the_argument_as_it_was_called(
    verb: str, given: dict[str, Any], told: str
) -> None:
    assert refusal(verb, **given).startswith(told)


@pytest.mark.parametrize(
    ("verb", "given", "field", "called"),
    [
        ("recall", {"question": "x"}, "query", "question"),
        ("recall", {"type": "fact"}, "types[0]", "type[0]"),
        ("update", {"memory_id": ID}, "id", "memory_id"),
        ("update", {"id": ID, "metadata": {"a": 1}}, "metadata.a", "metadata.a"),
        ("forget", {"id": ID}, "forget", "forget"),
    ],
)
def test_what_the_service_says_of_an_argument_names_it_as_it_was_called(
    verb: str, given: dict[str, Any], field: str, called: str
) -> None:
    found = read(verb, **given)
    with pytest.raises(InvalidInput) as caught, found.naming_errors():
        raise InvalidInput(field, "x", "expected y")
    assert caught.value.field == called


@pytest.mark.parametrize(
    "given",
    [{}, {"contents": "x"}, {"data": "x"}, {"memories": [{"body": "x"}]}, {"memories": 7}],
    ids=str,
)
def test_what_is_not_obvious_is_answered_with_the_right_form(given: dict[str, Any]) -> None:
    assert '{"content": "Ana Silva prefers tea"' in refusal("remember", **given)


@pytest.mark.parametrize(
    "text",
    [
        *("1157b576", "[1157b576]", "#1157b576", "`1157b576`", "'1157b576'", "“1157b576”"),
        *("…1157b576", "1157b576…", "...1157b576", "1157b576.", "(1157b576)", "**1157b576**"),
        *("1157B576", " 1157b576\n", "id: 1157b576", "ID=1157b576", "memory 1157b576"),
        *("memory://memories/1157b576", "memory://memories/1157b576/history", "<1157b576>"),
        *("[id: `1157b576`]", "- 1157b576", "· 1157b576", "mem_1157b576", "Memory ID: #1157b576"),
    ],
)
def test_an_id_is_known_by_its_end_whatever_stands_around_it(text: str) -> None:
    assert bare(text) == "1157b576"


@pytest.mark.parametrize(
    "text",
    [ID, ID.upper(), ID.replace("-", ""), f"[{ID}]", f"memory://memories/{ID}", f"urn:uuid:{ID}"],
)
def test_a_whole_id_is_known_with_and_without_its_dashes(text: str) -> None:
    assert bare(text) == ID


@pytest.mark.parametrize(
    "text",
    ["", "no-such-id", "deadbeef1", "cafebabe and", "1157b576 aabbccdd", ID[:-1], "#" * 10_000],
)
def test_a_text_that_says_something_else_is_no_id(text: str) -> None:
    assert bare(text) == ""
