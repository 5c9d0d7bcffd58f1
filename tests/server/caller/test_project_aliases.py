"""A repository that gets another address loses none of its memories."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import command, contents, daemon_home, proxy
from tests.support.stdio_client import Server
from tests.unit.identity.test_project import git, needs_git, repository

pytestmark = needs_git


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with daemon_home(tmp_path) as home:
        yield home


def remember(server: Server, content: str, **fields: Any) -> dict[str, Any]:
    result = server.call("remember", memories=[{"content": content, **fields}])
    assert not result.get("isError"), result
    return result["structuredContent"]["results"][0]


def me(server: Server) -> dict[str, Any]:
    answer = server.ask("resources/read", uri="memory://me")["result"]
    return json.loads(answer["contents"][0]["text"])


def test_what_was_remembered_under_an_earlier_address_is_seen_until_it_is_split(
    home: Path, tmp_path: Path
) -> None:
    app = repository(tmp_path / "app")
    env = {"MCP_MEMORY_PROJECT": "", "CLAUDE_PROJECT_DIR": str(app)}
    with proxy(home, **env) as server:
        server.handshake()
        first = remember(server, "The lathe is in the shed")
        remember(server, "Port 5432", key="port")
        assert "notes" not in me(server)
    git(app, "remote", "add", "origin", "https://github.com/acme/app")
    with proxy(home, **env) as server:
        server.handshake()
        found = me(server)
        assert found["project_label"] == "github.com/acme/app"
        assert f"was {app} before" in found["notes"][0]
        assert f"mcp-memory project split {app}" in found["notes"][0]
        assert set(contents(server, "where is the lathe")) == {"The lathe is in the shed"}
        assert contents(server, scopes=["project"], key="port") == ["Port 5432"]
        again = remember(server, "The lathe is in the shed")
        assert (again["status"], again["id"]) == ("merged", first["id"])
        assert remember(server, "Port 5433", key="port")["status"] == "superseded"
        assert contents(server, key="port") == ["Port 5433"]
        remember(server, "The drill is in the attic")
    clone = repository(tmp_path / "clone", "https://github.com/acme/app")
    with proxy(home, MCP_MEMORY_PROJECT="", CLAUDE_PROJECT_DIR=str(clone)) as server:
        server.handshake()
        assert contents(server) == ["The drill is in the attic"], "another folder has no claim"
    told = command("doctor", home=home, **env).stdout
    assert f"ok\tproject\t{app} = github.com/acme/app are one repository" in told
    assert f"was {app} before" in command("project", home=home, **env).stdout
    parted = command("project", "split", str(app), home=home, **env)
    assert parted.returncode == 0, parted.stderr
    refused = command("project", "split", str(app), home=home, **env)
    assert (refused.returncode, "no such other name" in refused.stderr) == (2, True)
    with proxy(home, **env) as server:
        server.handshake()
        assert contents(server) == ["The drill is in the attic"]


def test_a_submodule_is_told_what_it_lies_in(home: Path, tmp_path: Path) -> None:
    library = repository(tmp_path / "library", "https://github.com/acme/library")
    app = repository(tmp_path / "app", "https://github.com/acme/app")
    git(app, "submodule", "add", str(library), "vendor")
    git(app / "vendor", "remote", "set-url", "origin", "https://github.com/acme/library")
    with proxy(home, MCP_MEMORY_PROJECT="", CLAUDE_PROJECT_DIR=str(app / "vendor")) as server:
        server.handshake()
        found = me(server)
    assert found["project_label"] == "github.com/acme/library"
    assert found["notes"] == [
        "github.com/acme/library lies within github.com/acme/app, and is a project of its own"
    ]
