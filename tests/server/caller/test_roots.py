"""A client's roots decide the project, whatever else is among them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import daemon_home, proxy
from tests.support.stdio_client import INITIALIZE, Server


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with daemon_home(tmp_path_factory.mktemp("roots")) as home:
        home.parent.mkdir(exist_ok=True)
        yield home


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    one, two = tmp_path / "the first", tmp_path / "two"
    for folder in (one, two):
        (folder / ".git").mkdir(parents=True)
        (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
        remote = f'[remote "origin"]\n url = https://github.com/acme/{folder.name[:3]}\n'
        (folder / ".git" / "config").write_text(remote)
    return one, two


def answered(server: Server, request: int, roots: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer to a request during which the server asks for the roots."""
    question = server.read_question()
    assert question["method"] == "roots/list"
    server.answer(question["id"], {"roots": roots})
    answer = server.read()
    assert answer["id"] == request
    return answer["result"]


def me_with(home: Path, roots: list[dict[str, Any]], **env: str) -> dict[str, Any]:
    with proxy(home, **{"MCP_MEMORY_PROJECT": "", **env}) as server:
        server.ask("initialize", **{**INITIALIZE, "capabilities": {"roots": {}}})
        server.notify("notifications/initialized")
        result = answered(server, server.send("resources/read", uri="memory://me"), roots)
        return json.loads(result["contents"][0]["text"])


UNUSABLE = [
    {"uri": "vscode-vfs://github/acme/other", "name": "other"},
    {"uri": "untitled:Untitled-1"},
    {"uri": "vscode-remote://ssh-remote+host/not/there", "name": "gone"},
    {"uri": "", "name": ""},
    {"uri": "https://example.com/x"},
    {"uri": "file:relative"},
    {"uri": "file://elsewhere/not/there"},
    {"uri": "file:///not/there"},
    {"uri": "no uri at all"},
    {"uri": "file:///%00"},
]


@pytest.mark.parametrize("other", UNUSABLE, ids=lambda root: root["uri"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_root_that_cannot_be_used_leaves_the_others(
    home: Path, folders: tuple[Path, Path], other: dict[str, Any], is_first: bool
) -> None:
    root = {"uri": folders[0].as_uri(), "name": "app"}
    found = me_with(home, [other, root] if is_first else [root, other])
    assert found["project_label"] == "github.com/acme/the"
    assert found["decided_by"]["project"] == "client roots"


def test_roots_of_which_none_can_be_used_are_no_project(home: Path) -> None:
    found = me_with(home, [root for root in UNUSABLE if root["uri"] != "file:///not/there"])
    assert found["caller"]["project"] == ""
    found = me_with(home, UNUSABLE)
    assert found["project_label"] == "/not/there", "it may be there elsewhere"
    assert found["notes"] == [
        "the folder /not/there, named by client roots, is not on this machine; it is the project"
        " all the same"
    ]


@pytest.mark.parametrize(
    "form",
    [
        "vscode-remote://ssh-remote+host{}",
        "vscode-remote://wsl%2BUbuntu{}",
        "file://localhost{}",
        "FILE://{}",
        "{}",
    ],
)
def test_a_root_of_a_remote_window_is_the_folder_that_is_here(
    home: Path, folders: tuple[Path, Path], form: str
) -> None:
    uri = form.format(str(folders[1]))
    found = me_with(home, [{"uri": uri, "name": ""}, {"uri": uri}, {"uri": folders[0].as_uri()}])
    assert found["project_label"] == "github.com/acme/two"


def test_what_is_remembered_stays_in_the_project(home: Path, folders: tuple[Path, Path]) -> None:
    roots: list[dict[str, Any]] = [*UNUSABLE, {"uri": folders[0].as_uri()}]
    with proxy(home, MCP_MEMORY_PROJECT="") as server:
        server.ask("initialize", **{**INITIALIZE, "capabilities": {"roots": {}}})
        server.notify("notifications/initialized")
        arguments = {"memories": [{"content": "The lathe is in the shed"}], "explain": True}
        request = server.send("tools/call", name="remember", arguments=arguments)
        stored = answered(server, request, roots)
    assert stored["structuredContent"]["results"][0]["scope"] == "project"


@pytest.mark.parametrize("given", [".", "./", "${workspaceFolder}"])
def test_the_clients_folder_is_meant_by_a_dot(
    home: Path, folders: tuple[Path, Path], given: str
) -> None:
    roots = [{"uri": folders[0].as_uri()}]
    assert me_with(home, roots, MCP_MEMORY_PROJECT="${workspaceFolder}")["project_label"] == (
        "github.com/acme/the"
    )
    with proxy(folders[1] / "store", MCP_MEMORY_HOME=str(home), MCP_MEMORY_PROJECT=given) as server:
        server.handshake()
        answer = server.ask("resources/read", uri="memory://me")["result"]
    found = json.loads(answer["contents"][0]["text"])
    assert found["project_label"] == "github.com/acme/two"
    source = "working directory" if given.startswith("$") else "configuration"
    assert found["decided_by"]["project"] == source
