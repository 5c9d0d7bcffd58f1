"""What becomes of a statement that a later one ends, in seven languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import anyio

from tests.benchmarks.figures import Grid, Say, Section
from tests.benchmarks.local.stdio import Proxy, opened
from tests.benchmarks.quality.data import load

CONTRADICTIONS = ("change", "negation", "past", "value")
HALVES = ("chosen", "reported")
_NOTES = (
    "312 pairs of the project's own in seven languages; half of them contradict each other, the"
    " others elaborate, add, happened, or are about something else. All first statements are"
    " remembered, then all second ones, in one store through the MCP stdio proxy, and each pair's"
    " question is recalled (limit 10)",
    "the rules were made on the topics of the half `chosen`; those of `reported` were only scored",
    "told: remember's `similar` says that the two may conflict; outdated: recall marks the first"
    " as possibly outdated; fresh: the second came, and before the first or without it. For what"
    " contradicts nothing, told and outdated are false alarms",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one pair; see the notes."""

    pair: Mapping[str, str]
    told: bool
    outdated: bool
    fresh: bool

    @property
    def contradicts(self) -> bool:
        """Whether the second statement ends the first."""
        return self.pair["kind"] in CONTRADICTIONS


def run(folder: Path, say: Say) -> Section:
    """Remember all pairs and ask each question."""
    pairs = load("conflicts")
    say(f"{len(pairs)} pairs")
    outcomes = anyio.run(_ask_all, pairs, folder / "conflicts")
    return Section(
        title="contradictions in seven languages",
        notes=_NOTES,
        grids=(
            Grid(
                title="to reach on the reported half: told and outdated .80, false alarms .05",
                columns=("told", "outdated", "fresh", "false told", "false outdated"),
                rows=dict(_rows(outcomes)),
            ),
        ),
    )


def _rows(outcomes: list[Outcome]) -> Iterable[tuple[str, tuple[float, ...]]]:
    for half in HALVES:
        own = [o for o in outcomes if o.pair["half"] == half]
        yield f"{half} ({len(own)})", _shares(own)
        for code in dict.fromkeys(o.pair["language"] for o in own):
            some = [o for o in own if o.pair["language"] == code]
            yield f"  {half} {code} ({len(some)})", _shares(some)


def _shares(outcomes: list[Outcome]) -> tuple[float, ...]:
    right = [o for o in outcomes if o.contradicts]
    wrong = [o for o in outcomes if not o.contradicts]
    return (
        fmean(o.told for o in right),
        fmean(o.outdated for o in right),
        fmean(o.fresh for o in right),
        fmean(o.told for o in wrong),
        fmean(o.outdated for o in wrong),
    )


async def _ask_all(pairs: list[dict[str, str]], home: Path) -> list[Outcome]:
    async with opened(home, "conflicts", "conflicts") as transport:
        firsts = [(await transport.remember(_memory(pair, "first")))[0] for pair in pairs]
        answers = [await transport.remember_all(_memory(pair, "second")) for pair in pairs]
        return [
            await _outcome(transport, pair, first, answer["results"][0])
            for pair, first, answer in zip(pairs, firsts, answers, strict=True)
        ]


def _memory(pair: Mapping[str, str], part: str) -> dict[str, str]:
    return {"content": pair[part], "type": "episode" if pair["kind"] == "episode" else "fact"}


async def _outcome(
    transport: Proxy, pair: dict[str, str], first: str, second: dict[str, Any]
) -> Outcome:
    found = await transport.recall(pair["question"], limit=10, max_tokens=20_000)
    memories = found["memories"]
    place = {memory["id"]: n for n, memory in enumerate(memories)}
    last = len(memories)
    return Outcome(
        pair=pair,
        told=any(s.get("may_conflict") for s in second.get("similar", []) if s["id"] == first),
        outdated=any("outdated" in m["why"] for m in memories if m["id"] == first),
        fresh=place.get(second["id"], last) < place.get(first, last),
    )
