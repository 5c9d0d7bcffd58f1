"""The figures as plain text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from tests.benchmarks.figures import Amount, Check, Grid, Ratio, Section

_WIDTH = 110
_SMALL = 20
"""Figures below this are shown with a decimal."""


def text(machine: Mapping[str, str], sections: Sequence[Section]) -> str:
    """Everything as a plain text of tables."""
    width = max(map(len, machine))
    head = [f"{name:<{width}}  {value}" for name, value in machine.items()]
    return "\n".join((*head, *(line for section in sections for line in _section(section))))


def document(machine: Mapping[str, str], sections: Sequence[Section]) -> dict[str, Any]:
    """The same as a JSON object, verdicts and multiples included."""
    return {"machine": dict(machine), "sections": [_plain(section) for section in sections]}


def _plain(section: Section) -> dict[str, Any]:
    return {
        **asdict(section),
        "ratios": [
            {**asdict(r), "p50": r.p50, "p95": r.p95, "verdict": r.verdict} for r in section.ratios
        ],
        "amounts": [{**asdict(a), "verdict": a.verdict} for a in section.amounts],
        "grids": [{**asdict(g), "rows": dict(g.rows)} for g in section.grids],
    }


def _section(section: Section) -> Iterator[str]:
    yield ""
    yield section.title.upper()
    for note in section.notes:
        yield from wrap(note, _WIDTH, initial_indent="- ", subsequent_indent="  ")
    if section.ratios:
        yield ""
        yield from _ratios(section.ratios)
    if section.amounts:
        yield ""
        yield from _amounts(section.amounts)
    for grid in section.grids:
        yield ""
        yield from _grid(grid)
    if section.checks:
        yield ""
        yield from map(_check, section.checks)


def _ratios(ratios: Sequence[Ratio]) -> Iterator[str]:
    header = ("store", "call", "alone p50/p95 ms", "call p50/p95 ms", "times p50/p95", "target", "")
    yield from _table(
        [
            header,
            *(
                (
                    r.where,
                    r.what,
                    f"{r.alone.p50_ms:.2f} / {r.alone.p95_ms:.2f}",
                    f"{r.whole.p50_ms:.2f} / {r.whole.p95_ms:.2f}",
                    f"{r.p50:.2f}x / {r.p95:.2f}x",
                    "" if r.target is None else f"<= {r.target:g}x",
                    r.verdict,
                )
                for r in ratios
            ),
        ]
    )


def _amounts(amounts: Sequence[Amount]) -> Iterator[str]:
    yield from _table(
        [
            ("store", "what", "figure", "target", ""),
            *(
                (
                    a.where,
                    a.what,
                    f"{a.value:,.{int(abs(a.value) < _SMALL)}f} {a.unit}",
                    "" if a.target is None else f"{'>=' if a.at_least else '<='} {a.target:,g}",
                    a.verdict,
                )
                for a in amounts
            ),
        ]
    )


def _grid(grid: Grid) -> Iterator[str]:
    yield grid.title
    yield from _table(
        [
            ("", *grid.columns),
            *((name, *(f"{value:.3f}" for value in row)) for name, row in grid.rows.items()),
        ]
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _check(check: Check) -> str:
    detail = f" ({check.detail})" if check.detail else ""
    return f"{'ok   ' if check.ok else 'WRONG'}  {check.where}: {check.what}{detail}"
