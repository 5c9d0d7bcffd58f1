"""What is searched for of a query: the question in a pasted page, exact names, its time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mcp_memory.service.query.query import question_of

NOW = datetime(2026, 11, 25, tzinfo=UTC)
PAGE = "\n".join(f"Paragraph {n} of the page tells at length about topic {n}." for n in range(40))


@pytest.mark.parametrize(
    "query",
    [
        f"{PAGE}\nWhich database does the project use?",
        f"Which database does the project use?\n{PAGE}",
        f"{PAGE} Thanks. Which database does the project use? Answer briefly.",
        f"Which database does the project use? Here is the page.\n{PAGE} Are rivers blue? Bye.",
    ],
)
def test_of_a_pasted_page_only_the_question_is_searched_for(query: str) -> None:
    asked = question_of(query, NOW)
    assert asked.text == "Which database does the project use?"
    assert {"databas", "project"} <= set(asked.terms)


def test_a_pasted_page_without_a_question_is_searched_by_its_ends() -> None:
    asked = question_of(f"Check our release rules.\n{PAGE}\nTell me the release rules", NOW)
    assert "release rules" in asked.text
    assert len(asked.text) < 200


def test_a_page_of_one_endless_line_is_cut() -> None:
    assert len(question_of("word " * 5000, NOW).text.split()) <= 40


def test_a_query_of_ordinary_length_is_searched_as_it_is() -> None:
    query = "Tell me. What is it? The database, I mean."
    assert question_of(query, NOW).text == query


@pytest.mark.parametrize(
    "query",
    [
        "what is user_id",
        "CVE-2026-31240",
        "who wrote src/app.py?",
        "changes in v2.3.0",
        'the "blue box" rule',
        "what does `make test` do",
        "--no-cache",
        "ticket 48213",
        "commit 3fa9c1d",
        "mail of anna@example.org",
        "version 11.29.2026",
        "host 10.0.0.1",
    ],
)
def test_identifiers_and_quotes_are_exact(query: str) -> None:
    assert question_of(query, NOW).is_exact


@pytest.mark.parametrize(
    "query",
    [
        "where does Anna live?",
        "what happened in 2024",
        "the 3rd half-marathon",
        "Anna's tea, 2 cups",
        "what broke on 11/29/2026",
        "what broke on 29.11.2026?",
        "29/11/2026",
        "between 11/28/2026 and 11/29/2026",
        "compare 28.11.2026 with 29.11.2026",
    ],
)
def test_ordinary_words_and_dates_are_not(query: str) -> None:
    assert not question_of(query, NOW).is_exact


@pytest.mark.parametrize("query", ["x" * 32_000, "a_" * 16_000, "日本語" * 9_000, "ab1" * 10_000])
def test_an_endless_word_costs_no_more_than_any_other(query: str) -> None:
    asked = question_of(query, NOW)
    assert len(asked.text) <= 600


def test_a_page_of_a_script_without_spaces_is_a_page() -> None:
    page = "これは長い文章です。" * 200
    asked = "データベースは何ですか\uff1f"
    assert question_of(f"{page}{asked}", NOW).text == asked
