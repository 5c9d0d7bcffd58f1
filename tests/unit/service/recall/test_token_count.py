"""The tokens that recall counts are never fewer than those that a model reads.

The data file has the counts of o200k, as `make tokens` made them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service.recall.token_count import at_most

SAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "tokens.json").read_text("utf-8")
)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["name"])
def test_the_count_is_not_below_that_of_o200k(embedder: Embedder, sample: dict[str, Any]) -> None:
    assert at_most(embedder.count_tokens)(sample["text"]) >= sample["tokens"] > 0


def test_nor_is_it_far_above(embedder: Embedder) -> None:
    count = at_most(embedder.count_tokens)
    prose = [s for s in SAMPLES if s["name"] in ("English prose", "log line", "Python code")]
    assert len(prose) == 3
    for sample in prose:
        assert count(sample["text"]) <= 1.6 * sample["tokens"]


def test_nothing_takes_nothing(embedder: Embedder) -> None:
    assert at_most(embedder.count_tokens)("") == 0
