"""Rules of the code beside its layout (see test_architecture), each as a test."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mcp_memory
from mcp_memory import errors
from mcp_memory.cli import main
from mcp_memory.config.settings import SETTINGS
from tests.support.longest import LONGEST

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mcp_memory"
SOURCES = sorted(
    f for room in ("mcp_memory", "tests", "examples") for f in ROOT.glob(f"{room}/**/*.py")
)

HEAVY = ("apsw", "duckdb", "fastembed", "mcp", "numpy", "onnxruntime", "pydantic")

PUBLIC = set(
    re.findall(
        r"\w+",
        """
        Caller Change ChangeKind ConfirmationInvalid Context Draft EraseReceipt
        ForgetRequest ForgetResult InvalidInput LocalMemory McpMemoryError Memory
        MemoryService MigrationFailed ModelUnavailable NotFound NotPermitted Overloaded
        Partition Patch Policy Query RecallHit RecallResult RememberResult Revision Scope
        ScopeMissing SettingsInvalid ShuttingDown SimilarMemory Status StoreClosed
        StoreDamaged StoreError StoreFull StoreGone StoreLocked StoreTooNew Trace Trust Type
        UpdateResult WriteConflict __version__ open_memory
        """,
    )
)


def shown(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def nodes(file: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(file.read_text("utf-8")))


def test_the_environment_is_read_in_one_place() -> None:
    readers = {
        shown(file)
        for file in PACKAGE.glob("**/*.py")
        for node in nodes(file)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv"))
        or (isinstance(node, ast.ImportFrom) and node.module == "os")
    }
    assert readers == {"mcp_memory/system/environment.py"}


def test_the_command_line_alone_prints() -> None:
    printers = {
        shown(file)
        for file in PACKAGE.glob("**/*.py")
        for node in nodes(file)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert printers == {"mcp_memory/cli/main.py"}


def test_no_check_is_silenced_without_a_reason() -> None:
    silenced = re.compile(
        r"# *(type|pyright): *ignore(?!\[[\w, ]+\] +(# )?\w.{5})|# noqa(?!: \w+  # )"
    )
    bare = [
        f"{shown(file)}:{number}"
        for file in SOURCES
        if file != Path(__file__)
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if silenced.search(line)
    ]
    assert bare == []


def test_the_public_names_are_those_declared() -> None:
    assert set(mcp_memory.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(mcp_memory, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = getattr(mcp_memory, "nonsense")  # noqa: B009  # the name is unknown to the type checker


def test_every_error_is_public_and_drawn_in_the_tree() -> None:
    names = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.McpMemoryError)
    ]
    assert set(names) <= PUBLIC
    assert all(name in (errors.__doc__ or "") for name in names)


def documented() -> dict[str, list[str]]:
    """What the reference has to name, by kind."""
    from mcp_memory.server.prompts import PROMPTS
    from mcp_memory.server.resources import FIXED, TEMPLATES
    from mcp_memory.tools import TOOLS

    commands = re.findall(r"^ {4}(\w+) ", main.parser().format_help(), re.MULTILINE)
    return {
        "tools": [tool.name for tool in TOOLS],
        "resources": [str(r.uri) for r in FIXED] + [t.uri_template for t in TEMPLATES],
        "prompts": [prompt.name for prompt in PROMPTS],
        "settings": [setting.variable for setting in SETTINGS],
        "commands": [f"mcp-memory {command}" for command in commands],
        "errors": [n for n in PUBLIC if isinstance(getattr(errors, n, None), type)],
    }


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("tools", 4),
        ("resources", 8),
        ("prompts", 3),
        ("settings", 29),
        ("commands", 11),
        ("errors", 19),
    ],
)
def test_the_reference_names_every_one_of_them(kind: str, count: int) -> None:
    names = documented()[kind]
    pages = sorted((ROOT / "docs" / "reference").glob("*.md"))
    reference = "\n".join(page.read_text("utf-8") for page in pages)
    assert len(names) == count
    missing = [n for n in names if not re.search(rf"(?<![\w/]){re.escape(n)}(?![\w/])", reference)]
    assert missing == []


@pytest.mark.parametrize("name", ["tools", "storage"])
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a source distribution has no links")
def test_the_links_lead_to_their_rooms(name: str) -> None:
    link = ROOT / name
    if sys.platform == "win32" and link.is_file():  # git made a text file of it
        assert link.read_text("utf-8").strip() == f"mcp_memory/{name}"
    else:
        assert link.is_symlink()
        assert link.resolve() == PACKAGE / name


@pytest.mark.parametrize("line", ["import tools", "from storage.contract import Store"])
def test_nobody_can_import_through_the_links(line: str) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--stdin-filename", "mcp_memory/x.py", "-"]
    found = subprocess.run(
        command, input=line, text=True, capture_output=True, cwd=ROOT, check=False
    )
    assert "TID251" in found.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, mcp_memory; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert found.stdout.strip() == "[]"


def test_importing_the_package_imports_next_to_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import mcp_memory;"
        "print(*sorted(set(sys.modules) - before))"
    )
    found = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert found.stdout.split() == ["__future__", "mcp_memory"]


def test_the_list_of_the_longest_tests_names_files_that_there_are() -> None:
    assert [path for path in LONGEST if not (ROOT / path).is_file()] == []
