"""Ranking: what makes a score, and that it stays within its bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mcp_memory import ranking
from mcp_memory.model import Type
from mcp_memory.service import Policy
from mcp_memory.storage.contract import Candidate, Corpus
from mcp_memory.text import query_terms, terms
from tests import factories
from tests.factories import START

LIVES = Policy().half_lives


def candidate(content: str, similarity: float | None = None, **fields: object) -> Candidate:
    memory = factories.memory(content, **fields)
    vector = None if similarity is None else factories.vector(1)
    return Candidate(
        memory=memory, terms=tuple(terms(content)), similarity=similarity, vector=vector
    )


def corpus(*contents: str) -> Corpus:
    split = [terms(content) for content in contents]
    distinct = {term for found in split for term in found}
    return Corpus(
        memories=len(contents),
        terms=sum(map(len, split)),
        frequencies={term: sum(term in found for found in split) for term in distinct},
    )


def ranked(query: str, *candidates: Candidate) -> list[str]:
    asked = ranking.Asked(terms=tuple(query_terms(query)), now=START, half_lives=LIVES)
    about = corpus(*(c.memory.content for c in candidates))
    return [item.memory.content for item in ranking.rank(candidates, about, asked)]


def test_rare_words_weigh_more_than_common_ones() -> None:
    about = corpus("the red car", "the red house", "the red llama")
    weights = ranking.term_weights(["red", "llama"], about)
    assert weights["llama"] > weights["red"] > 0


def test_a_text_with_all_the_words_scores_near_one_and_one_with_none_scores_zero() -> None:
    about = corpus("llamas eat grass", "cars need fuel")
    weights = ranking.term_weights(query_terms("llamas eat grass"), about)
    assert ranking.bm25_share(terms("llamas eat grass"), weights, about) == pytest.approx(
        1, abs=0.1
    )
    assert ranking.bm25_share(terms("cars need fuel"), weights, about) == 0


def test_bm25_agrees_with_the_formula_worked_by_hand() -> None:
    about = Corpus(memories=3, terms=12, frequencies={"llama": 1})
    weights = ranking.term_weights(["llama"], about)
    # idf = ln(1 + 2.5 / 1.5); two occurrences in a text of average length: 2 * 2.2 / (2 + 1.2)
    assert weights["llama"] == pytest.approx(0.98083, abs=1e-5)
    share = ranking.bm25_share(["llama", "llama", "x", "y"], {"llama": 1.0, "alpaca": 1.0}, about)
    assert share == pytest.approx(1.375 / 2)


def test_more_of_the_words_and_more_of_the_meaning_rank_higher() -> None:
    assert ranked(
        "release date of the llama project",
        candidate("Cars need fuel.", 0.05),
        candidate("The llama project ships.", 0.5),
        candidate("The release date of the llama project is 3 May.", 0.8),
    ) == [
        "The release date of the llama project is 3 May.",
        "The llama project ships.",
        "Cars need fuel.",
    ]


def test_a_memory_without_a_vector_is_ranked_by_its_words() -> None:
    assert ranked("llama", candidate("Cars.", 0.3), candidate("A llama."))[0] == "A llama."


def test_recency_and_importance_never_beat_the_answer() -> None:
    old = START - timedelta(days=3000)
    assert (
        ranked(
            "who feeds the llama?",
            candidate("Mia feeds the llama.", 0.8, recorded_at=old, importance=0.0),
            candidate("Lunch was good.", 0.1, importance=1.0, pinned=True),
        )[0]
        == "Mia feeds the llama."
    )


@pytest.mark.parametrize("type_", list(Type))
def test_recency_halves_at_the_half_life_and_is_bounded(type_: Type) -> None:
    def at(age: timedelta) -> float:
        memory = factories.memory(type=type_, recorded_at=START - age)
        return ranking.recency_factor(memory, START, LIVES)

    share = ranking.RECENCY_SHARE
    assert at(timedelta()) == 1
    assert at(LIVES[type_]) == pytest.approx(1 - share / 2)
    assert at(timedelta(days=100_000)) == pytest.approx(1 - share)


def test_pinned_memories_do_not_age() -> None:
    memory = factories.memory(pinned=True, recorded_at=START - timedelta(days=9999))
    assert ranking.recency_factor(memory, START, LIVES) == 1


def test_scores_stay_between_zero_and_one() -> None:
    best = candidate("llama", 1.0, importance=1.0, pinned=True)
    asked = ranking.Asked(terms=("llama",), now=START, half_lives=LIVES)
    (item,) = ranking.rank([best], corpus("llama"), asked)
    assert 0 <= item.score <= 1


def test_equal_scores_are_ordered_by_newest() -> None:
    early = candidate("llama one", 0.5, recorded_at=START - timedelta(seconds=1), pinned=True)
    late = candidate("llama two", 0.5, recorded_at=START, pinned=True)
    assert ranked("llama", early, late) == ["llama two", "llama one"]


def test_near_identical_results_fold_into_the_better_one() -> None:
    twins = [candidate("Standup is at nine.", 0.9), candidate("standup is at nine", 0.8)]
    other = candidate("Standup is at ten.", 0.85)
    asked = ranking.Asked(terms=("standup",), now=START, half_lives=LIVES)
    about = corpus(*(c.memory.content for c in [*twins, other]))
    kept = ranking.collapse(ranking.rank([*twins, other], about, asked))
    assert [(item.memory.content, item.copies) for item in kept] == [
        ("Standup is at nine.", 1),
        ("Standup is at ten.", 0),
    ]
