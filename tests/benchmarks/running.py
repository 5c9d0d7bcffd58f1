"""How a benchmark programme runs: measure, print, write JSON, and say by the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import machine, report
from tests.benchmarks.figures import Section
from tests.benchmarks.local.stdio import WrongAnswer


def run(sections_in: Callable[[Path], Iterator[Section]], into: Path | None) -> int:
    """Print all sections, made in a folder that goes afterwards, and write them as JSON `into`
    a file if one is given. The exit code: 1 means a wrong answer.
    """
    described = machine.described()
    try:
        with TemporaryDirectory(prefix="mcp-memory-bench-") as folder:
            sections = list(sections_in(Path(folder)))
    except WrongAnswer as error:
        print(f"WRONG  {error}", file=sys.stderr)
        return 1
    print(report.text(described, sections))
    if into:
        document = report.document(described, sections)
        into.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return 0 if all(check.ok for section in sections for check in section.checks) else 1


def say(line: str) -> None:
    """Tell how far it is."""
    print(f"... {line}", file=sys.stderr, flush=True)
