"""The documentation says what the code does: reference, README, examples, site."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mcp_memory import Draft, LocalMemory, open_memory
from tests.docs import reference

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("**/*.md"))
README_LINES_MAX = 150
LINE_CHARS_MAX = 160
NEAR = 0.02
"""How much a score of the worked example may differ between processors."""


def text_of(file: Path) -> str:
    return file.read_text("utf-8")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[LocalMemory]:
    with open_memory(tmp_path / "store", user="ana", project="github.com/acme/app") as opened:
        yield opened


@pytest.mark.parametrize("file", sorted(reference.pages()), ids=lambda file: file.name)
def test_a_generated_page_is_what_the_code_says(file: Path) -> None:
    assert text_of(file) == reference.pages()[file], "run make reference"


def test_every_argument_and_setting_has_a_meaning() -> None:
    empty = [
        f"{file.name}: {line}"
        for file in reference.pages()
        if file.parent.name == "reference"
        for line in text_of(file).splitlines()
        if line.endswith("| - |") and line.count("|") in (3, 4)
    ]
    assert empty == []


def test_the_readme_is_short() -> None:
    lines = text_of(README).splitlines()
    assert len(lines) <= README_LINES_MAX
    assert [line for line in lines if len(line) > LINE_CHARS_MAX] == []


def test_the_readme_proves_to_registries_whose_package_it_is() -> None:
    assert re.search(r"<!-- mcp-name: io\.github\.[\w-]+/mcp-memory -->", text_of(README))


def test_the_first_commands_for_a_checkout_are_the_demo_and_the_tests() -> None:
    assert re.findall(r"`(make \w+)`|^(make \w+)", text_of(README), re.MULTILINE)[:2] == [
        ("make demo", ""),
        ("make test", ""),
    ]


@pytest.mark.parametrize("file", [README, *sorted((ROOT / ".github").glob("*.md"))], ids=str)
def test_links_lead_somewhere(file: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", text_of(file))
    local = [link for link in links if not re.match(r"https?://", link)]
    assert local
    assert [link for link in local if not (file.parent / link).exists()] == []


@pytest.mark.parametrize("file", DOCS, ids=lambda file: file.name)
def test_every_module_that_a_page_names_exists(file: Path) -> None:
    named = set(re.findall(r"`((?:mcp_memory|tests|examples)/[\w./-]+)`", text_of(file)))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def rows_after(page: str, head: str) -> list[list[str]]:
    """The cells of the table with this head."""
    _, _, rest = page.partition(head + "\n")
    lines = rest.split("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_worked_example_has_the_numbers_of_a_trace(memory: LocalMemory) -> None:
    page = text_of(ROOT / "docs" / "recall.md")
    stored = rows_after(page, "| memory | type | importance |")
    expected = rows_after(
        page, "| memory | words | meaning | relevance | importance | score | outcome |"
    )
    assert len(stored) == len(expected) == 5
    for content, type_, importance in stored:
        draft = Draft(content=content, type=type_)
        if "default" not in importance and float(importance) != 0.5:
            draft = Draft(content=content, type=type_, importance=float(importance))
        memory.service.remember(memory.caller, [draft])
    answer = memory.recall("which port does staging use?")
    trace = memory.service.trace(memory.caller, answer.trace_id)
    for row, found in zip(expected, trace.document["candidates"], strict=True):
        content, *numbers, outcome = row
        assert memory.service.get(memory.caller, found["id"]).content == content
        names = ("text", "vector", "relevance", "importance", "score")
        assert [found[n] for n in names] == pytest.approx([float(n) for n in numbers], abs=NEAR)
        assert found["outcome"] == outcome


class Loads(HTMLParser):
    """Collects what a page loads by itself: scripts, styles, pictures, frames."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the address of each thing that is loaded; a link that is clicked is none."""
        named = dict(attrs)
        if tag in ("script", "img", "iframe", "source"):
            self.addresses.append(named.get("src") or "")
        elif tag == "link" and named.get("rel") in ("stylesheet", "preconnect", "preload"):
            self.addresses.append(named.get("href") or "")


def test_the_site_builds_strictly_and_loads_nothing_from_another_site(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.glob("**/*.html"))
    assert len(pages) > len(DOCS)  # and 404.html
    for page in pages:
        loads = Loads()
        loads.feed(text_of(page))
        assert [a for a in loads.addresses if a.startswith(("http:", "https:", "//"))] == []
