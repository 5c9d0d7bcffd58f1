"""Figures of one service on one store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from mcp_memory.domain.memory import Caller, Status
from mcp_memory.domain.requests import Query
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service import MemoryService
from tests.benchmarks.figures import Amount, Check, Ratio
from tests.benchmarks.filling import BATCH, draft
from tests.benchmarks.layout import BULK_TARGET, DISK_TARGET, REMEMBER_TARGET, Layout
from tests.benchmarks.texts import question, statement
from tests.benchmarks.timing import interleaved, timed

RECALLS = 200
REMEMBERS = 100
WARM_UPS = 5
NEW = 10_000_000
"""Statements from this number on are in no store before they are measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is measured: a service, and the callers whose scopes are looked at in turn."""

    layout: Layout
    service: MemoryService
    embedder: Embedder
    callers: Sequence[Caller]


def recalls(subject: Subject) -> Ratio:
    """Recalls beside embedding each query alone."""
    callers = cycle(subject.callers)

    def recall(query: str) -> None:
        subject.service.recall(next(callers), Query(query=query))

    for number in range(WARM_UPS):
        recall(question(NEW + number))
    queries = [question(number) for number in range(RECALLS)]
    pairs = interleaved(queries, subject.embedder.embed_query, recall)
    return Ratio(
        where=subject.layout.name,
        what="recall",
        alone=pairs.alone,
        whole=pairs.whole,
        calls=RECALLS,
        target=subject.layout.recall_target,
    )


def remembers(subject: Subject) -> tuple[Ratio, Check]:
    """Single remembers beside embedding each text alone; and whether all are found again."""
    callers = cycle(subject.callers)
    stored: list[tuple[Caller, str, str]] = []

    def remember(text: str) -> None:
        caller = next(callers)
        (done,) = subject.service.remember(caller, [draft(text, len(stored))])
        stored.append((caller, text, done.id))

    for number in range(WARM_UPS):
        remember(statement(NEW + number, NEW + number))
    texts = new_statements(REMEMBERS, NEW + WARM_UPS)
    pairs = interleaved(texts, lambda text: subject.embedder.embed([text]), remember)
    ratio = Ratio(
        where=subject.layout.name,
        what="remember",
        alone=pairs.alone,
        whole=pairs.whole,
        calls=REMEMBERS,
        target=REMEMBER_TARGET,
    )
    return ratio, _found_again(subject, stored)


def new_statements(count: int, start: int) -> list[str]:
    """Statements of topics that no store has."""
    return [statement(number, number) for number in range(start, start + count)]


def bulk(subject: Subject, texts: Sequence[str]) -> Amount:
    """Remember the texts in batches of 100, in turn with embedding each batch alone."""
    alone_s = whole_s = 0.0
    for start in range(0, len(texts), BATCH):
        batch = list(texts[start : start + BATCH])
        drafts = [draft(text, start + i) for i, text in enumerate(batch)]
        alone_s += timed(lambda batch=batch: subject.embedder.embed(batch))
        whole_s += timed(lambda drafts=drafts: subject.service.remember(subject.callers[0], drafts))
    return Amount(
        where=subject.layout.name,
        what=f"bulk loading, {len(texts) / whole_s:,.0f}/s of {len(texts) / alone_s:,.0f}/s",
        value=100 * alone_s / whole_s,
        unit="% of embedding alone",
        target=BULK_TARGET,
        at_least=True,
    )


def disk(layout: Layout, home: Path) -> Amount:
    """The bytes of all files in the home folder, a memory."""
    total = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
    return Amount(
        where=layout.name,
        what=f"disk, {total / 1e6:,.1f} MB in all",
        value=total / layout.memories,
        unit="bytes a memory",
        target=DISK_TARGET,
    )


def counted(layout: Layout, service: MemoryService, callers: Iterable[Caller]) -> Check:
    """Whether every caller together sees all that was stored."""
    found = sum(
        service.stats(caller)["by_status"].get(Status.ACTIVE.value, 0) for caller in callers
    )
    return Check(
        where=layout.name,
        what="every memory that was loaded is there",
        ok=found == layout.memories,
        detail=f"{found:,} of {layout.memories:,}",
    )


def _found_again(subject: Subject, stored: Sequence[tuple[Caller, str, str]]) -> Check:
    missing = [
        memory_id
        for caller, text, memory_id in stored
        if memory_id not in _ids(subject.service, caller, text)
    ]
    return Check(
        where=subject.layout.name,
        what="what was just remembered is recalled by its own words",
        ok=not missing,
        detail=f"{len(stored) - len(missing)} of {len(stored)}",
    )


def _ids(service: MemoryService, caller: Caller, text: str) -> set[str]:
    return {item.memory.id for item in service.recall(caller, Query(query=text)).memories}
