"""Which of the ranked are worth reading, in which order, and why the rest is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, Query
from mcp_memory.domain.text import terms
from mcp_memory.ranking import Choice, Scored, choose
from mcp_memory.ranking.diversity import MMR_SHARE, diversified
from mcp_memory.ranking.selection import WEAK_MAX
from mcp_memory.ranking.thresholds import CLEAR, COSINE_LEAST
from mcp_memory.service import MemoryService
from mcp_memory.storage.contract import Candidate
from tests.support import factories
from tests.support.factories import START


def scored(
    content: str, relevance: float, cosine: float | None = 0.2, vector: int = 0, **fields: object
) -> Scored:
    """A result that scores what it is relevant."""
    memory = factories.memory(content, **fields)
    near = None if cosine is None else factories.vector(vector or abs(hash(content)) % 10_000)
    candidate = Candidate(
        memory=memory, terms=tuple(terms(content)), similarity=cosine, vector=near
    )
    return Scored(candidate=candidate, score=relevance, relevance=relevance, parts={})


def contents(choice: Choice) -> list[str]:
    return [item.memory.content for item in choice.results]


def test_noise_beside_a_clear_match_is_left_out_and_told_why() -> None:
    best, also, noise = scored("best", 0.8), scored("also", 0.5), scored("noise", 0.2)
    choice = choose([best, also, noise], ["what"], START)
    assert contents(choice) == ["best", "also"]
    assert not choice.is_weak
    assert choice.fate(noise.memory.id) == "below the relevance floor"


def test_without_a_clear_match_a_few_that_may_be_meant_are_shown_as_weak() -> None:
    meant = [scored(f"meant {n}", CLEAR - 0.05, COSINE_LEAST + n / 1000) for n in range(9)]
    choice = choose(
        [*meant, scored("beside the point", CLEAR - 0.1, COSINE_LEAST - 0.1)], ["what"], START
    )
    assert choice.is_weak
    assert len(choice.results) == WEAK_MAX
    assert "weak" in choice.fate(meant[-1].memory.id)
    assert "beside the point" not in contents(choice)


def test_where_nothing_may_be_meant_there_is_nothing() -> None:
    choice = choose([scored("noise", CLEAR - 0.1, COSINE_LEAST - 0.1)], ["what"], START)
    assert (list(choice.results), choice.is_weak) == ([], False)
    assert list(choose([], ["what"], START).results) == []


def test_a_memory_that_has_no_vector_is_judged_by_its_words() -> None:
    assert contents(choose([scored("said", 0.25, None)], ["said"], START)) == ["said"]
    assert contents(choose([scored("hardly", 0.1, None)], ["said"], START)) == []


def test_the_same_statement_folds_whatever_its_scope() -> None:
    one = scored("The standup is at nine.", 0.8, vector=1)
    twin = scored("the standup is at nine", 0.7, vector=1, partition=factories.ALICE_APP)
    other = scored("Standup is at nine!", 0.6, vector=1)
    choice = choose([one, twin, other], ["standup"], START)
    assert [(i.memory.content, i.copies) for i in choice.results] == [
        ("The standup is at nine.", 1),
        ("Standup is at nine!", 0),
    ]
    assert choice.fate(twin.memory.id) == "the same as a better one"


def test_what_repeats_a_better_one_comes_after_what_adds_something() -> None:
    asked = factories.vector(1)
    first, repeat, new = (
        replace(item, candidate=replace(item.candidate, vector=vector))
        for item, vector in (
            (scored("a", 0.80), asked),
            (scored("b", 0.79), factories.towards(asked, 0.99, seed=2)),
            (scored("c", 0.75), factories.towards(asked, 0.5, seed=3)),
        )
    )
    assert [i.memory.content for i in diversified([first, repeat, new])] == ["a", "c", "b"]
    far = replace(new, score=0.79 * (1 - MMR_SHARE) - 0.01)
    assert [i.memory.content for i in diversified([first, repeat, far])] == ["a", "b", "c"]


def test_diversity_never_changes_what_is_there_nor_its_scores() -> None:
    rng = np.random.default_rng(3)
    made = sorted(
        (scored(f"n{n}", float(rng.random()), vector=n % 7 + 1) for n in range(80)),
        key=lambda i: -i.score,
    )
    result = diversified(made)
    assert sorted(i.memory.id for i in result) == sorted(i.memory.id for i in made)
    assert {i.memory.id: i.score for i in result} == {i.memory.id: i.score for i in made}
    assert result[0] is made[0]


@pytest.mark.parametrize("query", ["zebra crossing rules", "favourite opera singer"])
def test_recall_abstains_and_says_so(service: MemoryService, alice: Caller, query: str) -> None:
    service.remember(alice, [Draft(content="The build uses Bazel."), Draft(content="Tea is hot.")])
    answer = service.recall(alice, Query(query=query))
    assert answer.abstained
    assert answer.memories == ()
    assert "nothing relevant is remembered (best score 0." in answer.reason


def test_recall_says_when_its_matches_are_weak(service: MemoryService, alice: Caller) -> None:
    said = "Mara dislikes coriander and always asks for dishes without it."
    service.remember(alice, [Draft(content=said)])
    answer = service.recall(alice, Query(query="Which herb can't she stand?"))
    assert len(answer.memories) == 1
    assert "only weak matches" in answer.reason
    assert not answer.degraded
