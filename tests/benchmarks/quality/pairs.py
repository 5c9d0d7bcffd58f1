"""What becomes of a statement that repeats, rewords, contradicts or resembles another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio

from tests.benchmarks.figures import Check, Grid, Say, Section
from tests.benchmarks.local.stdio import Proxy, opened
from tests.benchmarks.quality.data import load

KINDS = ("duplicate", "paraphrase", "contradiction", "similar")
DISTINCT = ("contradiction", "similar")
_NOTES = (
    "of each of the project's own pairs the first statement is remembered, then the second, one"
    " by one, all in one store through the MCP stdio proxy",
    "merged: both are one memory; reported: `similar` names the first; conflict: it says that the"
    " two may conflict; kept: they are two memories",
)


def run(folder: Path, say: Say) -> Section:
    """Remember all pairs and count what became of them."""
    pairs = load("pairs")
    say(f"{len(pairs)} pairs")
    outcomes = anyio.run(_remember_all, pairs, folder / "pairs")
    rows = {
        kind: tuple(
            sum(done[what] for k, done in outcomes if k == kind)
            / sum(k == kind for k, _ in outcomes)
            for what in ("merged", "told", "conflict", "kept")
        )
        for kind in KINDS
    }
    lost = sum(not done["kept"] for kind, done in outcomes if kind in DISTINCT)
    return Section(
        title="pairs",
        notes=_NOTES,
        grids=(
            Grid(
                title="to reach: duplicates and paraphrases merged or reported .90, the others"
                " kept 1.00",
                columns=("merged", "merged or reported", "conflict", "kept"),
                rows=rows,
            ),
        ),
        checks=(
            Check(
                where="distinct memories", what="none is lost", ok=lost == 0, detail=f"{lost} lost"
            ),
        ),
    )


async def _remember_all(
    pairs: list[dict[str, str]], home: Path
) -> list[tuple[str, dict[str, bool]]]:
    async with opened(home, "pairs", "pairs") as transport:
        return [(pair["kind"], await _remember(transport, pair)) for pair in pairs]


async def _remember(transport: Proxy, pair: dict[str, str]) -> dict[str, bool]:
    (first,) = await transport.remember(pair["first"])
    (second,) = (await transport.remember_all(pair["second"]))["results"]
    near: dict[str, Any] = {similar["id"]: similar for similar in second.get("similar", [])}
    merged = second["id"] == first
    return {
        "merged": merged,
        "told": merged or first in near,
        "conflict": first in near and near[first]["may_conflict"],
        "kept": not merged,
    }
