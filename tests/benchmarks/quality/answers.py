"""Honesty: does recall abstain where nothing answers, and find what does?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import anyio

from tests.benchmarks.figures import Grid, Say, Section
from tests.benchmarks.local.stdio import Proxy, opened
from tests.benchmarks.quality.data import load

CUTS = (1, 5, 10)
_README = Path(__file__).parents[3] / "README.md"
_PASTED_CHARS = 3000
_NOTES = (
    "120 memories of one user; 100 questions that one of them answers, a third of them in wholly"
    " other words; 100 that none does, 60 on subjects never touched (far), 40 on something that"
    " was mentioned (near)",
    "abstained: nothing came back; weak: what came back was said to be weak; lost: answerable, and"
    " recall abstained",
    "pasted: the same questions after 3,000 characters of this project's README",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What one question brought: the place of its memory (-1 nowhere), and how it was told."""

    place: int
    abstained: bool
    weak: bool


def run(folder: Path, say: Say) -> Section:
    """Ask everything."""
    data = load("answers")
    say(f"{len(data['answerable'])} answerable, {len(data['unanswerable'])} unanswerable questions")
    asked = anyio.run(_ask_all, data, folder / "answers")
    return Section(
        title="answers and honesty",
        notes=_NOTES,
        grids=(
            Grid(
                title="answerable: share whose memory is in the top",
                columns=tuple(f"@{cut}" for cut in CUTS),
                rows={
                    name: tuple(fmean(0 <= a.place < cut for a in asked[name]) for cut in CUTS)
                    for name in ("answerable", "pasted")
                },
            ),
            Grid(
                title="to reach: unanswerable abstained .60 at .03 of the answerable lost",
                columns=("abstained", "abstained or weak"),
                rows={
                    name: (
                        fmean(a.abstained for a in found),
                        fmean(a.abstained or a.weak for a in found),
                    )
                    for name, found in asked.items()
                },
            ),
        ),
    )


async def _ask_all(data: dict[str, Any], home: Path) -> Mapping[str, list[Asked]]:
    async with opened(home, "answers", "answers") as transport:
        ids: list[str] = []
        contents = [memory["content"] for memory in data["memories"]]
        for start in range(0, len(contents), 60):
            ids += await transport.remember(*({"content": c} for c in contents[start : start + 60]))
        page = _README.read_text("utf-8")[:_PASTED_CHARS]
        asked: list[dict[str, Any]] = data["answerable"]
        answerable: list[tuple[str, str]] = [(str(q["query"]), ids[q["memory"]]) for q in asked]
        unanswerable: list[dict[str, str]] = data["unanswerable"]
        return {
            "answerable": [await _ask(transport, query, found) for query, found in answerable],
            "pasted": [
                await _ask(transport, f"{page}\n\n{query}", found) for query, found in answerable
            ],
            "unanswerable": [await _ask(transport, q["query"]) for q in unanswerable],
            "  far": [
                await _ask(transport, q["query"]) for q in unanswerable if q["kind"] == "far"
            ],
            "  near": [
                await _ask(transport, q["query"]) for q in unanswerable if q["kind"] == "near"
            ],
        }


async def _ask(transport: Proxy, query: str, memory_id: str = "") -> Asked:
    answer = await transport.recall(query, limit=10, max_tokens=20_000)
    found = [memory["id"] for memory in answer["memories"]]
    return Asked(
        place=found.index(memory_id) if memory_id in found else -1,
        abstained=answer["abstained"],
        weak="weak matches" in answer.get("reason", ""),
    )
