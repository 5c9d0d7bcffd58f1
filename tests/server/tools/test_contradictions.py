"""Contradictions and what only resembles them, through the proxy: a sample of the quality set."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.quality.conflicts import CONTRADICTIONS
from tests.benchmarks.quality.data import load
from tests.support.mcp_client import ERAS, call, connect, model_is_there, remember


def sample() -> list[dict[str, str]]:
    """The first contradiction of each kind that a language has, and what is none."""
    pairs: list[dict[str, str]] = [p for p in load("conflicts") if p["half"] == "chosen"]
    first = {(p["language"], p["kind"]): p for p in reversed(pairs)}
    kinds = ("change", "negation", "elaboration", "episode")
    return [pair for (_, kind), pair in first.items() if kind in kinds]


@pytest.mark.anyio
async def test_what_ended_is_told_and_what_did_not_is_left_alone(tmp_path: Path) -> None:
    pairs = sample()
    assert len(pairs) > 20
    async with connect(tmp_path / "home", ERAS[0]) as client:
        await model_is_there(client)
        for pair in pairs:
            kind = "episode" if pair["kind"] == "episode" else "fact"
            tag = f"{pair['language']}-{pair['topic']}-{pair['kind']}"
            first = await remember(client, pair["first"], type=kind, tags=[tag])
            second = {"content": pair["second"], "type": kind, "tags": [tag]}
            told = (await call(client, "remember", memories=[second]))["results"][0]
            found = await call(client, "recall", query=pair["question"], tags=[tag], explain=True)
            ends = pair["kind"] in CONTRADICTIONS
            marked = {m["content"] for m in found["memories"] if "outdated" in m["why"]}
            rivals = [s["id"] for s in told.get("similar", []) if s.get("may_conflict")]
            assert (first in rivals) == ends, (pair, told)
            assert marked == ({pair["first"]} if ends else set()), pair
            if ends:
                assert found["memories"][0]["content"] == pair["second"], pair
