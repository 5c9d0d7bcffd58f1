"""A scope follows from the client's context: its roots, its connection, its `_meta`."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import anyio
import mcp.types as types
import pytest
from mcp import Client
from pydantic import FileUrl

from mcp_memory.domain.memory import Caller
from mcp_memory.identity import resolver
from mcp_memory.identity.resolver import META_CODEX, META_PROJECT, META_SESSION, Signals
from mcp_memory.runtime import Application
from mcp_memory.server import middleware
from mcp_memory.server import roots as client_roots
from mcp_memory.server.app import build
from tests.support.mcp_client import ERAS, as_caller, call, read, remember

pytestmark = pytest.mark.anyio


class Rooted:
    """A client's answer to the question for its roots, and how often it was asked."""

    def __init__(self, *folders: Path) -> None:
        self.folders = list(folders)
        self.asked = 0

    async def __call__(self, context: Any) -> types.ListRootsResult:
        self.asked += 1
        return types.ListRootsResult(
            roots=[types.Root(uri=FileUrl(f.as_uri())) for f in self.folders]
        )


def bare(request: middleware.Request) -> Signals:
    """A proxy that knows nothing but the user."""
    return Signals(system_user="ana")


async def me(client: Client, meta: Any = None) -> dict[str, Any]:
    (contents,) = (await client.read_resource("memory://me", meta=meta)).contents
    assert isinstance(contents, types.TextResourceContents)
    return json.loads(contents.text)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    return one.resolve(), two.resolve()


async def test_roots_decide_the_project_and_are_asked_for_once(
    application: Application, folders: tuple[Path, Path]
) -> None:
    roots = Rooted(folders[0])
    server = build(application, bare)
    async with as_caller(server, "legacy", "ide", list_roots_callback=roots) as client:
        assert roots.asked == 0
        first = await me(client)
        assert first["project_label"] == str(folders[0])
        assert first["decided_by"]["project"] == "client roots"
        await remember(client, "The gate is painted green")
        await me(client)
        assert roots.asked == 1

        roots.folders = [folders[1]]
        await client.session.send_notification(types.RootsListChangedNotification())
        assert (await me(client))["project_label"] == str(folders[1])
        assert roots.asked == 2
        found = await call(client, "recall", query="what colour is the gate")
        assert found["memories"] == []


async def test_roots_are_not_asked_for_when_the_project_is_given(
    application: Application, folders: tuple[Path, Path]
) -> None:
    roots = Rooted(folders[0])
    server = build(application, bare)
    async with as_caller(server, "legacy", "ide", list_roots_callback=roots) as client:
        assert (await me(client, {META_PROJECT: "side"}))["caller"]["project"] == "side"
    assert roots.asked == 0


async def test_a_client_that_does_not_answer_for_its_roots_is_served_without(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_roots, "ROOTS_TIMEOUT_S", 0.2)
    asked = 0

    async def never(context: Any) -> types.ListRootsResult:
        nonlocal asked
        asked += 1
        await anyio.sleep_forever()
        raise AssertionError("unreachable")

    server = build(application, bare)
    async with as_caller(server, "legacy", "ide", list_roots_callback=never) as client:
        assert (await me(client))["decided_by"]["project"] == "none"
        await me(client)
        assert asked <= 1, "a client that did not answer is not asked again"


async def test_a_client_that_answers_late_is_asked_again_after_a_while(
    application: Application, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = Rooted(folders[0])

    async def refuse_once(context: Any) -> types.ListRootsResult | types.ErrorData:
        answer = await roots(context)
        failed = types.ErrorData(code=types.INTERNAL_ERROR, message="not yet")
        return failed if roots.asked == 1 else answer

    server = build(application, bare)
    async with as_caller(server, "legacy", "ide", list_roots_callback=refuse_once) as client:
        for _ in range(3):
            assert (await me(client))["decided_by"]["project"] == "none"
        assert roots.asked == 1
        monkeypatch.setattr(client_roots, "ROOTS_RETRY_S", 0.0)
        for _ in range(3):
            assert (await me(client))["project_label"] == str(folders[0])
        assert roots.asked == 2


async def test_roots_that_change_while_they_are_asked_for_are_asked_for_again(
    application: Application, folders: tuple[Path, Path]
) -> None:
    roots = Rooted(folders[0])

    async def change_in_between(context: Any) -> types.ListRootsResult:
        answer = await roots(context)
        if roots.asked == 1:
            roots.folders = [folders[1]]
            await client.session.send_notification(types.RootsListChangedNotification())
        return answer

    server = build(application, bare)
    async with as_caller(server, "legacy", "ide", list_roots_callback=change_in_between) as client:
        await me(client)
        assert (await me(client))["project_label"] == str(folders[1])
        assert roots.asked == 2


@pytest.mark.parametrize("era", ERAS)
async def test_a_scope_is_found_out_once_a_while_and_never_on_the_event_loop(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    threads: list[int] = []

    def resolve(signals: Signals) -> Caller:
        threads.append(threading.get_ident())
        return resolver.resolve(signals)

    monkeypatch.setattr(middleware, "resolve", resolve)
    known = Signals(system_user="ana", working_dir=repository)
    server = build(application, lambda request: known)
    async with as_caller(server, era, "ide") as client:
        turn: Any = {META_CODEX: {"session_id": "s", "turn_id": "0"}}
        for number in range(3):
            turn[META_CODEX]["turn_id"] = str(number)
            assert (await me(client, turn))["project_label"] == str(repository)
        assert len(threads) == 1
        assert threading.get_ident() not in threads

        remote = '[remote "origin"]\n  url = https://github.com/acme/app\n'
        (repository / ".git" / "config").write_text(remote)
        assert (await me(client, turn))["project_label"] == str(repository)
        monkeypatch.setattr(middleware, "CALLER_KEPT_S", 0.0)
        assert (await me(client, turn))["project_label"] == "github.com/acme/app"


async def test_roots_that_are_refused_do_no_harm(application: Application) -> None:
    async def refuse(context: Any) -> types.ErrorData:
        return types.ErrorData(code=types.INTERNAL_ERROR, message="no")

    server = build(application, bare)
    async with as_caller(server, "legacy", "ide", list_roots_callback=refuse) as client:
        assert (await me(client))["caller"]["project"] == ""


async def test_each_connection_of_the_older_era_is_a_session(application: Application) -> None:
    server = build(application, bare)
    async with (
        as_caller(server, "legacy", "ide") as one,
        as_caller(server, "legacy", "ide") as two,
    ):
        sessions = [(await me(client))["caller"]["session"] for client in (one, one, two)]
        assert sessions[0] == sessions[1] != sessions[2]
        await remember(one, "Ana: let us begin", type="episode", scope="session")
        assert "let us begin" in await read(one, "session")
        assert "let us begin" not in await read(two, "session")


async def test_the_newer_era_takes_its_session_from_meta_only(application: Application) -> None:
    server = build(application, bare)
    async with as_caller(server, "auto", "ide") as client:
        assert (await me(client))["caller"]["session"] == ""
        result = await client.call_tool(
            "remember", {"memories": [{"content": "x", "scope": "session"}]}
        )
        assert result.is_error
        meta: Any = {META_SESSION: "talk-7"}
        assert (await me(client, meta))["caller"]["session"] == "talk-7"
        codex: Any = {META_CODEX: {"session_id": "turns-9", "turn_id": "1"}}
        found = await me(client, codex)
        assert found["caller"]["session"] == "turns-9"
        assert found["decided_by"]["session"] == "Codex session"


@pytest.mark.parametrize("era", ERAS)
async def test_the_journal_names_the_client(application: Application, era: str) -> None:
    server = build(application, bare)
    async with as_caller(server, era, "ide") as client:
        memory = await remember(client, "The gate is painted green")
        history = json.loads(await read(client, f"memories/{memory}/history"))
        change = history["revisions"][0]["change"]
        assert (change["agent"], change["client"]) == ("ide", "ide 1")
