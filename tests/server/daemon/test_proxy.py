"""The stdio proxy and the daemon behind it, as real processes, byte by byte."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest

from mcp_memory.proxy.snapshot import FILE
from tests.support import make_snapshot
from tests.support.daemon import (
    command,
    contents,
    daemon_home,
    daemon_pid,
    kill_daemon,
    lock_held,
    needs_signals,
    proxy,
    status,
    stored,
)
from tests.support.mcp_client import environment
from tests.support.stdio_client import INITIALIZE, TIMEOUT_S, Server, full_pipe
from tests.support.waiting import until


def test_only_the_standard_library_is_on_the_proxies_path(tmp_path: Path) -> None:
    """Traced while it finds a daemon, serves it, loses it, and answers by itself."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        "from mcp_memory.__main__ import main\n"
        "sys.argv = ['mcp-memory']\n"
        "main()"
    )
    with daemon_home(tmp_path) as home:
        with proxy(home) as first:
            first.handshake()
        started = Server(home, ["-c", code])
        with started.process as process:
            started.handshake()
            stored(started, "The kiln is warm")
            kill_daemon(home)
            assert contents(started, "kiln") == ["The kiln is warm"]
            _, said = started.end()
            assert process.returncode == 0
    loaded = said.decode().splitlines()[-1].split()
    foreign = {
        name
        for name in (module.partition(".")[0] for module in loaded)
        if name not in sys.stdlib_module_names and not name.startswith(("_distutils", "sitecus"))
    }
    assert foreign == {"mcp_memory", "__main__"}
    ours = {module for module in loaded if module.startswith("mcp_memory.")}
    assert ours == {
        "mcp_memory.__main__",
        "mcp_memory.system.environment",
        "mcp_memory.system.file_lock",
        "mcp_memory.ipc",
        "mcp_memory.system",
        "mcp_memory.ipc.address",
        "mcp_memory.ipc.client",
        "mcp_memory.ipc.protocol",
        "mcp_memory.ipc.liveness",
        "mcp_memory.system.home_folder",
        "mcp_memory.system.isolation",
        "mcp_memory.system.framing",
        "mcp_memory.system.paths",
        "mcp_memory.proxy",
        "mcp_memory.proxy.proxy",
        "mcp_memory.proxy.pipes",
        "mcp_memory.proxy.connect",
        "mcp_memory.proxy.renewals",
        "mcp_memory.proxy.session",
        "mcp_memory.proxy.snapshot",
    }
    slow = {"argparse", "asyncio", "dataclasses", "inspect", "logging", "pathlib", "typing"}
    assert slow.isdisjoint(loaded)


def test_what_the_proxy_answers_by_itself_is_what_the_server_says() -> None:
    assert Path(FILE).read_text("utf-8") == make_snapshot.text(anyio.run(make_snapshot.collect))


def test_the_first_answers_do_not_wait_for_a_daemon(tmp_path: Path) -> None:
    (tmp_path / "store" / "daemon").mkdir(parents=True)
    with (
        daemon_home(tmp_path) as home,
        lock_held(tmp_path / "store" / "daemon" / "lock") as holder,
        proxy(home) as waiting,
    ):
        assert waiting.handshake()["serverInfo"]["name"] == "mcp-memory"
        assert len(waiting.ask("tools/list")["result"]["tools"]) == 4
        assert len(waiting.ask("resources/list")["result"]["resources"]) == 5
        assert daemon_pid(home) == holder.pid, "so that no daemon can have started"
        waiting.send("tools/call", name="recall", arguments={})
        holder.kill()
        assert not waiting.read()["result"].get("isError")


def test_proxies_that_race_start_one_daemon(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home:

        def visit(number: int) -> int:
            with proxy(home) as one:
                one.handshake()
                stored(one, f"Crate {number} is painted in colour {number}")
                return daemon_pid(home)

        with ThreadPoolExecutor(6) as pool:
            pids = set(pool.map(visit, range(6)))
        assert len(pids) == 1
        assert status(home)["process"] == str(pids.pop())
        assert int(status(home)["clients served"]) == 6
        with proxy(home) as last:
            last.handshake()
            assert len(contents(last, "crate painted")) == 6


def test_two_clients_share_one_memory_at_the_same_moment(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as claude, proxy(home) as cursor:
        claude.handshake()
        cursor.handshake()
        stored(claude, "The boiler was serviced on 3 May 2026")
        assert contents(cursor, "boiler") == ["The boiler was serviced on 3 May 2026"]
        assert status(home)["clients"] == "2"


def test_each_proxy_says_for_itself_whose_memory_it_uses(tmp_path: Path) -> None:
    with (
        daemon_home(tmp_path) as home,
        proxy(home, MCP_MEMORY_USER="ana") as ana,
        proxy(home, MCP_MEMORY_USER="bob") as bob,
    ):
        ana.handshake()
        bob.handshake()
        stored(ana, "The safe is behind the painting")
        assert contents(bob, "safe painting") == []
        caller = bob.call("recall")["structuredContent"]["caller"]
        assert (caller["user"], caller["project"]) == ("bob", "app")


@pytest.mark.parametrize("moment", ["idle", "asked"])
def test_when_the_daemon_dies_the_client_notices_a_pause_at_most(
    tmp_path: Path, moment: str
) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        stored(client, "The ferry leaves at nine")
        before = client.call("recall", query="ferry")["structuredContent"]["caller"]
        if moment == "asked":
            bulk = [{"content": f"Parcel {n} weighs {n} kilos"} for n in range(100)]
            client.send(
                "tools/call", name="remember", arguments={"memories": bulk, "explain": True}
            )
        killed = kill_daemon(home)
        if moment == "asked":
            results = client.read()["result"]["structuredContent"]["results"]
            assert len({result["id"] for result in results}) == 100
            assert len(contents(client, "parcel weighs kilos", max_tokens=20_000)) == 50
        found = client.call("recall", query="ferry")["structuredContent"]
        assert [memory["content"] for memory in found["memories"]] == ["The ferry leaves at nine"]
        assert found["caller"] == before, "the session is the same"
        assert daemon_pid(home) not in (0, killed)
        assert command("doctor", home=home).returncode == 0


def test_a_client_of_the_newer_era_is_carried_over_too(tmp_path: Path) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    with daemon_home(tmp_path) as home, proxy(home) as client, proxy(home) as other:
        found = client.ask("server/discover", _meta=meta)
        assert found["result"]["resultType"] == "complete"
        listening = {"resourcesListChanged": True, "resourceSubscriptions": ["memory://recent"]}
        client.send("subscriptions/listen", _meta=meta, notifications=listening)
        assert client.read_notice() == "notifications/subscriptions/acknowledged"
        kill_daemon(home)
        arguments = {"name": "remember", "arguments": {"memories": "The gate is green"}}
        assert "result" in client.ask("tools/call", _meta=meta, **arguments)
        other.handshake()
        client.messages.clear()
        stored(other, "The fence is blue")
        seen = {client.read_notice(), client.read_notice()}
        assert seen == {
            "notifications/resources/updated",
            "notifications/resources/list_changed",
        }


def test_subscriptions_outlive_the_daemon(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as watcher, proxy(home) as writer:
        watcher.handshake()
        writer.handshake()
        assert watcher.ask("resources/subscribe", uri="memory://recent")["result"] == {}
        kill_daemon(home)
        stored(writer, "The tide is out at noon")
        watcher.ask("ping")
        until(lambda: status(home).get("clients") == "2")
        watcher.messages.clear()
        stored(writer, "The tide is in at six")
        assert "notifications/resources/updated" in {
            watcher.read_notice(),
            watcher.read_notice(),
        }


@needs_signals
def test_when_a_client_goes_its_proxy_goes_and_the_daemon_stays(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home:
        daemons: set[str] = set()
        for end in ("stdin", "SIGTERM", "SIGKILL"):
            with proxy(home) as client:
                client.handshake()
                stored(client, f"The mill stands still since {end}")
                if end == "stdin":
                    _, said = client.end()
                    assert (said, client.process.returncode) == (b"", 0)
                else:
                    client.process.send_signal(getattr(signal, end))
                    client.process.wait(TIMEOUT_S)
                until(lambda: status(home)["clients"] == "0")
                daemons.add(status(home)["process"])
        assert len(daemons) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_client_that_neither_reads_nor_writes_any_more_keeps_nothing(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, full_pipe() as stdout:
        with proxy(home) as first:
            first.handshake()
        stuck = Server(home, ["-m", "mcp_memory"], stdout=stdout)
        with stuck.process as process:
            assert process.stdin is not None
            stuck.send("initialize", **INITIALIZE)
            process.stdin.close()
            assert process.wait(TIMEOUT_S) == 0
        until(lambda: status(home)["clients"] == "0")


def test_work_under_way_is_answered_when_stdin_closes_even_before_there_is_a_daemon(
    tmp_path: Path,
) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.send("initialize", **INITIALIZE)
        client.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        for n in range(5):
            client.send("tools/call", name="remember", arguments={"memories": f"Crate {n} is red"})
        rest, _ = client.end()
        answers = [json.loads(line) for line in rest.splitlines()]
        assert {a["id"] for a in answers if "id" in a} == {1, 2, 3, 4, 5, 6}
        assert all("result" in answer for answer in answers if "id" in answer)


def test_a_line_that_is_no_message_is_answered_through_the_proxy(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.write(b"before there is a daemon")
        assert client.read()["error"]["code"] == -32700
        client.handshake()
        for line, code in (
            (b"this is no json", -32700),
            (b"\xff\xfe", -32700),
            (b'{"jsonrpc":"2.0","id":7}', -32600),
            (b'{"a":' + b"[" * 200_000, -32700),
            (b"x" * (17 * 1024 * 1024), -32700),
        ):
            client.write(line)
            assert client.read()["error"]["code"] == code
        assert "tools" in client.ask("tools/list")["result"]


def test_the_path_of_a_store_may_be_longer_than_a_sockets_address(tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 25) / ("path" * 25)
    deep.mkdir(parents=True)
    with daemon_home(deep) as home, proxy(home) as client:
        client.handshake()
        stored(client, "The attic is dusty")
        assert contents(client, "attic") == ["The attic is dusty"]


def test_no_module_is_taken_from_the_folder_that_the_client_works_in(tmp_path: Path) -> None:
    trap = tmp_path / "project"
    trap.mkdir()
    for name in ("duckdb", "apsw", "mcp_memory", "logging"):
        (trap / f"{name}.py").write_text("raise SystemExit('a trap')")
    with daemon_home(tmp_path) as home:
        code = "import sys; from mcp_memory.__main__ import main; sys.argv=['mcp-memory']; main()"
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", code],
            cwd=trap,
            env=environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":')
            process.stdin.write(json.dumps(INITIALIZE).encode() + b"}\n")
            process.stdin.flush()
            assert b"serverInfo" in process.stdout.readline()
            until(lambda: status(home) != {})
            process.stdin.close()
