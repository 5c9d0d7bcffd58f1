"""The figures that a benchmark gives, and what each is held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.benchmarks.timing import Spread

Say = Callable[[str], None]
"""Tells how far a benchmark is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """What a call takes as a multiple of something alone, in the same run.

    Of embedding the same text, of a Python that does nothing, or of the same call when there
    is one client only; the notes of the section say which.
    """

    where: str
    what: str
    alone: Spread
    whole: Spread
    calls: int
    target: float | None = None

    @property
    def p50(self) -> float:
        """Median over median."""
        return self.whole.p50_ms / self.alone.p50_ms

    @property
    def p95(self) -> float:
        """95th percentile over 95th percentile."""
        return self.whole.p95_ms / self.alone.p95_ms

    @property
    def verdict(self) -> str:
        """Whether the target is met, by the median and by the 95th percentile."""
        if self.target is None:
            return ""
        within = (self.p50 <= self.target, self.p95 <= self.target)
        return {
            (True, True): "pass",
            (True, False): "p50 passes, p95 falls short",
            (False, True): "p50 falls short, p95 passes",
            (False, False): "falls short",
        }[within]


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """One number in a unit; the target is its most, or with `at_least` its least."""

    where: str
    what: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.target is None:
            return ""
        met = self.value >= self.target if self.at_least else self.value <= self.target
        return "pass" if met else "falls short"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Something that must be so; when it is not, the run ends with exit code 1."""

    where: str
    what: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """Numbers in [0, 1] under named columns, by the name of their row."""

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The figures of one benchmark. `notes` say what exactly was done."""

    title: str
    notes: tuple[str, ...]
    ratios: tuple[Ratio, ...] = ()
    amounts: tuple[Amount, ...] = ()
    checks: tuple[Check, ...] = ()
    grids: tuple[Grid, ...] = ()
