"""Long calls, questions and crowds, through real proxies."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mcp_memory import __version__
from mcp_memory.server.scheduler import WRITES_WAITING_MAX
from tests.support.daemon import (
    command,
    daemon_home,
    daemon_pid,
    kill_daemon,
    lock_held,
    proxy,
    started,
    status,
)
from tests.support.mcp_client import ROOT, environment, explained
from tests.support.stdio_client import INITIALIZE, META, TIMEOUT_S, Server
from tests.support.waiting import until

ASKABLE: dict[str, Any] = {**INITIALIZE, "capabilities": {"elicitation": {}}}
LONG = "The harbour master wrote that day about ships, weather and cargo in great detail. " * 60


def erasing(memory: str) -> dict[str, Any]:
    return {"ids": [memory], "erase": True, "explain": True}


def ids_of(proxy: Server, query: str) -> list[str]:
    found = proxy.call("recall", query=query, limit=50, max_tokens=20_000)
    return [memory["id"] for memory in found["structuredContent"]["memories"]]


def long_memories(count: int) -> list[dict[str, Any]]:
    """Memories of some seconds of embedding."""
    return [{"content": f"Entry {n} of the log. {LONG}"} for n in range(count)]


def test_an_open_question_is_asked_anew_by_the_next_daemon_and_only_its_answer_counts(
    tmp_path: Path,
) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.ask("initialize", **ASKABLE)
        client.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        stored = client.call("remember", memories="The spare key is under the stone")
        memory = stored["structuredContent"]["results"][0]["id"]
        client.send("tools/call", name="forget", arguments=erasing(memory))
        first = client.read_question()
        kill_daemon(home)
        second = client.read_question()
        assert first["method"] == second["method"] == "elicitation/create"
        assert first["id"] != second["id"]
        assert client.notices[-1] == "notifications/cancelled"
        agreed = {"action": "accept", "content": {"erase": True}}
        client.answer(first["id"], agreed)
        client.answer(second["id"], {"action": "decline"})
        text = client.read()["result"]["content"][0]["text"]
        assert "the user declined" in text, (
            "the answer to the question of a dead daemon is no consent"
        )
        assert ids_of(client, "spare key") == [memory]
        client.send("tools/call", name="forget", arguments=erasing(memory))
        client.answer(client.read_question()["id"], agreed)
        assert client.read()["result"]["structuredContent"]["erased"] is True


def test_a_bulk_load_tells_how_far_it_is(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        client.call("recall")
        arguments = {"memories": long_memories(12), "explain": True}
        meta = {"progressToken": "load"}
        answer = client.ask("tools/call", name="remember", arguments=arguments, _meta=meta)
        assert len(answer["result"]["structuredContent"]["results"]) == 12
        told = [m["params"] for m in client.messages if m["method"] == "notifications/progress"]
        done = [params["progress"] for params in told]
        assert len(done) >= 3
        assert done == sorted(set(done))
        assert {params["total"] for params in told} == {12}
        assert {params["progressToken"] for params in told} == {"load"}


@pytest.mark.parametrize("era", ["older", "newer"])
def test_a_bulk_load_that_is_cancelled_stores_nothing(tmp_path: Path, era: str) -> None:
    meta: dict[str, Any] = {} if era == "older" else META
    with daemon_home(tmp_path) as home, proxy(home) as client:
        if era == "older":
            client.handshake()
        client.ask("tools/call", name="recall", arguments={}, _meta=meta)
        meta = {**meta, "progressToken": "load"}
        arguments = {"memories": long_memories(40), "explain": True}
        asked = client.send("tools/call", name="remember", arguments=arguments, _meta=meta)
        assert client.read_notice() == "notifications/progress"
        client.notify("notifications/cancelled", requestId=asked)
        # The write that waits its turn behind it would find what it had stored.
        small = {"memories": "The harbour is closed", "explain": True}
        answer = client.ask("tools/call", name="remember", arguments=small, _meta=meta)
        assert answer["result"]["structuredContent"]["results"][0]["status"] == "stored"
        found = client.ask(
            "tools/call", name="recall", arguments=explained("recall", {"limit": 50}), _meta=meta
        )["result"]["structuredContent"]["memories"]
        assert [memory["content"] for memory in found] == ["The harbour is closed"]
        assert command("doctor", home=home).returncode == 0


def test_one_clients_bulk_load_does_not_keep_another_waiting(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as loader, proxy(home) as reader:
        loader.handshake()
        reader.handshake()
        reader.call("remember", memories="The bakery opens at seven")
        for _ in range(3):
            loader.send("tools/call", name="remember", arguments={"memories": long_memories(40)})
        for _ in range(20):
            assert ids_of(reader, "bakery opens")
            result = reader.call("remember", memories="The bakery closes at noon")
            assert not result.get("isError")
        loader.notify("notifications/cancelled", requestId=2)
        loader.notify("notifications/cancelled", requestId=3)
        loader.notify("notifications/cancelled", requestId=4)
        assert loader.ask("ping")["id"] == 5, "none of the bulk loads was done by then"


def test_what_is_too_much_is_refused_by_name_and_the_rest_is_done(tmp_path: Path) -> None:
    count = WRITES_WAITING_MAX + 40
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        client.call("recall")
        client.send("tools/call", name="remember", arguments={"memories": long_memories(6)})
        for n in range(count):
            memories = {"memories": f"Ticket number {n} was sold"}
            client.send("tools/call", name="remember", arguments=memories)
        results = [client.read()["result"] for _ in range(count + 1)]
        refused = [r["content"][0]["text"] for r in results if r.get("isError")]
        assert len(refused) == 40
        assert all(f"{WRITES_WAITING_MAX} writes" in text for text in refused)
        assert not client.call("remember", memories="The box office is open").get("isError")


def test_a_stream_of_notices_outlives_a_daemon_that_is_stopped(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as watcher, proxy(home) as writer:
        listening = {"resourceSubscriptions": ["memory://recent"]}
        watcher.send("subscriptions/listen", _meta=META, notifications=listening)
        assert watcher.read_notice() == "notifications/subscriptions/acknowledged"
        assert command("daemon", "stop", home=home).returncode == 0
        writer.handshake()
        watcher.ask("tools/call", _meta=META, name="recall", arguments={})
        until(lambda: status(home).get("clients") == "2")
        watcher.messages.clear()
        writer.call("remember", memories="The bridge is up")
        assert watcher.read_notice() == "notifications/resources/updated"


def test_a_daemon_that_has_no_socket_listens_on_a_private_port(tmp_path: Path) -> None:
    home = tmp_path / "store"
    (home / "daemon" / "socket" / "in the way").mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-m", "mcp_memory", "daemon", "run"],
        env=environment(home),
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    ) as daemon:
        port = home / "daemon" / "port"
        until(port.exists)
        assert port.stat().st_mode & 0o777 == 0o600 or sys.platform == "win32"
        number, shown, awaited = port.read_text().split()
        with proxy(home) as client:
            client.handshake()
            client.call("remember", memories="The crane is rusty")
            assert len(ids_of(client, "crane")) == 1
            assert daemon_pid(home) == daemon.pid
            assert (
                said_to(int(number), f"mcp-memory {__version__} serve 12\nsecret=none\0")
                == "refused"
            )
            assert shown != awaited
        assert command("daemon", "stop", home=home).returncode == 0
        assert daemon.wait(TIMEOUT_S) == 0
        assert not port.exists()


def said_to(port: int, hello: str) -> str:
    """The verdict of a daemon on a port to somebody's greeting."""
    with socket.create_connection(("127.0.0.1", port)) as sock, sock.makefile("rb") as file:
        sock.sendall(hello.encode())
        return file.readline().split()[2].decode()


@contextlib.contextmanager
def stranger(says: bytes) -> Generator[tuple[int, list[bytes]]]:
    """Somebody who listens on a port: which one, and what was said to him."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def pretend() -> None:
            while True:
                try:
                    sock, _ = listening.accept()
                except OSError:
                    return
                with sock:
                    heard.append(sock.recv(4096))
                    sock.sendall(says)

        thread = Thread(target=pretend, daemon=True)
        thread.start()
        yield listening.getsockname()[1], heard
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("is_held", [True, False])
def test_no_stranger_behind_a_port_is_believed(tmp_path: Path, is_held: bool) -> None:
    """Somebody else listens where a dead daemon did, perhaps while another one starts."""
    with (
        daemon_home(tmp_path) as home,
        stranger(f"mcp-memory {__version__} welcome guess\n".encode()) as (port, heard),
        contextlib.ExitStack() as stack,
    ):
        (home / "daemon").mkdir(parents=True)
        (home / "daemon" / "port").write_text(f"{port} shown awaited\n")
        holder = stack.enter_context(lock_held(home / "daemon" / "lock")) if is_held else None
        client = stack.enter_context(proxy(home))
        client.handshake()
        client.send("tools/call", name="remember", arguments={"memories": "The vault is shut"})
        if holder is not None:
            until(lambda: len(heard) > 2)
            holder.kill()
        assert not client.read()["result"].get("isError")
        assert ids_of(client, "vault")
        assert all(b"vault" not in said for said in heard)


def test_an_answer_to_a_question_of_the_newer_era_counts_with_the_next_daemon(
    tmp_path: Path,
) -> None:
    able = "io.modelcontextprotocol/clientCapabilities"
    meta: dict[str, Any] = {**META, able: {"elicitation": {"form": {}}}}
    with daemon_home(tmp_path) as home, proxy(home) as client:
        stored = client.ask(
            "tools/call",
            _meta=meta,
            name="remember",
            arguments={"memories": "The seal is red", "explain": True},
        )
        memory = stored["result"]["structuredContent"]["results"][0]["id"]
        erase: dict[str, Any] = {
            "name": "forget",
            "arguments": erasing(memory),
            "_meta": meta,
        }
        asked = client.ask("tools/call", **erase)["result"]
        assert asked["resultType"] == "input_required"
        kill_daemon(home)
        (question,) = asked["inputRequests"]
        agreed = {question: {"action": "accept", "content": {"erase": True}}}
        state = asked["requestState"]
        done = client.ask("tools/call", **erase, inputResponses=agreed, requestState=state)
        assert done["result"]["structuredContent"]["erased"] is True


def test_what_changes_between_two_daemons_is_told_afterwards(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as watcher, proxy(home) as writer:
        watcher.handshake()
        assert watcher.ask("resources/subscribe", uri="memory://recent")["result"] == {}
        assert command("daemon", "stop", home=home).returncode == 0
        writer.handshake()
        assert not writer.call("remember", memories="The moat is full").get("isError")
        assert "notifications/resources/updated" in {watcher.read_notice(), watcher.read_notice()}


HASTY = """
import sys
from mcp_memory.daemon import daemon
daemon.LOCK_PATIENCE_S = 0.1
from mcp_memory.__main__ import main
sys.argv = ["mcp-memory", "daemon", "run"]
sys.exit(main())
"""
"""A daemon that does not wait long for who holds the store."""


@pytest.mark.parametrize("era", ["older", "newer"])
def test_a_next_daemon_that_cannot_open_the_store_yet_watches_once_it_can(
    tmp_path: Path, era: str
) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as watcher:
        if era == "older":
            watcher.handshake()
            assert watcher.ask("resources/subscribe", uri="memory://recent")["result"] == {}
        else:
            wanted = {"resourceSubscriptions": ["memory://recent"]}
            watcher.send("subscriptions/listen", _meta=META, notifications=wanted)
            assert watcher.read_notice() == "notifications/subscriptions/acknowledged"
        kill_daemon(home)
        with lock_held(home / "lock") as holder, started(home, ["-c", HASTY]) as following:
            until(lambda: daemon_pid(home) == following.process.pid)
            meta = {} if era == "older" else META
            refused = watcher.ask("tools/call", name="recall", arguments={}, _meta=meta)
            assert f"in use by process {holder.pid}" in refused["result"]["content"][0]["text"]
            holder.kill()
            with proxy(home) as writer:
                writer.handshake()
                for content in ("The sluice is shut", "The weir is dry"):
                    assert not writer.call("remember", memories=content).get("isError")
                    while watcher.read_notice() != "notifications/resources/updated":
                        pass


def test_a_request_whose_id_cannot_be_answered_is_refused(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        client.call("recall")
        for odd in (b"null", b"1.5", b"true", b"{}", b"[1]"):
            for rest in (b'"method":"ping"', b'"result":{}'):
                client.write(b'{"jsonrpc":"2.0","id":' + odd + b"," + rest + b"}")
                assert client.read()["error"]["code"] == -32600, (odd, rest)
        assert client.ask("ping")["result"] == {}
        _, said = client.end()
        assert (said, client.process.returncode) == (b"", 0)


def test_the_pipes_of_windows_carry_every_answer_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from mcp_memory.system import environment\n"
        "from mcp_memory.proxy.proxy import StdioProxy\n"
        "from mcp_memory.proxy.pipes import PumpedPipes\n"
        "sys.exit(StdioProxy(PumpedPipes(), environment.home_dir()).serve())"
    )
    with daemon_home(tmp_path) as home:
        client = Server(home, ["-c", code])
        with client.process as process:
            client.handshake()
            for _ in range(5):
                assert client.ask("ping")["result"] == {}
            client.call("remember", memories="The kite is up")
            kill_daemon(home)
            assert ids_of(client, "kite")
            _, said = client.end()
            assert (said, process.returncode) == (b"", 0)


def test_two_stops_at_once_end_a_busy_daemon_in_order(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        client.call("recall")
        client.send(
            "tools/call", name="remember", arguments={"memories": long_memories(8), "explain": True}
        )
        with ThreadPoolExecutor(2) as pool:
            stops = [pool.submit(command, "daemon", "stop", home=home) for _ in range(2)]
            said = [stop.result().stdout for stop in stops]
        assert not any("killed" in line for line in said), said
        results = client.read()["result"]["structuredContent"]["results"]
        assert {result["status"] for result in results} == {"stored"}
