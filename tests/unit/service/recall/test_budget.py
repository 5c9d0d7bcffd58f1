"""A whole answer stays within max_tokens, in both forms, and says what it leaves out and why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service import MemoryService
from mcp_memory.service.recall.token_count import at_most
from mcp_memory.tools.base import Answer
from mcp_memory.tools.recall import RECALL
from tests.support.factories import open_store

KINDS = {
    "prose": "The lighthouse keeper number {n} writes a letter to the harbour every evening",
    "digits": "lighthouse {n}: 4711-0815-{n} at 54.3213 N, 10.1348 E since 2026-11-30T12:{n:02}Z",
    "quotes": 'lighthouse {n} said "\\"no\\"" to {{"a": ["b\\n", {n}]}}\nand\t"c"',
    "long": "Lighthouse {n} was built in stone. " + "The stairs have many steps to the lamp. " * 15,
    "code": "if lighthouse == {n}:\n    raise ValueError(f'{{lamp!r}} is\\toff')  # see #{n}",
    "Thai": "lighthouse {n} ผู้ดูแลประภาคารเขียนจดหมายถึงท่าเรือทุกเย็น",
    "Chinese": "lighthouse {n} 灯塔看守人每天晚上写信给港口的朋友们",
    "emoji": "lighthouse {n} 🎉🧑‍🚀🇵🇹 🎉🧑‍🚀🇵🇹",
}
BUDGETS = (350, 700, 1500, 6000)


def answered(service: MemoryService, caller: Caller, **arguments: Any) -> Answer:
    """The answer of recall to what a model sends."""
    read = RECALL.arguments.read(arguments)
    return RECALL.call(service, caller, read, lambda done, total: None)


def fields_of(number: int) -> dict[str, Any]:
    """All that a memory can have beside its content."""
    metadata = {"keeper": number, "wind": "west"}
    return {"tags": ("sea", "night"), "source": "log#1", "type": "episode", "metadata": metadata}


@pytest.mark.parametrize("kind", KINDS)
def test_both_forms_stay_within_the_budget_and_count_what_is_left_out(
    tmp_path: Path, alice: Caller, embedder: Embedder, kind: str
) -> None:
    service = MemoryService(open_store("in-memory", tmp_path), embedder)
    drafts = [Draft(content=KINDS[kind].format(n=n), **fields_of(n)) for n in range(40)]
    service.remember(alice, drafts)
    count = at_most(embedder.count_tokens)
    for query, explain in (("lighthouse", False), ("", False), ("lighthouse", True)):
        given = {"query": query, "limit": 50, "explain": explain}
        whole = answered(service, alice, **given, max_tokens=20_000).values
        relevant = len(whole["memories"]) + whole["omitted"]
        for max_tokens in BUDGETS:
            answer = answered(service, alice, **given, max_tokens=max_tokens)
            values, where = answer.values, (query, explain, max_tokens)
            assert count(answer.text) <= max_tokens, where
            if explain:
                assert count(json.dumps(values, ensure_ascii=False)) <= max_tokens, where
            elif values["omitted"] and kind != "long":
                assert count(answer.text) >= 0.8 * max_tokens, f"{where}: room left over"
            assert len(values["memories"]) + values["omitted"] == relevant, where
            told = f"{values['omitted']} more did not fit" if values["omitted"] else ""
            assert told in answer.text, where
            assert bool(told) == ("did not fit" in answer.text), where
    service.close()


def test_what_is_said_beside_the_memories_is_within_the_budget_too(
    tmp_path: Path, alice: Caller, embedder: Embedder
) -> None:
    service = MemoryService(open_store("in-memory", tmp_path), embedder)
    here = replace(alice, project_label=f"/home/ana/{'some/where/' * 10}app")
    drafts = [
        Draft(content=KINDS["digits"].format(n=n), valid_from="2020-03-01", **fields_of(n))
        for n in range(40)
    ]
    service.remember(here, drafts)
    count = at_most(embedder.count_tokens)
    for explain, max_tokens in ((False, 350), (False, 700), (False, 1500), (True, 1500)):
        given = {"limit": 50, "explain": explain, "max_tokens": max_tokens, "since": "7d"}
        answer = answered(service, here, query="lighthouse", **given)
        assert "the date on a line is when it became true" in answer.text
        assert "some/where/app" in answer.text
        assert answer.values["omitted"] and answer.values["memories"]
        assert count(answer.text) <= max_tokens, given
        if explain:
            assert count(json.dumps(answer.values, ensure_ascii=False)) <= max_tokens
    service.close()


def test_each_line_of_a_weak_match_says_so_and_why(service: MemoryService, alice: Caller) -> None:
    service.remember(alice, [Draft(content="We rotate the signing keys every Monday.")])
    answer = answered(service, alice, query="Как часто меняют ключи подписи?")
    lines = [line for line in answer.text.splitlines() if line.startswith("- ")]
    assert lines
    assert all(line.endswith(" · weak") for line in lines)
    assert answer.values["abstained"]
    assert answer.values["reason"] in answer.text


@pytest.mark.parametrize("query", ["where does the cat sleep?", "zebra crossing", ""])
def test_a_model_that_cannot_load_is_said_in_both_forms(
    tmp_path: Path, alice: Caller, query: str
) -> None:
    broken = Embedder("BAAI/bge-small-en-v1.5", cache_dir=tmp_path)
    service = MemoryService(open_store("embedded", tmp_path / "home"), broken)
    service.remember(alice, [Draft(content="The cat sleeps on the sofa.")])
    answer = answered(service, alice, query=query)
    if query:
        assert answer.values["degraded"] is True
        assert "degraded; " in answer.text
        assert "mcp-memory model use" in answer.text
        assert answer.values["reason"] in answer.text
    else:
        assert answer.values["degraded"] is False, "the newest need no model"
    service.close()


@pytest.mark.parametrize(
    ("query", "why"),
    [("the cat of a zebra", r"best score 0."), ("qwxzzyq", "no match"), ("%$§ 77", "")],
)
def test_who_abstains_says_the_best_score_or_that_nothing_matched(
    service: MemoryService, alice: Caller, query: str, why: str
) -> None:
    nobody = replace(alice, user="empty", tenant="empty")
    if why != "no match":
        service.remember(alice, [Draft(content="The fog horn sounds twice.")])
    asker = nobody if why == "no match" else alice
    answer = answered(service, asker, query=query)
    assert answer.values["abstained"]
    assert f"nothing relevant is remembered ({why}" in answer.text
    assert answer.values["reason"] in answer.text
