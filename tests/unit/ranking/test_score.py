"""Ranking: what makes a score, and that it stays within its bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mcp_memory import ranking
from mcp_memory.domain.memory import Type
from mcp_memory.domain.text import query_terms, terms
from mcp_memory.ranking import bm25, conversation, diversity
from mcp_memory.ranking.factors import RECENCY_SHARE, recency_factor
from mcp_memory.service import Policy
from mcp_memory.storage.contract import Candidate, Corpus
from tests.support import factories
from tests.support.factories import START

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
    asked = ranking.RankingQuery(terms=tuple(query_terms(query)), now=START, half_lives=LIVES)
    about = corpus(*(c.memory.content for c in candidates))
    return [item.memory.content for item in ranking.rank(candidates, about, asked)]


def share(content: str, query: str, about: Corpus) -> float:
    """The text half of one content by itself."""
    weights = bm25.term_weights(query_terms(query), about)
    return float(bm25.bm25_share(bm25.said([terms(content)], weights), weights, about)[0])


def test_rare_words_weigh_more_than_common_ones() -> None:
    about = corpus("the red car", "the red house", "the red llama")
    weights = bm25.term_weights(["red", "llama"], about)
    assert weights["llama"] > weights["red"] > 0


def test_a_text_with_all_the_words_scores_near_one_and_one_with_none_scores_zero() -> None:
    about = corpus("llamas eat grass", "cars need fuel")
    assert share("llamas eat grass", "llamas eat grass", about) == pytest.approx(1, abs=0.1)
    assert share("cars need fuel", "llamas eat grass", about) == 0


def test_bm25_agrees_with_the_formula_worked_by_hand() -> None:
    about = Corpus(memories=3, terms=12, frequencies={"llama": 1})
    # idf = ln(1 + 2.5 / 1.5); two occurrences in a text of average length: 2 * 1.8 / (2 + 0.8)
    assert bm25.term_weights(["llama"], about)["llama"] == pytest.approx(0.98083, abs=1e-5)
    weights = {"llama": 1.0, "alpaca": 1.0}
    found = bm25.bm25_share(bm25.said([["llama", "llama", "x", "y"]], weights), weights, about)
    assert found[0] == pytest.approx(2 * 1.8 / 2.8 / 2)


def test_a_long_text_counts_by_its_best_passage() -> None:
    filler = " ".join(f"word{n}" for n in range(3000))
    sentence = "llamas eat grass in the high meadow"
    about = corpus(*["a short note of six words"] * 20, f"{filler} {sentence}")
    for whole in (f"{filler} {sentence}", f"{sentence} {filler}", f"{filler} {sentence} {filler}"):
        assert share(whole, "llamas eat grass", about) > 0.7
    scattered = f"llamas {filler} eat {filler} grass"
    assert share(scattered, "llamas eat grass", about) < 0.5


def test_of_a_text_of_nothing_but_asked_words_one_passage_is_weighed() -> None:
    texts = [["llama", "alpaca"] * 8_000] * 20
    found = bm25.said(texts, {"llama": 1.0, "alpaca": 1.0})
    assert found.counts.tolist() == [[80, 80]] * 20


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
        return recency_factor(memory, START, LIVES)

    share = RECENCY_SHARE
    assert at(timedelta()) == 1
    assert at(LIVES[type_]) == pytest.approx(1 - share / 2)
    assert at(timedelta(days=100_000)) == pytest.approx(1 - share)


def test_pinned_memories_do_not_age() -> None:
    memory = factories.memory(pinned=True, recorded_at=START - timedelta(days=9999))
    assert recency_factor(memory, START, LIVES) == 1


def test_scores_stay_between_zero_and_one() -> None:
    best = candidate("llama", 1.0, importance=1.0, pinned=True)
    asked = ranking.RankingQuery(terms=("llama",), now=START, half_lives=LIVES)
    (item,) = ranking.rank([best], corpus("llama"), asked)
    assert 0 <= item.score <= 1


def test_equal_scores_are_ordered_by_newest() -> None:
    early = candidate("llama one", 0.5, recorded_at=START - timedelta(seconds=1), pinned=True)
    late = candidate("llama two", 0.5, recorded_at=START, pinned=True)
    assert ranked("llama", early, late) == ["llama two", "llama one"]


def test_results_that_say_the_same_fold_into_the_better_one() -> None:
    twins = [candidate("Standup is at nine.", 0.9), candidate("standup is at nine", 0.8)]
    other = candidate("Standup is at ten.", 0.85)
    asked = ranking.RankingQuery(terms=("standup",), now=START, half_lives=LIVES)
    about = corpus(*(c.memory.content for c in [*twins, other]))
    kept = diversity.collapse(ranking.rank([*twins, other], about, asked))
    assert [(item.memory.content, item.copies) for item in kept] == [
        ("Standup is at nine.", 1),
        ("Standup is at ten.", 0),
    ]


def turns(*contents: str, thread: str = "chat") -> list[Candidate]:
    """One conversation."""
    return [candidate(c, 0.2, source=f"{thread}#{n}") for n, c in enumerate(contents)]


def test_an_answer_is_found_by_the_question_that_was_asked_before_it() -> None:
    talk = turns("Where did you feed the llama?", "In the high meadow.", "Nice weather.", "Yes.")
    said = ranked("where was the llama fed", *talk)
    assert said.index("In the high meadow.") == 1


def test_a_conversation_about_the_matter_lifts_its_turns() -> None:
    about = turns("The llama farm.", "The llama eats.", "The llama sleeps.", thread="llamas")
    passing = turns("We saw a llama.", "Then we had lunch.", "It rained.", thread="holiday")
    said = ranked("llama", *about, *passing)
    assert said.index("We saw a llama.") == 3


def test_a_memory_outside_a_conversation_loses_nothing_and_gains_nothing() -> None:
    alone = candidate("Mia feeds the llama.", 0.6)
    others = turns("Something else.", "And more.")
    asked = ranking.RankingQuery(terms=("mia", "llama"), now=START, half_lives=LIVES)
    about = corpus("Mia feeds the llama.", "Something else.", "And more.")
    with_others = ranking.rank([alone, *others], about, asked)[0]
    (by_itself,) = ranking.rank([alone], about, asked)
    assert with_others == by_itself
    assert by_itself.score == pytest.approx(
        by_itself.relevance * by_itself.parts["recency"] * by_itself.parts["importance"]
    )


def test_positions_of_other_conversations_and_partitions_are_no_context() -> None:
    here = candidate("In the meadow.", source="chat#2")
    before = candidate("Where is the llama?", source="chat#1")
    for stranger in (
        candidate("Where is the llama?", source="talk#1"),
        candidate("Where is the llama?", source="chat#1", partition=factories.BOB),
    ):
        assert context_of(here, stranger) == 0
    assert context_of(here, before) == pytest.approx(conversation.CONTEXT[-1])


def test_several_statements_of_one_turn_count_as_one() -> None:
    said = [["llama"], ["llama", "llama"], ["x"], ["y"]]
    own = bm25.said(said, {"llama": 1.0})
    found = conversation.in_context(own, [(0, 1), (0, 1), (0, 2), (0, 2)])
    before, after = conversation.CONTEXT[-1], conversation.CONTEXT[1]
    assert found.counts[:, 0] == pytest.approx([1, 2, 1.5 * before, 1.5 * before])
    assert found.lengths == pytest.approx(
        [1, (2 + after) / (1 + after), *[(1 + 1.5 * before) / (1 + before)] * 2]
    )


def context_of(one: Candidate, other: Candidate) -> float:
    """How much of the word "llama" a candidate has when another is there."""
    own = bm25.said([one.terms, other.terms], {"llama": 1.0})
    spots = conversation.spots_of([one.memory, other.memory])
    return float(conversation.in_context(own, spots).counts[0, 0])


def test_without_context_every_memory_is_weighed_by_itself() -> None:
    talk = turns("Where did you feed the llama?", "In the high meadow.")
    asked = ranking.RankingQuery(terms=("llama",), now=START, half_lives=LIVES, in_context=False)
    found = ranking.rank(talk, corpus(*(c.memory.content for c in talk)), asked)
    assert [item.parts["text"] > 0 for item in found] == [True, False]
    assert all("conversation" not in item.parts for item in found)
