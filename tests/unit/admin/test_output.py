"""What the command line shows, on a terminal and to a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_memory import open_memory
from mcp_memory.admin import output
from mcp_memory.domain.memory import Caller, Partition, Scope
from mcp_memory.domain.requests import Draft, Patch, Query
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service import MemoryService
from mcp_memory.storage.contract import CheckResult, Filter
from mcp_memory.storage.embedded import open_embedded
from tests.support.factories import START, put
from tests.support.factories import memory as made

LONG = "Ana Silva decided on 3 March 2026 to pin libfoo to 4.2 until the fix for it is released."


@pytest.fixture
def pinned(service: MemoryService, alice: Caller) -> str:
    """The id of a long, pinned memory with a key and two revisions."""
    drafts = [Draft(content="The build is red.", key="build", pinned=True, type="fact")]
    memory_id = service.remember(alice, drafts)[0].id
    service.update(alice, memory_id, Patch(content=f"{LONG}\n\nAsk her.", reason="more is known"))
    return memory_id


@pytest.mark.parametrize("width", [40, 80])
def test_no_text_is_wider_than_the_terminal(
    service: MemoryService, alice: Caller, pinned: str, width: int
) -> None:
    lines = list(output.memories(service.recent(alice), width))
    assert lines[0].startswith(pinned)
    assert lines[0].endswith("fact  project  key=build pinned")
    assert all(len(line) <= width for line in lines[1:])
    assert " ".join(" ".join(lines[1:]).split()) == f"{LONG} Ask her."


def test_a_program_gets_one_line_a_memory(
    service: MemoryService, alice: Caller, pinned: str
) -> None:
    (line,) = output.memories(service.recent(alice), None)
    columns = line.split("\t")
    assert columns[0] == pinned
    assert columns[2:] == ["fact", "project", "key=build pinned", f"{LONG} Ask her."]


def test_a_memory_is_shown_with_who_changed_it_and_why(
    service: MemoryService, alice: Caller, pinned: str
) -> None:
    found = output.memory(service.get(alice, pinned), service.history(alice, pinned), 100)
    text = "\n".join(found)
    assert "remember  by alice with claude-code\n  The build is red." in text
    assert "Ask her.\n  = more is known" in text


def test_a_search_says_where_it_looked_and_what_each_score_is_made_of(
    service: MemoryService, alice: Caller, pinned: str
) -> None:
    answer = service.recall(alice, Query(query="who pinned libfoo?", explain=True))
    lines = list(output.answer(answer, None, explain=True))
    assert pinned in lines[0]
    assert "text" in lines[0].split("\t")[-1]
    assert lines[1].endswith(
        "search of tenant acme, user alice, project app, agent claude, session s1"
    )
    assert lines[2] == f"trace {answer.trace_id}"
    assert len(list(output.answer(answer, None, explain=False))) == 1


def test_findings_are_marked_and_say_what_to_do() -> None:
    found = [
        CheckResult(name="python", ok=True, detail="3.11"),
        CheckResult(name="disk", ok=True, detail="9 GB free", advice="free some space"),
        CheckResult(name="index", ok=False, detail="damaged", advice="start once"),
    ]
    assert list(output.findings(found, None)) == [
        "ok\tpython\t3.11",
        "ok\tdisk\t9 GB free",
        "BAD\tindex\tdamaged\tstart once",
    ]
    assert "            -> start once" in list(output.findings(found, 60))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J\x85", r"\x9b2J\x85"),
        ("pay\u202e Mallory\u2066", r"pay\u{202e} Mallory\u{2066}"),
        ("one\u2028two\u2029three\nfour\r", r"one\u{2028}two\u{2029}three\x0afour\x0d"),
        ("\u200bzero\ufeff\u00ad", r"\u{200b}zero\u{feff}\xad"),
        ("tag\U000e0041", r"tag\u{e0041}"),
        ("half \ud800", r"half \u{d800}"),
        ("\x00\x7f", r"\x00\x7f"),
        (
            "Zoë\t東京\u3000Ждём 👩\u200d👧 می\u200cخ \u00a0",
            "Zoë\t東京\u3000Ждём 👩\u200d👧 می\u200cخ \u00a0",
        ),
    ],
    ids=ascii,
)
def test_nothing_in_a_line_steers_the_terminal_or_hides(text: str, shown: str) -> None:
    assert output.legible(text) == shown


def test_what_a_store_holds_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mcp_memory.cli import main

    home = tmp_path / "home"
    with open_memory(home, user="ana", project="app") as memory:
        where = Partition(tenant=memory.caller.tenant, scope=Scope.USER, user="ana")
    store = open_embedded(home, Embedder().space)
    text, key = "blue\x1b[2J\u202e\x9b31m", "k\x1b]0;x\x07"
    put(store, made(text, partition=where, key=key, metadata={"a\x1b": "b\u2028c\x1b[1m"}))
    (memory_id,) = [m.id for m in store.select(Filter(partitions=(where,), now=START))]
    store.close()
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("MCP_MEMORY_USER", "ana")
        for command in (["show"], ["show", memory_id], ["search", "blue\x1b[2J"]):
            assert main.main([*command, "--home", str(home)]) == 0
    shown = capsys.readouterr().out
    assert r"blue\x1b[2J\u{202e}\x9b31m" in shown
    assert set(shown) - set("\t\n") == {c for c in shown if c.isprintable()}


def test_an_error_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mcp_memory.cli import main

    assert main.main(["show", "\x1b[2Jnone", "--home", str(tmp_path / "home")]) == 2
    assert "\x1b" not in capsys.readouterr().err
