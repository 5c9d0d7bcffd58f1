"""Score what recall brings back: `python -m tests.benchmarks.quality --help`.

Everything goes through the MCP stdio proxy of the real server, with default settings and the
bundled model. Exit code 1 means a wrong answer; a figure that falls short is only printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks import running
from tests.benchmarks.figures import Section
from tests.benchmarks.quality import answers, conflicts, facts, languages, pairs, turns, year

PARTS = ("turns", "facts", "pairs", "conflicts", "year", "languages", "answers")


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for and print it; returns the exit code."""
    given = _parser().parse_args(argv)
    return running.run(lambda folder: _sections(given, folder), given.json)


def _sections(given: argparse.Namespace, folder: Path) -> Iterator[Section]:
    parts = given.only or PARTS
    if "turns" in parts and given.locomo:
        yield turns.run(given.locomo, folder, running.say)
    if "facts" in parts and given.facts:
        yield facts.run(given.facts, folder, running.say)
    for name, own in (
        ("pairs", pairs),
        ("conflicts", conflicts),
        ("year", year),
        ("languages", languages),
        ("answers", answers),
    ):
        if name in parts:
            yield own.run(folder, running.say)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.quality", description=__doc__)
    parser.add_argument("--locomo", type=Path, metavar="FILE", help="locomo10.json of LoCoMo")
    parser.add_argument(
        "--facts", type=Path, metavar="FILE", help="single-hop FactConsolidation, as JSON"
    )
    parser.add_argument("--only", choices=PARTS, nargs="+", help="run these parts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
