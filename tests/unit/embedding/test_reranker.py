"""A cross-encoder's second look: off by default, real when it is there, told when it is not.

The model is a tiny one, written for this test: twice the words that query and text have in
common, less three. fastembed loads it from a folder laid out like a cache of the real one's.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, Query
from mcp_memory.embedding import loader
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.embedding.reranker import Reranker
from mcp_memory.errors import SettingsInvalid
from mcp_memory.ranking import LOOKED_AT, Scored, looked_at_again
from mcp_memory.service import MemoryService
from mcp_memory.storage.contract import Candidate
from tests.support import factories
from tests.support.factories import Clock, open_store

NAME = "Xenova/ms-marco-MiniLM-L-6-v2"
TOY = Path(__file__).parents[1] / "data" / "words_in_common.onnx"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with the toy model in the place of the one that the name stands for."""
    folder = tmp_path / "models" / f"models--{NAME.replace('/', '--')}"
    commit = "0" * 40
    snapshot = folder / "snapshots" / commit
    (snapshot / "onnx").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    shutil.copy(TOY, snapshot / "onnx" / "model.onnx")
    for file in loader.BUNDLED_FOLDER.glob("*.json"):
        shutil.copy(file, snapshot / file.name)
    return tmp_path / "models"


@pytest.fixture
def reranker(cache: Path) -> Generator[Reranker]:
    """The toy model, loaded."""
    made = Reranker(NAME, cache_dir=cache)
    made.start()
    made.close()
    assert made.failure == ""
    yield made


def test_it_tells_how_well_each_text_answers(reranker: Reranker) -> None:
    texts = ["the llama eats grass", "a car", "grass"]
    found = reranker.scores("which llama eats grass", texts)
    assert found is not None
    assert found[0] > found[2] > found[1]
    assert all(0 < score < 1 for score in found)


def test_without_a_name_it_is_off(tmp_path: Path) -> None:
    off = Reranker("", cache_dir=tmp_path)
    off.start()
    assert (off.is_on, off.failure, off.scores("query", ["text"])) == (False, "", None)


def test_one_that_was_not_fetched_says_what_to_do(tmp_path: Path) -> None:
    missing = Reranker(NAME, cache_dir=tmp_path)
    missing.start()
    missing.close()
    assert missing.scores("query", ["text"]) is None
    assert f"mcp-memory model use {NAME}" in missing.failure


def test_an_unknown_name_is_refused_with_those_that_are_near(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="ms-marco"):
        loader.load_reranker("ms-marco-mini", tmp_path, threads=1)


def test_recall_takes_the_second_look_and_explains_it(
    reranker: Reranker, embedder: Embedder, alice: Caller, clock: Clock, tmp_path: Path
) -> None:
    store = open_store("in-memory", tmp_path)
    with closing(MemoryService(store, embedder, reranker=reranker, clock=clock)) as service:
        service.remember(
            alice, [Draft(content="The llama eats grass."), Draft(content="Llamas like hay.")]
        )
        answer = service.recall(alice, Query(query="what grass does the llama eat", explain=True))
    assert [0 < m.parts["rerank"] < 1 for m in answer.memories] == [True] * len(answer.memories)
    assert "reranker" in answer.memories[0].why
    assert not answer.degraded


def test_recall_answers_without_it_and_says_so(
    embedder: Embedder, alice: Caller, clock: Clock, tmp_path: Path
) -> None:
    missing = Reranker(NAME, cache_dir=tmp_path)
    missing.start()
    missing.close()
    store = open_store("in-memory", tmp_path)
    with closing(MemoryService(store, embedder, reranker=missing, clock=clock)) as service:
        service.remember(alice, [Draft(content="The llama eats grass.")])
        answer = service.recall(alice, Query(query="what does the llama eat?"))
    assert len(answer.memories) == 1
    assert "mcp-memory model use" in answer.reason
    assert not answer.degraded


def test_a_second_look_changes_the_order_and_leaves_the_rest_behind() -> None:
    made = [
        Scored(
            candidate=Candidate(
                memory=factories.memory(f"n{n}"), terms=(), similarity=0.5, vector=None
            ),
            score=0.9 - n / 100,
            relevance=0.9 - n / 100,
            parts={},
        )
        for n in range(LOOKED_AT + 5)
    ]
    answers = [n / LOOKED_AT for n in range(LOOKED_AT)]
    found = looked_at_again(made, answers)
    assert found[0].memory.content == f"n{LOOKED_AT - 1}"
    assert [i.memory.content for i in found[-5:]] == [f"n{n}" for n in range(20, 25)]
    assert all(0 <= i.score <= 1 and 0 <= i.relevance <= 1 for i in found)
