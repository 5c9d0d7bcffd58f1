"""How many of the turns that answer a question recall brings back, through the MCP door."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import anyio

from tests.benchmarks.door import Door, opened
from tests.benchmarks.figures import Check, Grid, Section
from tests.benchmarks.locomo import CATEGORIES, HEADLINE, Conversation, Question, load

CUTS = (5, 10, 20)
WHOLE, TEXT, VECTOR = "whole", "text half", "vector half"
_BATCH = 100
_TOKENS = 20_000
_NOTES = (
    "every turn is remembered and every question recalled (limit 20) through the MCP stdio door,"
    " one server and one store a conversation",
    "a figure is the share of a question's evidence turns in the top k, averaged over questions;"
    " a turn counts as found when the memory that holds it is (repeats merge into one)",
    "halves: the candidates in the trace of the same recall (the union of the best of both"
    " halves), ranked by that half's part of the score alone, ties by id; the whole: what the"
    " tool returned, in its order",
)
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One question, the memories that hold its evidence, and what each ranking put first."""

    category: int
    evidence: tuple[str, ...]
    ranked: Mapping[str, Sequence[str]]

    def found(self, ranking: str, cut: int) -> float:
        """The share of the evidence in the top `cut` of a ranking."""
        top = set(self.ranked[ranking][:cut])
        return sum(memory_id in top for memory_id in self.evidence) / len(self.evidence)


def run(path: Path, folder: Path, say: Say) -> Section:
    """Score every conversation of the LoCoMo file."""
    asked: list[Asked] = []
    for conversation in load(path):
        say(f"{conversation.id}: {len(conversation.turns)} turns")
        home = folder / conversation.id
        asked += anyio.run(_ask_all, conversation, home)
        shutil.rmtree(home)
    return Section(
        title="retrieval on LoCoMo",
        notes=_NOTES,
        grids=(_headline(asked), _by_category(asked)),
        checks=tuple(_checks(asked)),
    )


async def _ask_all(conversation: Conversation, home: Path) -> list[Asked]:
    async with opened(home, "locomo", conversation.id) as door:
        holders = await _remember_all(door, conversation)
        return [await _ask(door, question, holders) for question in conversation.questions]


async def _remember_all(door: Door, conversation: Conversation) -> dict[str, str]:
    """The id of the memory that holds each turn, by the turn's id."""
    holders: dict[str, str] = {}
    for start in range(0, len(conversation.turns), _BATCH):
        turns = conversation.turns[start : start + _BATCH]
        ids = await door.remember(
            *(
                {
                    "content": turn.content,
                    "type": "episode",
                    "valid_from": turn.said_at.isoformat(),
                    "source": turn.thread,
                }
                for turn in turns
            )
        )
        holders.update(zip((turn.id for turn in turns), ids, strict=True))
    return holders


async def _ask(door: Door, question: Question, holders: Mapping[str, str]) -> Asked:
    answer = await door.recall(question.text, limit=max(CUTS), max_tokens=_TOKENS)
    trace = await door.trace(answer["trace_id"])
    return Asked(
        category=question.category,
        # Two questions name a turn that does not exist: nothing holds it, nothing finds it.
        evidence=tuple(holders.get(turn, "") for turn in question.evidence),
        ranked={
            WHOLE: [memory["id"] for memory in answer["memories"]],
            TEXT: _half(trace["candidates"], "text"),
            VECTOR: _half(trace["candidates"], "vector"),
        },
    )


def _half(candidates: Iterable[Mapping[str, Any]], part: str) -> list[str]:
    """The candidates that have something of a part, by it alone; ties by id, not by rank."""
    having = [(-float(c.get(part, 0.0)), str(c["id"])) for c in candidates]
    return [memory_id for value, memory_id in sorted(having) if value < 0]


def _mean(asked: Sequence[Asked], categories: Sequence[int], ranking: str, cut: int) -> float:
    return fmean(a.found(ranking, cut) for a in asked if a.category in categories)


def _headline(asked: Sequence[Asked]) -> Grid:
    rows = {
        f"{ranking}, {name}": tuple(_mean(asked, categories, ranking, cut) for cut in CUTS)
        for name, categories in (("1 to 4", HEADLINE), ("all five", tuple(CATEGORIES)))
        for ranking in (WHOLE, TEXT, VECTOR)
    }
    counts = sum(a.category in HEADLINE for a in asked), len(asked)
    return Grid(
        title=f"categories 1 to 4 ({counts[0]:,} questions) and all five ({counts[1]:,})",
        columns=tuple(f"@{cut}" for cut in CUTS),
        rows=rows,
    )


def _by_category(asked: Sequence[Asked]) -> Grid:
    return Grid(
        title="by category",
        columns=tuple(f"{ranking} @{cut}" for cut in CUTS for ranking in (WHOLE, TEXT, VECTOR)),
        rows={
            f"{number} {name} ({sum(a.category == number for a in asked):,})": tuple(
                _mean(asked, (number,), ranking, cut)
                for cut in CUTS
                for ranking in (WHOLE, TEXT, VECTOR)
            )
            for number, name in CATEGORIES.items()
            if any(a.category == number for a in asked)
        },
    )


def _checks(asked: Sequence[Asked]) -> Iterable[Check]:
    for cut in CUTS:
        whole, text, vector = (
            _mean(asked, HEADLINE, ranking, cut) for ranking in (WHOLE, TEXT, VECTOR)
        )
        yield Check(
            where=f"@{cut}, categories 1 to 4",
            what="the whole beats both halves",
            ok=whole > max(text, vector),
            detail=f"{whole:.3f} against {text:.3f} text and {vector:.3f} vector",
        )
