"""How many of the turns that answer a question recall brings back, through the MCP proxy."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

import anyio
from tokenizers import Tokenizer

from mcp_memory.embedding.loader import BUNDLED_FOLDER
from tests.benchmarks.figures import Check, Grid, Say, Section
from tests.benchmarks.local.stdio import Proxy, opened
from tests.benchmarks.quality.locomo import CATEGORIES, HEADLINE, Conversation, Question, load

CUTS = (5, 10, 20)
SESSIONS = 5
WHOLE, TEXT, VECTOR = "whole", "text half", "vector half"
_BATCH = 100
_TOKENS = 20_000
_NOTES = (
    "every turn is remembered with its conversation, session and position as the source, and"
    " every question recalled (limit 20) through the MCP stdio proxy, one server and one store a"
    " conversation",
    "a figure is the share of a question's evidence turns in the top k, averaged over questions;"
    " a turn counts as found when the memory that holds it is (repeats merge into one)",
    "every choice was made on the conversations at even places of the file (tune); those at odd"
    " places (report) were only ever scored",
    "halves: the candidates in the trace of the same recall (the union of the best of both"
    " halves), ranked by that half's part of the score alone, ties by id; the whole: what the"
    " tool returned, in its order",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One question, the memories that hold its evidence, and what each ranking put first.

    `sessions` are those of the evidence, `ranked_sessions` those of the results, in order.
    `tokens` is what the line of each result takes of the context, in order.
    """

    tuned: bool
    category: int
    evidence: tuple[str, ...]
    ranked: Mapping[str, Sequence[str]]
    sessions: frozenset[str]
    ranked_sessions: tuple[str, ...]
    tokens: tuple[int, ...]

    def found(self, ranking: str, cut: int) -> float:
        """The share of the evidence in the top `cut` of a ranking."""
        top = set(self.ranked[ranking][:cut])
        return sum(memory_id in top for memory_id in self.evidence) / len(self.evidence)

    @property
    def any_session(self) -> bool:
        """Whether one of the evidence's sessions is among the first five."""
        return bool(self.sessions & set(self.ranked_sessions[:SESSIONS]))

    @property
    def all_sessions(self) -> bool:
        """Whether all of them are."""
        return self.sessions <= set(self.ranked_sessions[:SESSIONS])


def run(path: Path, folder: Path, say: Say) -> Section:
    """Score every conversation of the LoCoMo file."""
    asked: list[Asked] = []
    for number, conversation in enumerate(load(path)):
        say(f"{conversation.id}: {len(conversation.turns)} turns")
        home = folder / conversation.id
        asked += anyio.run(_ask_all, conversation, home, number % 2 == 0)
        shutil.rmtree(home)
    return Section(
        title="turns and sessions of LoCoMo",
        notes=_NOTES,
        grids=(_headline(asked), _by_category(asked), _sessions(asked), _economy(asked)),
        checks=tuple(_checks(asked)),
    )


async def _ask_all(conversation: Conversation, home: Path, tuned: bool) -> list[Asked]:
    async with opened(home, "locomo", conversation.id) as transport:
        holders = await _remember_all(transport, conversation)
        return [
            await _ask(transport, conversation, question, holders, tuned)
            for question in conversation.questions
        ]


async def _remember_all(transport: Proxy, conversation: Conversation) -> dict[str, str]:
    """The id of the memory that holds each turn, by the turn's id."""
    holders: dict[str, str] = {}
    for start in range(0, len(conversation.turns), _BATCH):
        turns = conversation.turns[start : start + _BATCH]
        ids = await transport.remember(
            *(
                {
                    "content": turn.content,
                    "type": "episode",
                    "valid_from": turn.said_at.isoformat(),
                    "source": f"{turn.thread}#{turn.position}",
                }
                for turn in turns
            )
        )
        holders.update(zip((turn.id for turn in turns), ids, strict=True))
    return holders


async def _ask(
    transport: Proxy,
    conversation: Conversation,
    question: Question,
    holders: Mapping[str, str],
    tuned: bool,
) -> Asked:
    answer = await transport.recall(question.text, limit=max(CUTS), max_tokens=_TOKENS)
    trace = await transport.trace(answer["trace_id"])
    threads = {turn.id: turn.thread for turn in conversation.turns}
    found = [memory["source"].rpartition("#")[0] for memory in answer["memories"]]
    return Asked(
        tuned=tuned,
        category=question.category,
        # Two questions name a turn that does not exist: nothing holds it, nothing finds it.
        evidence=tuple(holders.get(turn, "") for turn in question.evidence),
        ranked={
            WHOLE: [memory["id"] for memory in answer["memories"]],
            TEXT: _half(trace["candidates"], "text"),
            VECTOR: _half(trace["candidates"], "vector"),
        },
        sessions=frozenset(threads[turn] for turn in question.evidence if turn in threads),
        ranked_sessions=tuple(dict.fromkeys(found)),
        tokens=tuple(map(_tokens, answer["context"].splitlines()[1:-1])),
    )


@cache
def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(BUNDLED_FOLDER / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _tokens(line: str) -> int:
    return len(_tokenizer().encode(line, add_special_tokens=False).ids)


def _half(candidates: Iterable[Mapping[str, Any]], part: str) -> list[str]:
    """The candidates that have something of a part, by it alone; ties by id, not by rank."""
    having = [(-float(c.get(part, 0.0)), str(c["id"])) for c in candidates]
    return [memory_id for value, memory_id in sorted(having) if value < 0]


def _mean(asked: Sequence[Asked], categories: Sequence[int], ranking: str, cut: int) -> float:
    return fmean(a.found(ranking, cut) for a in asked if a.category in categories)


def _parts(asked: Sequence[Asked]) -> dict[str, Sequence[Asked]]:
    return {
        "all": asked,
        "tune": [a for a in asked if a.tuned],
        "report": [a for a in asked if not a.tuned],
    }


def _headline(asked: Sequence[Asked]) -> Grid:
    rows = {
        f"{ranking}, categories {name}, {part}": tuple(
            _mean(some, categories, ranking, cut) for cut in CUTS
        )
        for name, categories in (("1 to 4", HEADLINE), ("1 to 5", tuple(CATEGORIES)))
        for ranking in (WHOLE, TEXT, VECTOR)
        for part, some in _parts(asked).items()
        if some and (part == "all" or ranking == WHOLE)
    }
    counts = sum(a.category in HEADLINE for a in asked), len(asked)
    return Grid(
        title=f"categories 1 to 4 ({counts[0]:,} questions) and all five ({counts[1]:,});"
        " to reach, 1 to 4: .66 @5, .76 @10",
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


def _economy(asked: Sequence[Asked]) -> Grid:
    """Turns are single lines, so that the lines of a context are its results."""
    own = [a for a in asked if a.category in HEADLINE]
    whole = fmean(sum(a.tokens[:10]) for a in own)
    return Grid(
        title=f"the first k results, categories 1 to 4: evidence, and tokens of context as a share"
        f" of those of the first 10 ({whole:,.0f} on average, {whole / 10:.0f} a line)",
        columns=("evidence", "tokens"),
        rows={
            f"first {cut}": (
                fmean(a.found(WHOLE, cut) for a in own),
                fmean(sum(a.tokens[:cut]) for a in own) / whole,
            )
            for cut in (2, 3, 4, 5, 6, 7, 8, 10, 12)
        },
    )


def _sessions(asked: Sequence[Asked]) -> Grid:
    return Grid(
        title=f"sessions, all five categories, of the first {SESSIONS} sessions among the results;"
        " to reach: any .95, all .87",
        columns=("any", "all"),
        rows={
            part: (
                fmean(a.any_session for a in some if a.sessions),
                fmean(a.all_sessions for a in some if a.sessions),
            )
            for part, some in _parts(asked).items()
            if some
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
