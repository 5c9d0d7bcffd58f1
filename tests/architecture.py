"""The packages of mcp-memory, what each may import, and what each does import.

`python -m tests.architecture` prints the tree with its files, the circles, and the imports
against the order. `LAYERS`, `SERVICE` and `EMBEDDED` are the only lists of the order there are:
the tests and the documentation read them here.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "mcp_memory"

Order = Sequence[frozenset[str]]
"""Steps, the lowest first. What stands in one step imports the steps before it, and itself."""


def _order(text: str) -> Order:
    return tuple(frozenset(step.replace(",", " ").split()) for step in text.split("<"))


LAYERS = _order(
    "errors, system, telemetry < domain < config < storage, identity"
    " < auth, embedding, ranking, policies < service < runtime, tools"
    " < library, client, integrations, admin, ipc < server < http, ui, proxy"
    " < daemon < cli < __main__ < launch"
)
"""The order of the packages and modules at the top, those to come included."""

SERVICE = _order(
    "locks, policy, type_checks < periods, echo, trace_buffer < core, validation < query"
    " < recall, remember, adoption, ingest"
    " < forget, update, views, maintenance, review, consolidate < service"
)
"""The order inside `service`."""

EMBEDDED = _order(
    "shared < record, index, lag, lock < repair, conflicts < erase, group_commit, sync"
    " < ownership < store"
)
"""The order inside `storage.embedded`. Record and index, in one step, do not import each other."""

ORDERS: Mapping[str, Order] = {
    PACKAGE: LAYERS,
    f"{PACKAGE}.service": SERVICE,
    f"{PACKAGE}.storage.embedded": EMBEDDED,
}

STDLIB_ONLY = ("system", "ipc", "proxy")
"""Packages that the proxy, which a client waits for, may load: the standard library only."""

CODE = (PACKAGE, "tests", "examples")
FOLDER_FILES_MAX = 15
TOP_MODULES_MAX = 8
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Arrow:
    """One module imports another, at run time or for its types only."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


def modules(root: Path = ROOT) -> dict[str, Path]:
    """The modules of the package by dotted name; a package's `__init__` has the package's name."""
    found: dict[str, Path] = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, at any level and under any condition."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows(root: Path = ROOT) -> set[Arrow]:
    """Every import of one module of the package by another."""
    known = modules(root)
    result: set[Arrow] = set()
    for source, path in known.items():
        for name in imported(path):
            target = name if name in known else name.rpartition(".")[0]
            if target in known and target not in (source, PACKAGE) and source != PACKAGE:
                result.add(Arrow(source=source, target=target))
    return result


def unit(module: str, within: str) -> str:
    """The part of a package that a module belongs to; "" outside it or for its `__init__`."""
    prefix = within + "."
    return module[len(prefix) :].partition(".")[0] if module.startswith(prefix) else ""


def against_the_order(found: Iterable[Arrow], within: str, order: Order) -> list[Arrow]:
    """Imports of a later step, or of a neighbour in the same one."""
    step = {name: number for number, names in enumerate(order) for name in names}
    wrong: list[Arrow] = []
    for arrow in sorted(found):
        source, target = unit(arrow.source, within), unit(arrow.target, within)
        if source and target and source != target and step[target] >= step[source]:
            wrong.append(arrow)
    return wrong


def circle(found: Iterable[Arrow]) -> list[str]:
    """Modules of which each imports the next, and the last is the first; [] if there are none."""
    graph: dict[str, set[str]] = {}
    for arrow in sorted(found):
        graph.setdefault(arrow.source, set()).add(arrow.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])[::-1]
    return []


def folders(root: Path = ROOT) -> Counter[str]:
    """How many files each folder of the package, the tests and the examples holds."""
    paths = (path for room in CODE for path in (root / room).rglob("*") if path.is_file())
    return Counter(
        path.parent.relative_to(root).as_posix()
        for path in paths
        if "__pycache__" not in path.parts and path.name != ".DS_Store"
    )


def main() -> int:
    """Print the tree and what is wrong with it; returns 1 if anything is."""
    found = arrows()
    for folder, count in sorted(folders().items()):  # a folder, and how many files lie in it
        depth = folder.count("/")
        print(f"{count:4}  {'  ' * depth}{folder.rpartition('/')[2]}/")
    ring = circle(found)
    wrong = [
        arrow
        for within, order in ORDERS.items()
        for arrow in against_the_order(found, within, order)
    ]
    print(f"\n{len(modules())} modules, {len(found)} imports between them")
    print("circles:", " -> ".join(ring) or 0)
    print(f"against the order: {len(wrong)}", *wrong, sep="\n  ")
    return 1 if ring or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
