"""How a client is configured, as its user comes to know it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import command, daemon_home, proxy
from tests.support.stdio_client import INITIALIZE

FOREIGN = {"MCP_MEMORY_SQLITE_PATH": "/x", "MCP_MEMORY_USRE": "bob"}
NEAR = "MCP_MEMORY_USRE is no setting of mcp-memory and does nothing; did you mean MCP_MEMORY_USER?"
OTHER = "MCP_MEMORY_SQLITE_PATH is no setting of mcp-memory and does nothing"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with daemon_home(tmp_path_factory.mktemp("configured")) as home:
        home.parent.mkdir(exist_ok=True)
        yield home


def test_variables_that_do_nothing_stop_no_client_and_reach_their_user(home: Path) -> None:
    with proxy(home, **FOREIGN) as server:
        server.handshake()
        answer = server.ask("resources/read", uri="memory://me")
        assert "result" in answer, answer
        answer = answer["result"]
        found = json.loads(answer["contents"][0]["text"])
        assert found["caller"]["user"] == "ana"
        assert sorted(found["notes"]) == sorted([NEAR, OTHER])
        _, errors = server.end()
    assert NEAR in errors.decode()
    assert OTHER in errors.decode()
    with proxy(home) as server:
        server.handshake()
        answer = server.ask("resources/read", uri="memory://me")["result"]
        assert "notes" not in json.loads(answer["contents"][0]["text"]), "another's are no concern"


def test_a_project_that_nobody_filled_in_or_that_is_not_here_is_told(
    home: Path, tmp_path: Path
) -> None:
    gone = str(tmp_path / "gone")
    absent = f"the folder {gone}, named by MCP_MEMORY_PROJECT, is not on this machine"
    left = "MCP_MEMORY_PROJECT was left as %3Cyour%20project%3E and counts as not set"
    for given, told in ((gone, absent), ("<your project>", left)):
        with proxy(home, MCP_MEMORY_PROJECT=given) as server:
            server.handshake()
            answer = server.ask("resources/read", uri="memory://me")["result"]
        assert told in "\n".join(json.loads(answer["contents"][0]["text"])["notes"])
        found = command("doctor", home=home, MCP_MEMORY_PROJECT=given)
        assert found.returncode == 0
        assert told in found.stdout
    found = command("doctor", home=home, MCP_MEMORY_PROJECT="https://")
    assert found.returncode == 1
    assert "project (MCP_MEMORY_PROJECT): got 'https://'" in found.stdout


def test_doctor_wants_what_is_misspelt_mended(home: Path) -> None:
    found = command("doctor", home=home, **FOREIGN)
    assert found.returncode == 1
    assert f"BAD\tsettings\t{NEAR}\tcorrect or remove the variable" in found.stdout
    assert f"ok\tsettings\t{OTHER}" in found.stdout
    shown = command("show", home=home, **FOREIGN)
    assert shown.returncode == 0
    assert NEAR in shown.stderr


@pytest.mark.parametrize("text", ["$HOEM/mem", "${workspaceFolder}/.mem", "mem", "C:\\mem"])
def test_a_home_that_cannot_be_meant_ends_the_proxy_with_what_to_do(home: Path, text: str) -> None:
    with proxy(home, MCP_MEMORY_HOME=text) as server:
        rest, errors = server.end()
        assert (server.process.returncode, rest) == (2, b"")
    assert f"mcp-memory: MCP_MEMORY_HOME: got '{text}'; " in errors.decode()
    with proxy(home, "--home", text, MCP_MEMORY_HOME="") as server:
        _, errors = server.end()
    assert f"mcp-memory: --home: got '{text}'; " in errors.decode()


def test_doctor_says_which_setting_cannot_be_used(home: Path) -> None:
    found = command("doctor", home=home, MCP_MEMORY_HOME="$HOEM/mem")
    assert found.returncode == 1
    assert (
        "BAD\tsettings\tMCP_MEMORY_HOME: got '$HOEM/mem'; $HOEM was not filled in" in found.stdout
    )
    assert "ok\tpython" in found.stdout


def test_a_home_that_is_a_file_is_told_by_every_way_in(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    said = f"the store's folder cannot be used: {file} is a file and no folder; move it away"
    with proxy(file) as server:
        server.ask("initialize", **INITIALIZE)
        assert said in server.ask("resources/read", uri="memory://me")["error"]["message"]
    found = command("doctor", home=file)
    assert found.returncode == 1
    assert said in found.stdout
    for arguments in (("show",), ("serve", "--http", "127.0.0.1:0"), ("token", "list")):
        refused = command(*arguments, home=file)
        assert refused.returncode == 2
        assert said in refused.stderr
