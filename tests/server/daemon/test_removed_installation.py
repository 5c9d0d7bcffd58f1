"""The installation may be removed under a running daemon, which goes on with all it does."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import command, daemon_home, daemon_pid, started, status
from tests.support.mcp_client import ROOT
from tests.support.stdio_client import INITIALIZE, Server
from tests.support.waiting import until

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
COMMAND = "import sys; from mcp_memory.__main__ import main; sys.exit(main())"
LONG = "The harbour master wrote that day about ships, weather and cargo in great detail. " * 60
RESOURCES = ("me", "context", "session", "recent", "stats")
QUERIES = (
    "",
    "where does Ana live?",
    "what happened last week?",
    "what was decided in March 2024?",
    "yesterday",
    "since the 3rd of May",
    "2 weeks ago",
    "项目使用什么数据库",
    "что мы решили вчера?",
    "is that 5!?",
)

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows removes no file that a process has open"
)


def installed(folder: Path) -> Path:
    """An installation that can be removed: this package, and a link to each other one."""
    folder.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.suffix != ".pth" and entry.name not in ("__pycache__", "pip", "mcp_memory"):
            (folder / entry.name).symlink_to(entry)
    shutil.copytree(
        ROOT / "mcp_memory",
        folder / "mcp_memory",
        ignore=shutil.ignore_patterns("__pycache__", "bundled"),
    )
    bundled = Path("mcp_memory") / "embedding" / "bundled"
    (folder / bundled).symlink_to(ROOT / bundled)
    return folder


def asked(server: Server, method: str, **params: Any) -> dict[str, Any]:
    """The result of a request, which must be one."""
    answer = server.ask(method, **params)
    assert "result" in answer, (method, params, answer)
    return answer["result"]


def called(server: Server, verb: str, **arguments: Any) -> dict[str, Any]:
    result = server.call(verb, **arguments)
    assert not result.get("isError"), (verb, arguments, result["content"][0]["text"])
    return result["structuredContent"]


def every_verb(server: Server) -> list[str]:
    """Each verb with each kind of argument; the memories that are left."""
    drafts: list[dict[str, Any]] = [
        {"content": "Ana lives in Lisbon", "key": "city", "type": "profile"},
        {"content": LONG, "tags": ["harbour"]},
        {"content": "项目使用 PostgreSQL 数据库。"},
        {"content": "The lamp is lit", "expires_in": "2w", "metadata": {"stars": 5}},
        {"content": "Good morning", "type": "episode", "scope": "session", "source": "walk#1"},
        {"content": "The team meets on Mondays", "scope": "tenant", "pinned": True},
    ]
    called(server, "remember", memories=drafts)
    called(server, "remember", memories=[{"content": "Ana lives in Porto", "key": "city"}])
    for query in QUERIES:
        called(server, "recall", query=query, limit=5)
        asked(server, "tools/call", name="recall", arguments={"query": query, "max_tokens": 500})
    called(server, "recall", types=["profile"], since="2024-01-01", until="2030-01-01")
    called(server, "recall", tags=["harbour"], scopes=["project"], metadata={"stars": 5})
    called(server, "recall", query="Ana", as_of="2024-03-01T09:30:00Z")
    ids = [found["id"] for found in called(server, "recall", limit=20)["memories"]]
    called(server, "update", id=ids[0], content="Ana lives in Faro", reason="she moved")
    called(server, "update", id=ids[0], restore_revision=1)
    called(server, "forget", ids=[ids[1]])
    for selected in ({"ids": [ids[2]]}, {"query": "lamp"}, {"tags": ["harbour"]}):
        confirm = called(server, "forget", erase=True, **selected).get("confirm")
        if confirm:
            called(server, "forget", erase=True, confirm=confirm, **selected)
    called(server, "remember", memories="After an erase it still stores")
    return [found["id"] for found in called(server, "recall", limit=20)["memories"]]


def every_view(server: Server, memory: str) -> None:
    """Each resource, prompt, list and completion."""
    for path in (*RESOURCES, f"memories/{memory}", f"memories/{memory}/history"):
        asked(server, "resources/read", uri=f"memory://{path}")
    for method in ("tools/list", "resources/list", "resources/templates/list", "prompts/list"):
        asked(server, method)
    for name, given in (
        ("with_memory", {"question": "where?"}),
        ("remember_session", {}),
        ("consolidate", {}),
    ):
        asked(server, "prompts/get", name=name, arguments=given)
    ref = {"type": "ref/resource", "uri": "memory://memories/{id}"}
    asked(server, "completion/complete", ref=ref, argument={"name": "id", "value": ""})
    asked(server, "resources/subscribe", uri="memory://recent")
    asked(server, "resources/unsubscribe", uri="memory://recent")


def test_a_daemon_whose_installation_was_removed_goes_on_with_everything(tmp_path: Path) -> None:
    packages, python = installed(tmp_path / "packages"), os.path.realpath(sys.executable)
    given = {"PYTHONPATH": str(packages), "MCP_MEMORY_LOG_LEVEL": "info"}
    with (
        daemon_home(tmp_path) as home,
        started(home, ["-c", COMMAND], python=python, **given) as older,
        started(home, ["-c", COMMAND], python=python, **given) as newer,
    ):
        older.ask("initialize", **INITIALIZE)
        older.notify("notifications/initialized")
        asked(older, "ping")
        log = home / "daemon" / "log"
        until(lambda: log.exists() and "all that a call can need is loaded" in log.read_text())
        log.write_text("")
        daemon = daemon_pid(home)
        shutil.rmtree(packages)
        ids = every_verb(older)
        every_view(older, ids[0])
        asked(newer, "server/discover", _meta=META)
        newer.send(
            "subscriptions/listen",
            _meta=META,
            notifications={"resourceSubscriptions": ["memory://recent"]},
        )
        assert newer.read_notice() == "notifications/subscriptions/acknowledged"
        asked(newer, "tools/call", _meta=META, name="recall", arguments={"query": "last week"})
        for words in (("show",), ("search", "Ana"), ("stats",), ("rebuild",)):
            said = command(*words, home=home)
            assert said.returncode == 0, (words, said.stderr)
        called(older, "remember", memories="The last word")
        assert status(home)["process"] == str(daemon)
        assert command("daemon", "stop", home=home).returncode == 0
        assert "Error" not in log.read_text(), "nothing went wrong in silence either"
        # Another daemon cannot be had from there: the proxy says why.
        answer = older.ask("tools/call", name="recall", arguments={})
        assert "was removed while it ran; restart the client" in answer["error"]["message"]
