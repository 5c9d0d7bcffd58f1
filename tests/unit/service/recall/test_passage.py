"""The stretch of a long memory that says most of what was asked."""

from __future__ import annotations

import pytest

from mcp_memory.service.recall.passage import best_passage

TEXT = "The first is tea. The second is coffee! Is the third milk? The fourth is water."


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("asked", "room", "expected"),
    [
        (["milk"], 4, "Is the third milk?"),
        (["milk"], 10, "Is the third milk? The fourth is water."),
        (["water"], 10, "Is the third milk? The fourth is water."),
        (["tea"], 5, "The first is tea."),
        ([], 5, "The first is tea."),
        (["wine"], 5, "The first is tea."),
        (["coffe", "second"], 5, "The second is coffee!"),
        (["milk"], 100, TEXT),
    ],
)
def test_it_is_whole_sentences_around_what_was_asked(
    asked: list[str], room: int, expected: str
) -> None:
    assert best_passage(TEXT, asked, room, words) == expected


def test_a_rare_word_tells_more_than_a_common_one() -> None:
    text = "Tea is fine. Tea is good. Tea is hot. The llama is here."
    assert best_passage(text, ["tea", "llama"], 4, words) == "The llama is here."


@pytest.mark.parametrize("filler", ["one two three ", "x", "一二三"])
def test_what_has_no_sentences_is_taken_in_stretches(filler: str) -> None:
    content = f"{filler * 2000} llama {filler * 2000}"
    found = best_passage(content, ["llama"], 400, len)
    assert "llama" in found
    assert 20 <= len(found) <= 400


def test_a_sentence_that_is_too_long_is_cut() -> None:
    text = "one two three four five."
    assert best_passage(text, ["wine"], 3, words) == "one two three"
    assert best_passage(text, ["five"], 3, words) == "five."


def test_lines_are_sentences_and_nothing_gives_nothing() -> None:
    assert best_passage("- tea\n- llama\n- milk", ["llama"], 2, words) == "- llama"
    assert best_passage(" \n ", ["llama"], 2, words) == ""
