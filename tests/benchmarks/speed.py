"""How fast and how large: each store in turn, at the service and through the MCP proxy."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from mcp_memory.domain.memory import Caller
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service import MemoryService
from mcp_memory.storage.embedded import open_embedded
from tests.benchmarks import filling, measuring
from tests.benchmarks.figures import Amount, Check, Ratio, Say, Section
from tests.benchmarks.filling import Pool
from tests.benchmarks.layout import RESIDENT_TARGET, SCOPES, Layout
from tests.benchmarks.local import resident, tool_calls
from tests.benchmarks.measuring import RECALLS, REMEMBERS, Subject
from tests.benchmarks.texts import statements

MEASURED_SCOPES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class _Gathered:
    """The figures so far."""

    ratios: list[Ratio] = field(default_factory=list[Ratio])
    amounts: list[Amount] = field(default_factory=list[Amount])
    checks: list[Check] = field(default_factory=list[Check])


def run(sizes: Sequence[int], folder: Path, say: Say) -> Section:
    """Measure stores of these sizes, each in one scope; the largest over 1,000 scopes too."""
    embedder = Embedder()
    layouts = [Layout(memories=size) for size in sizes]
    filled = [size for size in sizes if size > filling.LOADED_MAX]
    pool = None
    if filled:
        say(f"embedding {filling.POOL:,} statements to fill the larger stores with")
        pool = Pool.embedded(embedder)
        layouts.append(Layout(memories=max(filled), scopes=SCOPES))
    gathered = _Gathered()
    for layout in layouts:
        home = folder / layout.name.replace(" ", "-")
        _measure(layout, home, embedder, pool, (gathered, say))
        shutil.rmtree(home)
    return Section(
        title="speed and size",
        notes=_notes(bool(filled)),
        ratios=tuple(gathered.ratios),
        amounts=tuple(gathered.amounts),
        checks=tuple(gathered.checks),
    )


def _notes(has_filled: bool) -> tuple[str, ...]:
    notes = [
        "statements of 8 to 60 words and questions from templates of our own, words drawn by"
        " Zipf-Mandelbrot; the bundled model, one thread; the memories lie in the caller's"
        " project, and a recall searches all five scopes",
        f"a ratio: {RECALLS} recalls (or {REMEMBERS} single remembers), in turn with embedding"
        " the same text alone; p50 is median over median, p95 is 95th percentile over 95th",
        f"stores up to {filling.LOADED_MAX:,} are loaded by remember in batches of"
        f" {filling.BATCH}, in turn with embedding the same batch alone: the bulk figure",
    ]
    if has_filled:
        notes.append(
            f"larger stores are not embedded one by one: {filling.POOL:,} statements are, the"
            " others vary these in names, dates and numbers, with a vector moved to a cosine of"
            f" {filling.VARIED_COSINE} (the median for real embeddings of such pairs), and all"
            " are written straight into the store"
        )
    return tuple(notes)


def _measure(
    layout: Layout, home: Path, embedder: Embedder, pool: Pool | None, to: tuple[_Gathered, Say]
) -> None:
    gathered, say = to
    store = open_embedded(home, embedder.space)
    service = MemoryService(store, embedder)
    service.start()
    scopes = [filling.made_caller(f"user{i:04}") for i in range(layout.scopes)]
    callers = scopes[:: max(1, layout.scopes // MEASURED_SCOPES)]
    subject = Subject(layout=layout, service=service, embedder=embedder, callers=callers)
    try:
        say(f"{layout.name}: loading")
        if pool is None or layout.memories <= filling.LOADED_MAX:
            texts = [text for _, text in statements(layout.memories, layout.memories)]
            gathered.amounts.append(measuring.bulk(subject, texts))
        else:
            filling.fill(store, scopes, layout.memories, pool)
        service.upkeep()
        say(f"{layout.name}: measuring")
        gathered.amounts.append(measuring.disk(layout, home))
        gathered.checks.append(measuring.counted(layout, service, scopes))
        gathered.ratios.append(measuring.recalls(subject))
        ratio, check = measuring.remembers(subject)
        gathered.ratios.append(ratio)
        gathered.checks.append(check)
    finally:
        service.close()
    if layout.with_processes:
        say(f"{layout.name}: measuring through the MCP proxy")
        _measure_processes(layout, home, embedder, scopes[0], gathered)


def _measure_processes(
    layout: Layout, home: Path, embedder: Embedder, caller: Caller, gathered: _Gathered
) -> None:
    """What needs a process of its own: the resident memory and the MCP proxy."""
    at_service = resident.after_recalls(home, caller.user)
    found = anyio.run(tool_calls.measure, home, caller.user, embedder)
    gathered.ratios.extend(found.ratios)
    gathered.checks.append(found.check)
    gathered.amounts.extend(
        Amount(where=layout.name, what=what, value=value / 1e6, unit="MB", target=RESIDENT_TARGET)
        for what, value in (
            (f"resident, the service alone, after {resident.RECALLS} recalls", at_service),
            (f"resident, the daemon, after {RECALLS} recalls", found.resident_bytes),
        )
        if value
    )
