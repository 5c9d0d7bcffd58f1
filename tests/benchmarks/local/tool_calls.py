"""Recall and remember through the MCP stdio proxy, beside embedding the same text alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcp_memory.domain.ids import ending
from mcp_memory.embedding.embedder import Embedder
from tests.benchmarks.figures import Check, Ratio
from tests.benchmarks.filling import PROJECT
from tests.benchmarks.layout import PROCESSES_AT, Layout
from tests.benchmarks.local import resident
from tests.benchmarks.local.stdio import Proxy, opened
from tests.benchmarks.measuring import NEW, RECALLS, REMEMBERS, WARM_UPS, new_statements
from tests.benchmarks.texts import question
from tests.benchmarks.timing import Pairs, interleaved_async
from tests.support.daemon import daemon_pid

_WHERE = f"{Layout(memories=PROCESSES_AT).name}, MCP over stdio"
_UNUSED = NEW + 100_000
"""Statements from this number on are not used elsewhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Through:
    """What was measured through the proxy. `resident_bytes` are the daemon's, 0 if unknown."""

    ratios: tuple[Ratio, Ratio]
    check: Check
    resident_bytes: int


async def measure(home: Path, user: str, embedder: Embedder) -> Through:
    """Start the real server on the store in `home` and call it with the official client."""
    async with opened(home, user, PROJECT) as proxy:
        for number in range(WARM_UPS):
            await proxy.recalled(question(NEW + number))
        queries = [question(number) for number in range(RECALLS)]
        recalls = await interleaved_async(queries, embedder.embed_query, proxy.recalled)
        resident_bytes = resident.resident_bytes(daemon_pid(home))
        remembers, check = await _remembers(proxy, embedder)
    return Through(
        ratios=(_ratio("recall", recalls), _ratio("remember", remembers)),
        check=check,
        resident_bytes=resident_bytes,
    )


async def _remembers(proxy: Proxy, embedder: Embedder) -> tuple[Pairs, Check]:
    stored: dict[str, str] = {}

    async def remember(text: str) -> None:
        (stored[text],) = await proxy.remember({"content": text, "scope": "project"})

    texts = new_statements(REMEMBERS, _UNUSED)
    pairs = await interleaved_async(texts, lambda text: embedder.embed([text]), remember)
    found = 0
    for text, memory_id in stored.items():
        found += ending(memory_id) in await proxy.recalled(text)
    check = Check(
        where=_WHERE,
        what="what was just remembered is recalled by its own words",
        ok=found == len(stored),
        detail=f"{found} of {len(stored)}",
    )
    return pairs, check


def _ratio(what: str, pairs: Pairs) -> Ratio:
    return Ratio(
        where=_WHERE,
        what=what,
        alone=pairs.alone,
        whole=pairs.whole,
        calls=len(pairs.whole_s),
    )
