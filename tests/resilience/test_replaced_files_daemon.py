"""Files taken away under a running daemon, as clients and the doctor see it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.domain.memory import Partition, Scope
from mcp_memory.embedding.loader import BUNDLED_SPACE
from mcp_memory.storage.embedded import open_embedded
from tests.support.daemon import command, daemon_home, daemon_pid, kill_daemon, proxy
from tests.support.factories import pages, where
from tests.support.stdio_client import Server
from tests.support.waiting import until

ANA_APP = Partition(tenant="local", scope=Scope.PROJECT, user="ana", name="app")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there open files stay")


def keep(client: Server, *contents: str) -> None:
    """Remember each by a call of its own, all of which must be acknowledged."""
    for content in contents:
        answer = client.call("remember", memories=[{"content": content}])
        assert not answer.get("isError"), answer


def served(client: Server) -> None:
    """Wait until a daemon answers, which takes long on a busy machine."""
    recall: dict[str, Any] = {"name": "recall", "arguments": {}}
    until(
        lambda: not client.ask("tools/call", **recall).get("result", {"isError": 1}).get("isError")
    )


def contents(home: Path) -> set[str]:
    """What a store holds of Ana's, read without a daemon."""
    store = open_embedded(home, BUNDLED_SPACE)
    try:
        return {memory.content for memory in pages(store, where(ANA_APP))}
    finally:
        store.close()


def test_what_a_daemon_acknowledged_is_there_though_both_sides_were_removed(tmp_path: Path) -> None:
    said = [f"The kiln number {n} stands in the yard" for n in range(10)]
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        served(client)
        keep(client, *said[:5])
        for path in (*(home / "record").iterdir(), *(home / "index").iterdir()):
            path.unlink()
        told = command("doctor", home=home)
        assert told.returncode == 1
        assert "removed or replaced while in use" in told.stdout
        assert "mcp-memory daemon stop" in told.stdout
        for path in (*(home / "record").iterdir(), *(home / "index").iterdir()):
            path.unlink()
        keep(client, *said[5:])
        kill_daemon(home)
        assert contents(home) == set(said)


@pytest.mark.parametrize("is_removed", [True, False], ids=["removed", "moved"])
def test_a_daemon_whose_folder_is_gone_ends_and_the_next_begins_anew(
    tmp_path: Path, is_removed: bool
) -> None:
    moved = tmp_path / "moved"
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        served(client)
        keep(client, "The old barn has a red roof")
        first = daemon_pid(home)
        shutil.rmtree(home) if is_removed else home.rename(moved)
        answer = client.call("remember", memories=[{"content": "This is asked too early"}])
        if answer.get("isError"):  # else the first daemon had ended already
            assert f"the folder {home} was removed or moved" in str(answer)
        until(lambda: daemon_pid(moved) == 0)
        served(client)
        keep(client, "The new barn has a green roof")
        assert daemon_pid(home) not in (0, first)
        kill_daemon(home)
        assert "The new barn has a green roof" in contents(home)
        assert "The old barn has a red roof" not in contents(home)
    if not is_removed:
        assert contents(moved) == {"The old barn has a red roof"}


def test_of_two_daemons_of_one_store_the_one_without_the_locks_ends(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        served(client)
        keep(client, "The mill wheel turns left")
        first = daemon_pid(home)
        (home / "lock").unlink()
        (home / "daemon" / "lock").unlink()
        (home / "daemon" / "socket").unlink()
        with proxy(home) as second:
            second.handshake()
            served(second)
            assert daemon_pid(home) not in (0, first)
            keep(second, "The mill race is deep")
            served(client)
            keep(client, "The miller is called Tom")
            kill_daemon(home)
        assert contents(home) == {
            "The mill wheel turns left",
            "The mill race is deep",
            "The miller is called Tom",
        }
