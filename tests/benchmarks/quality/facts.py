"""FactConsolidation, single hop (MemoryAgentBench, MIT): is the newest truth on top?

Facts are remembered in order and contradict earlier ones; nothing is superseded by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import anyio

from tests.benchmarks.figures import Grid, Say, Section
from tests.benchmarks.local.stdio import opened

CUTS = (1, 5)
_BATCH = 100
_FACT = re.compile(r"\d+\. (.+)")
_NOTES = (
    "the numbered facts of each list are remembered in order, 100 in a call, and each question is"
    " recalled (limit 20) through the MCP stdio proxy",
    "gold: among the facts that end with an answer, the one that shares most words with the"
    " question, the latest of equals; forbidden: those with the same beginning and another value;"
    " only questions with forbidden facts count",
    "fresh: the gold fact ranks above every forbidden one; stale@k: a forbidden one is among the"
    " first k",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question, the place of its fact in the list, and those of the outdated ones."""

    text: str
    gold: int
    forbidden: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Where the gold fact and the first forbidden one came; 0 is the top, -1 nowhere."""

    gold: int
    forbidden: int

    @property
    def is_fresh(self) -> bool:
        """Whether the gold one came, and before any forbidden one."""
        return self.gold >= 0 and (self.forbidden < 0 or self.gold < self.forbidden)


def run(path: Path, folder: Path, say: Say) -> Section:
    """Score every list of the file."""
    rows: dict[str, tuple[float, ...]] = {}
    for item in json.loads(path.read_text("utf-8")):
        facts = [match[1] for match in map(_FACT.fullmatch, item["context"].splitlines()) if match]
        questions = list(questions_of(facts, item["questions"], item["answers"]))
        say(f"{len(facts):,} facts, {len(questions)} questions with outdated facts")
        asked = anyio.run(_ask_all, facts, questions, folder / f"facts-{len(facts)}")
        rows[f"{len(facts):,} facts, {len(questions)} questions"] = (
            fmean(a.is_fresh for a in asked),
            *(fmean(0 <= a.forbidden < cut for a in asked) for cut in CUTS),
        )
    return Section(
        title="the newest truth, FactConsolidation",
        notes=_NOTES,
        grids=(
            Grid(
                title="to reach: fresh .85",
                columns=("fresh", *(f"stale@{cut}" for cut in CUTS)),
                rows=rows,
            ),
        ),
    )


def questions_of(
    facts: Sequence[str], questions: Sequence[str], answers: Sequence[Sequence[str]]
) -> list[Question]:
    """The questions about something that the list says more than one thing of."""
    found: list[Question] = []
    for text, accepted in zip(questions, answers, strict=True):
        ending = [
            (place, answer)
            for place, fact in enumerate(facts)
            for answer in accepted
            if _bare(fact).endswith(_bare(answer))
        ]
        if not ending:
            continue
        gold, answer = max(ending, key=lambda e: (len(_words(text) & _words(facts[e[0]])), e[0]))
        beginning = _bare(facts[gold]).removesuffix(_bare(answer))
        forbidden = tuple(
            place
            for place, fact in enumerate(facts)
            if _bare(fact).startswith(beginning) and _bare(fact) != _bare(facts[gold])
        )
        if forbidden:
            found.append(Question(text=text, gold=gold, forbidden=forbidden))
    return found


def _bare(text: str) -> str:
    return text.rstrip(".").casefold()


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


async def _ask_all(facts: Sequence[str], questions: Sequence[Question], home: Path) -> list[Asked]:
    async with opened(home, "facts", "facts") as transport:
        ids: list[str] = []
        for start in range(0, len(facts), _BATCH):
            ids += await transport.remember(
                *({"content": f} for f in facts[start : start + _BATCH])
            )
        return [
            _scored(await transport.recall(q.text, limit=20, max_tokens=20_000), q, ids)
            for q in questions
        ]


def _scored(answer: dict[str, Any], question: Question, ids: Sequence[str]) -> Asked:
    ranked = [memory["id"] for memory in answer["memories"]]
    outdated = [ranked.index(ids[f]) for f in question.forbidden if ids[f] in ranked]
    gold = ids[question.gold]
    return Asked(
        gold=ranked.index(gold) if gold in ranked else -1, forbidden=min(outdated, default=-1)
    )
