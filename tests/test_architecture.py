"""Imports go one way, folders and files stay small: the rules of the code's layout."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.architecture import (
    CODE,
    FILE_LINES_MAX,
    FOLDER_FILES_MAX,
    FUNCTION_LINES_MAX,
    ORDERS,
    PACKAGE,
    ROOT,
    STDLIB_ONLY,
    TOP_MODULES_MAX,
    Arrow,
    against_the_order,
    arrows,
    circle,
    folders,
    imported,
    modules,
    unit,
)

SOURCES = sorted(path for room in CODE for path in (ROOT / room).rglob("*.py"))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("within", ORDERS)
def test_every_part_has_its_place_in_the_order(within: str) -> None:
    placed = [name for step in ORDERS[within] for name in step]
    parts = {unit(module, within) for module in modules()} - {""}
    assert len(placed) == len(set(placed))
    assert parts - set(placed) == set()


@pytest.mark.parametrize("within", ORDERS)
def test_no_import_goes_against_the_order(within: str) -> None:
    assert [str(arrow) for arrow in against_the_order(arrows(), within, ORDERS[within])] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circle(arrows()) == []


@pytest.mark.parametrize("package", STDLIB_ONLY)
def test_the_start_path_needs_the_standard_library_alone(package: str) -> None:
    allowed = {*sys.stdlib_module_names, PACKAGE}
    foreign = [
        f"{module} imports {name}"
        for module, path in modules().items()
        if unit(module, PACKAGE) == package
        for name in imported(path)
        if name.partition(".")[0] not in allowed
    ]
    assert foreign == []


@pytest.mark.parametrize("package", STDLIB_ONLY)
def test_the_start_path_imports_no_other_package_of_ours(package: str) -> None:
    targets = {
        unit(arrow.target, PACKAGE) for arrow in arrows() if unit(arrow.source, PACKAGE) == package
    }
    assert targets <= set(STDLIB_ONLY)


PLANTED = [
    ("storage/contract.py", "from mcp_memory.service import policy"),
    ("system/paths.py", "import mcp_memory.daemon.daemon"),
    ("http/server.py", "if TYPE_CHECKING:\n    from mcp_memory.daemon.daemon import Daemon"),
    ("http/server.py", "def late() -> None:\n    from mcp_memory.proxy import proxy"),
    ("service/policy.py", "from mcp_memory.service.recall import recall"),
    ("storage/embedded/index/index.py", "from mcp_memory.storage.embedded.record import rows"),
    ("storage/embedded/record/rows.py", "import mcp_memory.storage.embedded.index.index"),
]


@pytest.mark.parametrize(("name", "line"), PLANTED)
def test_a_planted_import_is_found(name: str, line: str, tmp_path: Path) -> None:
    for module, path in modules().items():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("" if module != PACKAGE else "TYPE_CHECKING = False\n")
    (tmp_path / PACKAGE / name).write_text(line + "\n")
    wrong = [
        arrow
        for within, order in ORDERS.items()
        for arrow in against_the_order(arrows(tmp_path), within, order)
    ]
    assert len(wrong) == 1


def test_a_circle_is_found() -> None:
    steps = ["a", "b", "c", "a"]
    ring = {Arrow(source=s, target=t) for s, t in pairwise(steps)}
    assert set(circle(ring | {Arrow(source="x", target="a")})) == {"a", "b", "c"}


def test_no_folder_holds_too_many_files() -> None:
    assert {name: n for name, n in folders().items() if n > FOLDER_FILES_MAX} == {}


def test_few_modules_lie_at_the_top_of_the_package() -> None:
    assert len(list((ROOT / PACKAGE).glob("*.py"))) <= TOP_MODULES_MAX


def test_no_file_is_too_long() -> None:
    lengths = {shown(f): len(f.read_text("utf-8").splitlines()) for f in SOURCES}
    assert {name: n for name, n in lengths.items() if n > FILE_LINES_MAX} == {}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{shown(file)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for file in SOURCES
        for node in functions(file)
    }
    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES_MAX} == {}
