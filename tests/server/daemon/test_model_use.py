"""`mcp-memory model use`: another model takes over while clients go on."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tests.support.daemon import command, daemon_home, daemon_pid, proxy, stored
from tests.support.second_model import DIMENSIONS, made
from tests.support.stdio_client import Server

MANY = [f"Shelf {n} of the archive holds the letters of family {n}." for n in range(100)]


def recall(client: Server, query: str) -> dict[str, Any]:
    """The full answer to a query."""
    result = client.call("recall", query=query, explain=True)
    assert not result.get("isError"), result
    return result["structuredContent"]


def found(answer: dict[str, Any]) -> list[str]:
    return [memory["content"] for memory in answer["memories"]]


def test_another_model_takes_over_while_a_client_goes_on(tmp_path: Path) -> None:
    folder = made(tmp_path / "small-model")
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        stored(client, "Please do not schedule meetings after 5pm my time")
        client.call("remember", memories=[{"content": content} for content in MANY])
        question = "what was the scheduling constraint again?"
        while recall(client, question).get("degraded"):
            pass  # each call waits for the model for a while
        before = daemon_pid(home)

        said = command("model", "use", str(folder), home=home)
        assert said.returncode == 0, said.stderr
        assert f"(process {before}) has ended" in said.stdout
        assert "the vectors are made anew" in said.stdout
        config = tomllib.loads((home / "config.toml").read_text("utf-8"))
        assert config == {"model": str(folder)}

        reasons: list[str] = []
        while (answer := recall(client, "letters of family 7")).get("degraded"):
            assert MANY[7] in found(answer), "it is found by its words meanwhile"
            reasons.append(answer["reason"])
        assert reasons
        assert any("wait for their vectors" in r or "still loading" in r for r in reasons)
        assert daemon_pid(home) not in (0, before)
        assert "Please do not schedule" in found(recall(client, question))[0]
        assert f"small-model, {DIMENSIONS} dimensions" in command("doctor", home=home).stdout
        assert "model\tsmall-model" in command("stats", home=home).stdout

        back = command("model", "use", "bundled", home=home)
        assert back.returncode == 0, back.stderr
        assert tomllib.loads((home / "config.toml").read_text("utf-8")) == {}
        assert len(found(recall(client, "letters of family 7"))) > 0
        assert "384 dimensions" in command("doctor", home=home).stdout


def test_a_model_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        stored(client, "The well is deep")
        pid = daemon_pid(home)
        for name in (str(tmp_path / "nowhere"), "no-such/model"):
            said = command("model", "use", name, home=home)
            assert said.returncode == 2
            assert said.stderr.count("\n") == 1
        assert not (home / "config.toml").exists()
        assert found(recall(client, "well")) == ["The well is deep"]
        assert daemon_pid(home) == pid
