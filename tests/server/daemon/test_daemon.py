"""The daemon: when it begins and ends, whom it lets in, and the commands that go through it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_memory import __version__
from mcp_memory.config import settings
from tests.support.daemon import (
    command,
    contents,
    daemon_home,
    daemon_pid,
    older_copy,
    proxy,
    status,
    stored,
)
from tests.support.waiting import until


def test_a_newer_proxy_replaces_an_older_daemon_and_nobody_loses_anything(tmp_path: Path) -> None:
    older = older_copy(tmp_path / "older", "0.0.9")
    with daemon_home(tmp_path) as home, proxy(home, PYTHONPATH=str(older)) as veteran:
        assert veteran.handshake()["serverInfo"]["version"] == "0.0.9"
        stored(veteran, "The lamp hangs in the hall")
        assert status(home)["version"] == "0.0.9"
        bulk = [{"content": f"Brick {n} came from kiln {n}"} for n in range(60)]
        veteran.send("tools/call", name="remember", arguments={"memories": bulk, "explain": True})
        with proxy(home) as newcomer:
            newcomer.handshake()
            assert contents(newcomer, "lamp") == ["The lamp hangs in the hall"]
            assert status(home)["version"] == __version__
            results = veteran.read()["result"]["structuredContent"]["results"]
            assert {result["status"] for result in results} == {"stored"}
            assert contents(veteran, "lamp") == ["The lamp hangs in the hall"]
            assert status(home)["clients"] == "2"


def test_a_daemon_that_was_stopped_comes_back_when_it_is_needed(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        stored(client, "The well is deep")
        said = command("daemon", "stop", home=home)
        assert said.returncode == 0, said.stderr
        assert "has ended" in said.stdout
        assert daemon_pid(home) == 0
        assert command("daemon", "status", home=home).stdout.startswith("no daemon is running")
        assert contents(client, "well") == ["The well is deep"]
        assert daemon_pid(home)


def test_the_daemon_ends_when_nobody_needs_it(tmp_path: Path) -> None:
    home = tmp_path / "store"
    with proxy(home, MCP_MEMORY_IDLE_MINUTES="0.01") as client:
        client.handshake()
        stored(client, "The hen lays at dawn")
        assert daemon_pid(home)
    until(lambda: daemon_pid(home) == 0)
    assert sorted(path.name for path in (home / "daemon").iterdir()) == ["key", "lock", "log"]
    assert command("doctor", home=home).returncode == 0


def test_a_setting_that_cannot_be_used_is_said_by_each_call(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home, MCP_MEMORY_SESSION_DAYS="no") as client:
        answer = client.ask("tools/call", name="recall", arguments={})
        assert "session_days (MCP_MEMORY_SESSION_DAYS): got 'no'" in answer["error"]["message"]
        again = client.ask("tools/call", name="recall", arguments={})
        assert "session_days (MCP_MEMORY_SESSION_DAYS): got 'no'" in again["error"]["message"]


def test_a_daemon_that_cannot_start_says_why_through_the_proxy(tmp_path: Path) -> None:
    home = tmp_path / "store"
    home.mkdir()
    (home / "config.toml").write_text("colour = 'red'")
    with proxy(home) as client:
        client.handshake()
        answer = client.ask("tools/call", name="recall", arguments={})
        assert "no setting 'colour'" in answer["error"]["message"]
        (home / "config.toml").unlink()
        assert "structuredContent" in client.call("recall"), "it heals without a restart"
        command("daemon", "stop", home=home)


def test_settings_that_the_running_daemon_does_not_have_are_said(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as first:
        first.handshake()
        first.call("recall")
        with proxy(home, MCP_MEMORY_SESSION_DAYS="7") as second:
            second.handshake()
            _, said = second.end()
    assert b"session_days is '30' there, not '7'" in said
    assert b"config.toml" in said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps files apart by other means")
def test_folder_socket_log_and_lock_are_private(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        client.call("recall")
        modes = {p.name: p.stat().st_mode & 0o777 for p in (home / "daemon").iterdir()}
        assert modes == dict.fromkeys(("key", "lock", "log", "socket"), 0o600)
        assert (home / "daemon").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(
    sys.platform == "win32" or os.getuid() != 0, reason="only root can be somebody else"
)
def test_another_user_is_turned_away_even_where_the_folder_is_open(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        client.call("recall")
        for folder in (*reversed((home / "daemon").parents), home / "daemon"):
            folder.chmod(0o755)
        (home / "daemon" / "socket").chmod(0o666)
        code = (
            "import os, socket, sys\n"
            "os.setuid(65534)\n"
            "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
            f"s.sendall(b'mcp-memory {__version__} serve 0\\n'); print(s.makefile().read())"
        )
        said = subprocess.run(
            ["/usr/bin/env", "python3", "-c", code, str(home / "daemon" / "socket")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "refused this store belongs to another user" in said.stdout, said.stderr


def test_commands_go_through_the_daemon_and_do_without_one(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home:
        with proxy(home) as client:
            client.handshake()
            memory = stored(client, "The clock strikes thirteen")
            daemon_answers = [
                command(*words, home=home)
                for words in (("show",), ("show", memory), ("search", "clock", "--explain"))
            ]
            assert "changes verified" in command("doctor", home=home).stdout
            assert daemon_pid(home)
        command("daemon", "stop", home=home)
        for words, through in zip(
            (("show",), ("show", memory), ("search", "clock")), daemon_answers, strict=True
        ):
            alone = command(*words, home=home)
            assert alone.returncode == through.returncode == 0, alone.stderr
            assert "The clock strikes thirteen" in alone.stdout
            assert "The clock strikes thirteen" in through.stdout
        assert daemon_pid(home) == 0
        missing = command("show", "01a20256-aa2a-78f6-aadd-aa0a0aa756a6", home=home)
        assert missing.returncode == 2
        assert "no memory" in missing.stderr


def test_an_error_of_a_command_in_the_daemon_is_the_same_as_without(tmp_path: Path) -> None:
    words = ("show", "01a20256-aa2a-78f6-aadd-aa0a0aa756a6")
    with daemon_home(tmp_path) as home:
        alone = command(*words, home=home)
        with proxy(home) as client:
            client.handshake()
            client.call("recall")
            through = command(*words, home=home)
    assert alone.returncode == through.returncode == 2
    assert alone.stderr == through.stderr
    assert "no memory" in alone.stderr


def test_the_log_of_the_daemon_can_be_read(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home:
        assert "no daemon has logged" in command("daemon", "logs", home=home).stdout
        with proxy(home, MCP_MEMORY_LOG_LEVEL="info") as client:
            client.handshake()
            client.call("recall")
            assert "is ready" in command("daemon", "logs", home=home).stdout
            assert (
                len(command("daemon", "logs", "--lines", "1", home=home).stdout.splitlines()) == 1
            )


def test_in_process_serves_without_a_daemon(tmp_path: Path) -> None:
    home = tmp_path / "store"
    with proxy(home, "--in-process") as client:
        client.handshake()
        stored(client, "The barn proxy is open")
        assert not (home / "daemon").exists()
        assert settings.load({}, home=home).home == home


@pytest.mark.parametrize("through", ["daemon", "alone"])
def test_the_index_is_made_anew_on_command(tmp_path: Path, through: str) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        stored(client, "The anvil is heavy")
        if through == "alone":
            command("daemon", "stop", home=home)
        said = command("rebuild", home=home)
        assert said.returncode == 0, said.stderr
        *steps, last = said.stdout.splitlines()
        assert last == "the index was made anew from the record"
        assert any("of" in step for step in steps)
        assert (daemon_pid(home) != 0) == (through == "daemon")
        assert contents(client, "anvil") == ["The anvil is heavy"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not remove open files")
def test_a_daemon_whose_folder_was_removed_makes_room_for_another(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        stored(client, "The old store is here")
        ghost = daemon_pid(home)
        home.rename(tmp_path / "elsewhere")
        until(lambda: not is_running(ghost))
        stored(client, "The new store is here")
        assert daemon_pid(home) not in (0, ghost)
        assert contents(client, "store") == ["The new store is here"]


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended (its parent may not have asked yet)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_an_erase_empties_the_log_which_may_quote_what_was_erased(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home, MCP_MEMORY_LOG_LEVEL="info") as client:
        client.handshake()
        memory = stored(client, "The combination is 7719")
        log = home / "daemon" / "log"
        log.write_text(log.read_text() + "an error quoted: The combination is 7719\n")
        preview = client.call("forget", ids=[memory], erase=True)["structuredContent"]
        client.call("forget", ids=[memory], erase=True, confirm=preview["confirm"])
        left = [p for p in home.rglob("*") if p.is_file() and b"7719" in p.read_bytes()]
        assert left == []
