"""Identifiers, and languages other than English, among the other sets' memories."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

import anyio

from tests.benchmarks.figures import Grid, Say, Section
from tests.benchmarks.local.stdio import Proxy, opened
from tests.benchmarks.quality.data import load

CUTS = (1, 5)
_NOTES = (
    "60 memories with one query each, of which 24 ask by an identifier that a near-twin differs"
    " from in a character and 36 are in twelve languages, in one store with the 120 memories of"
    " the answers set, through the MCP stdio proxy",
    "a figure is the share of queries whose memory is in the top k (recall limit 10)",
)


def run(folder: Path, say: Say) -> Section:
    """Remember everything and ask each query."""
    items = load("languages")
    say(f"{len(items)} queries")
    places = anyio.run(_ask_all, items, folder / "languages")
    groups = {"identifiers": "identifier", "languages": "language"}
    chosen = {
        name: [p for item, p in zip(items, places, strict=True) if item["kind"] == kind]
        for name, kind in groups.items()
    }
    for language in sorted({item["language"] for item in items if item["kind"] == "language"}):
        chosen[f"  {language}"] = [
            p
            for item, p in zip(items, places, strict=True)
            if item["kind"] == "language" and item["language"] == language
        ]
    return Section(
        title="identifiers and languages",
        notes=_NOTES,
        grids=(
            Grid(
                title="share of queries whose memory is in the top",
                columns=tuple(f"@{cut}" for cut in CUTS),
                rows={
                    f"{name} ({len(found)})": tuple(
                        fmean(0 <= p < cut for p in found) for cut in CUTS
                    )
                    for name, found in chosen.items()
                },
            ),
        ),
    )


async def _ask_all(items: list[dict[str, str]], home: Path) -> list[int]:
    async with opened(home, "languages", "languages") as transport:
        others: list[dict[str, Any]] = load("answers")["memories"]
        ids = await transport.remember(*({"content": item["memory"]} for item in items))
        for start in range(0, len(others), 60):
            await transport.remember(
                *({"content": o["content"]} for o in others[start : start + 60])
            )
        return [
            await _place(transport, item["query"], memory_id)
            for item, memory_id in zip(items, ids, strict=True)
        ]


async def _place(transport: Proxy, query: str, memory_id: str) -> int:
    answer = await transport.recall(query, limit=10, max_tokens=20_000)
    found = [memory["id"] for memory in answer["memories"]]
    return found.index(memory_id) if memory_id in found else -1
