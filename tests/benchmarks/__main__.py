"""Run the benchmarks: `python -m tests.benchmarks --help`.

Exit code 1 means a wrong answer (a memory that is missing); time never fails a run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks import running, speed
from tests.benchmarks.figures import Section
from tests.benchmarks.load import load
from tests.benchmarks.local import clients, concurrency, footprint, start

SIZES = "1000,10000,100000"
PARTS = ("start", "clients", "footprint", "speed", "together", "load")


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for and print it; returns the exit code."""
    given = _parser().parse_args(argv)
    return running.run(lambda folder: _sections(given, folder), given.json)


def _sections(given: argparse.Namespace, folder: Path) -> Iterator[Section]:
    parts = [given.only] if given.only else list(PARTS)
    if "start" in parts:
        running.say("start: measuring")
        yield start.run(folder)
    if "clients" in parts:
        yield clients.run(folder, running.say)
    if "footprint" in parts:
        yield footprint.run(folder, running.say)
    if "speed" in parts:
        yield speed.run(given.sizes, folder, running.say)
    if "together" in parts:
        yield concurrency.run(folder, running.say)
    if "load" in parts:
        yield load.run(given.each, folder, running.say)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--sizes", type=_sizes, default=SIZES, metavar="N,N", help=f"stores (default {SIZES})"
    )
    parser.add_argument(
        "--each",
        type=int,
        default=load.EACH,
        metavar="N",
        help=f"memories of each of the {load.CLIENTS} clients of the load (default {load.EACH:,})",
    )
    parser.add_argument("--only", choices=PARTS, help="run one part")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    return parser


def _sizes(text: str) -> list[int]:
    sizes = [int(size) for size in text.split(",")]
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError("sizes are at least 1")
    return sizes


if __name__ == "__main__":
    raise SystemExit(main())
