"""What is stored is what was sent; what had to be changed is said."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, Patch, Query
from mcp_memory.service import MemoryService
from mcp_memory.service.echo import undecorated

SNIPPET = "    def total(self):\n        return sum(self.parts)\n"
AS_SENT = [
    SNIPPET,
    "\n\n  services:\n    db:\n      image: postgres\n\n",
    "\tall: build test",
    "line one  \nline two",
    "one\r\ntwo\r\n",
    "  two spaces before and after  ",
    "a  b   c",
    "cafe\u0301 and caf\u00e9",
    "Ångström \u212b is one length",
    "10⁶ rows, 1½ cups, x₁₂",
    "نمی\u200cشود",
    "👩\u200d💻 writes code",
    "日本語\u3000です。",
    "| a | b |\n|---|---|\n|   | 1 |",
    "diff:\n-old\n+new\n ",
]
CHANGED = [
    ("a\x07b\x1b[31mc", "a b [31mc", "2 control characters made a space"),
    ("nul\x00byte", "nul byte", "1 control character made a space"),
    ("one\x0ctwo", "one two", "1 control character made a space"),
    ("one\rtwo", "one\ntwo", "1 unusual line end made an ordinary one"),
    ("a\u2028b\u2029c\x85d", "a\nb\nc\nd", "3 unusual line ends made an ordinary one"),
    ("ig\u200bnore \U000e0068this", "ignore this", "2 invisible characters left out"),
    ("pay\u202e Mallory", "pay Mallory", "1 invisible character left out"),
    ("\ufefffirst", "first", "1 invisible character left out"),
    (
        "  x\u200b\r\x07y\n",
        "  x\n y\n",
        "1 invisible character left out, 1 unusual line end made an ordinary one,"
        " 1 control character made a space",
    ),
]


@pytest.mark.parametrize("content", AS_SENT)
def test_a_content_is_stored_byte_for_byte(
    service: MemoryService, alice: Caller, content: str
) -> None:
    (answer,) = service.remember(alice, [Draft(content=content)])
    assert (answer.status, answer.reason) == ("stored", "")
    assert service.get(alice, answer.id).content == content
    (again,) = service.remember(alice, [Draft(content=content)])
    assert (again.id, again.revision) == (answer.id, 1)
    updated = service.update(alice, answer.id, Patch(content=f"{content}#"))
    assert (updated.memory.content, updated.note) == (f"{content}#", "")


@pytest.mark.parametrize(("content", "expected", "told"), CHANGED)
def test_what_must_be_changed_is_said(
    service: MemoryService, alice: Caller, content: str, expected: str, told: str
) -> None:
    (answer,) = service.remember(alice, [Draft(content=content)])
    assert (answer.status, answer.reason) == ("stored", told)
    assert service.get(alice, answer.id).content == expected
    (other,) = service.remember(alice, [Draft(content="Something else.")])
    updated = service.update(alice, other.id, Patch(content=f"{content} again"))
    assert (updated.memory.content, updated.note) == (f"{expected} again", told)


ALTERED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"key": "us\x07er"}, {"key": "us er"}, "key: 1 control character made a space"),
    ({"key": "a\x00b"}, {"key": "a b"}, "key: 1 control character made a space"),
    ({"key": "ti\u200bme"}, {"key": "time"}, "key: 1 invisible character left out"),
    ({"key": "a\nb\tc"}, {"key": "a b c"}, "key: 2 tab or line breaks made a space"),
    ({"key": " plain\n"}, {"key": "plain"}, ""),
    (
        {"tags": ("a\x01b", "c", "d\u202ee")},
        {"tags": ("a b", "c", "de")},
        "tags: 1 invisible character left out, 1 control character made a space",
    ),
    ({"tags": ("Plain",)}, {"tags": ("plain",)}, ""),
    (
        {"metadata": {"m\x03n": ["v\x00w", {"x": "y\u2028z"}], "n": 7}},
        {"metadata": {"m n": ["v w", {"x": "y\nz"}], "n": 7}},
        "metadata: 1 unusual line end made an ordinary one, 2 control characters made a space",
    ),
    ({"metadata": {"a": "b\nc"}}, {"metadata": {"a": "b\nc"}}, ""),
]


@pytest.mark.parametrize(("given", "stored", "told"), ALTERED)
def test_what_is_changed_in_other_fields_is_said_of_each(
    service: MemoryService, alice: Caller, given: dict[str, Any], stored: dict[str, Any], told: str
) -> None:
    (answer,) = service.remember(alice, [Draft(content="Something.", **given)])
    assert (answer.status, answer.reason) == ("stored", told)
    (other,) = service.remember(alice, [Draft(content="Anything.", scope="user")])
    updated = service.update(alice, other.id, Patch(**given))
    assert updated.note == told
    for memory in (service.get(alice, answer.id), updated.memory):
        assert {name: getattr(memory, name) for name in stored} == stored


def test_what_is_changed_in_several_fields_is_said_of_all(
    service: MemoryService, alice: Caller
) -> None:
    draft = Draft(content="a\x07b", source="s\x02x", key="k\x02", tags=("t\u200b",))
    (answer,) = service.remember(alice, [draft])
    assert answer.reason == (
        "1 control character made a space; key: 1 control character made a space;"
        " source: 1 control character made a space; tags: 1 invisible character left out"
    )


def test_a_nul_is_searched_for_as_the_space_that_it_became(
    service: MemoryService, alice: Caller
) -> None:
    (answer,) = service.remember(alice, [Draft(content="kiwi\x00lime", metadata={"a": "b\x00c"})])
    query = Query(query="kiwi\x00lime", metadata={"a": "b\x00c"})
    (found,) = service.recall(alice, query).memories
    assert found.memory.id == answer.id


def test_each_of_a_batch_has_its_own_reason(service: MemoryService, alice: Caller) -> None:
    contents = ("The first\x07.", "Second.", "the first .", "Third\u200b.")
    answers = service.remember(alice, [Draft(content=content) for content in contents])
    assert [answer.reason for answer in answers] == [
        "1 control character made a space",
        "",
        "says the same as this memory",
        "1 invisible character left out",
    ]


@pytest.mark.parametrize("content", AS_SENT)
def test_a_recalled_line_brings_back_what_was_stored_and_is_known_as_an_echo(
    service: MemoryService, alice: Caller, content: str
) -> None:
    (first,) = service.remember(alice, [Draft(content=content)])
    line = service.recall(alice, Query()).context.split("\n", 1)[1].rsplit("\n", 1)[0]
    assert undecorated(line).split("\n") == content.replace("\r\n", "\n").strip(
        "\n"
    ).rstrip().split("\n")
    (echo,) = service.remember(alice, [Draft(content=line)])
    assert (echo.id, echo.status, echo.revision) == (first.id, "merged", 1)
    assert echo.reason == "recall returned this; nothing was added"


def test_a_recalled_line_whose_indentation_was_changed_is_another_statement(
    service: MemoryService, alice: Caller
) -> None:
    (first,) = service.remember(alice, [Draft(content="if a:\n    b()\n    c()")])
    block = service.recall(alice, Query()).context
    (other,) = service.remember(alice, [Draft(content=block.replace("    c()", "c()"))])
    assert (other.status, other.id != first.id) == ("stored", True)
    assert service.get(alice, other.id).content == "if a:\n    b()\nc()"
    assert other.reason == "stored without the marks of a recalled line"


def test_a_long_snippet_is_shown_by_a_passage_that_keeps_its_indentation(
    service: MemoryService, alice: Caller
) -> None:
    body = "\n".join(f"        self.step_{n}(value_{n})" for n in range(200))
    content = f"    def run(self):\n{body}\n        self.launch_rocket()\n{body}\n"
    service.remember(alice, [Draft(content=content), Draft(content="The rocket is red.")])
    answer = service.recall(alice, Query(query="launch_rocket", max_tokens=300))
    shown = next(m for m in answer.memories if "launch_rocket" in m.memory.content).memory.content
    passage = shown.removeprefix("… ").split(" … [passage")[0]
    assert passage in content
    assert "\n        self.launch_rocket()" in f"\n{passage}"
    (echo,) = service.remember(alice, [Draft(content=answer.context)])
    assert (echo.status, echo.reason) == ("merged", "recall returned this; nothing was added")


def test_decomposed_letters_are_found_and_merged_as_the_composed_are(
    service: MemoryService, alice: Caller
) -> None:
    decomposed = unicodedata.normalize("NFD", "Café Müller öffnet um neun.")
    (first,) = service.remember(alice, [Draft(content=decomposed)])
    (again,) = service.remember(alice, [Draft(content="Café Müller öffnet um neun.")])
    assert again.id == first.id
    assert service.get(alice, first.id).content == decomposed
    (item,) = service.recall(alice, Query(query="wann öffnet Café Müller?")).memories
    assert item.memory.id == first.id
