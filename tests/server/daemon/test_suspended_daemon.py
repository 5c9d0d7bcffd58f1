"""A daemon that is suspended: who is connected, who comes, and who looks after it."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.ipc import protocol
from mcp_memory.ipc.address import Address, connect
from mcp_memory.ipc.client import answer, greet
from tests.support.daemon import (
    command,
    contents,
    daemon_home,
    daemon_pid,
    kill_daemon,
    needs_signals,
    proxy,
    started,
    stored,
)
from tests.support.stdio_client import INITIALIZE, META, TIMEOUT_S, Server

WATCHFUL = """
import signal, sys
from mcp_memory.ipc import liveness
liveness.LOOK_S = 0.1
def tell(*_):
    liveness.QUIET_S = liveness.TELL_AGAIN_S = 0.2
def part(*_):
    liveness.SILENT_S = 0.5 if liveness.SILENT_S > 1 else 45.0
signal.signal(signal.SIGUSR1, tell)
signal.signal(signal.SIGUSR2, part)
from mcp_memory.__main__ import main
sys.exit(main())
"""
"""A proxy that looks often, and from one signal on tells soon; by another it has little patience,
and by the same again as much as before."""


def connected(client: Server, era: str) -> dict[str, Any]:
    """What the calls of a client have as `_meta`, once it is connected."""
    if era == "newer":
        return {**META, "progressToken": "t"}
    client.handshake()
    return {"progressToken": "t"}


def done(client: Server, verb: str, meta: dict[str, Any], **given: Any) -> dict[str, Any]:
    """What a tool answers in full."""
    arguments = {**given, "explain": True}
    said = client.ask("tools/call", name=verb, arguments=arguments, _meta=meta)
    assert not said["result"].get("isError"), said
    return said["result"]["structuredContent"]


def bells(client: Server, meta: dict[str, Any]) -> list[str]:
    return [memory["content"] for memory in done(client, "recall", meta, query="bell")["memories"]]


def ask_in_vain(client: Server, meta: dict[str, Any]) -> str:
    """Ask a daemon that is suspended, and be told so; then patience ends: the error."""
    client.send("tools/call", name="recall", arguments={"query": "bell"}, _meta=meta)
    told(client, "is suspended")
    assert client.process.stderr is not None
    while b"is suspended" not in client.process.stderr.readline():
        pass
    client.process.send_signal(signal.SIGUSR2)
    text = client.read()["error"]["message"]
    client.process.send_signal(signal.SIGUSR2)
    return text


def told(client: Server, what: str) -> None:
    """Wait until a notice of progress says something."""
    client.process.send_signal(signal.SIGUSR1)
    while True:
        message = client.read_message()
        assert "method" in message, message
        if what in message.get("params", {}).get("message", ""):
            return


@needs_signals
@pytest.mark.parametrize("era", ["older", "newer"])
def test_a_connected_client_of_a_suspended_daemon_is_told_and_answered_and_goes_on_with_it(
    tmp_path: Path, era: str
) -> None:
    with daemon_home(tmp_path) as home, started(home, ["-c", WATCHFUL]) as client:
        meta = connected(client, era)
        done(client, "remember", meta, memories="The bell is cracked")
        pid = daemon_pid(home)
        os.kill(pid, signal.SIGSTOP)
        text = ask_in_vain(client, meta)
        assert f"(process {pid}) does not answer: it gave no sign of life" in text
        assert f"is suspended: kill -CONT {pid} lets it go on, mcp-memory daemon stop" in text
        os.kill(pid, signal.SIGCONT)
        assert bells(client, meta) == ["The bell is cracked"]
        assert daemon_pid(home) == pid


@needs_signals
@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_a_connected_client_of_a_suspended_daemon_goes_on_with_the_next(
    tmp_path: Path, end: str
) -> None:
    with daemon_home(tmp_path) as home, started(home, ["-c", WATCHFUL]) as client:
        meta = connected(client, "older")
        assert "result" in client.ask("resources/subscribe", uri="memory://recent")
        done(client, "remember", meta, memories="The bell is cracked")
        pid = daemon_pid(home)
        os.kill(pid, signal.SIGSTOP)
        assert "does not answer" in ask_in_vain(client, meta)
        if end == "stopped":
            assert "has ended" in command("daemon", "stop", home=home).stdout
        else:
            kill_daemon(home)
        assert bells(client, meta) == ["The bell is cracked"]
        assert daemon_pid(home) not in (0, pid)
        client.messages.clear()
        with proxy(home) as other:
            other.handshake()
            stored(other, "The rope is new")
        while client.read_notice() != "notifications/resources/updated":
            pass


@needs_signals
def test_an_answer_that_comes_before_patience_ends_is_given_as_ever(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, started(home, ["-c", WATCHFUL]) as client:
        meta = connected(client, "older")
        done(client, "remember", meta, memories="The bell is cracked")
        pid = daemon_pid(home)
        os.kill(pid, signal.SIGSTOP)
        arguments = {"query": "bell", "explain": True}
        client.send("tools/call", name="recall", arguments=arguments, _meta=meta)
        told(client, "nothing acknowledged is lost")
        os.kill(pid, signal.SIGCONT)
        found = client.read()["result"]["structuredContent"]["memories"]
        assert [memory["content"] for memory in found] == ["The bell is cracked"]


@needs_signals
def test_a_daemon_that_is_long_at_one_call_is_known_to_be_alive(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, started(home, ["-c", WATCHFUL]) as client:
        client.ask("initialize", **{**INITIALIZE, "capabilities": {"elicitation": {}}})
        client.notify("notifications/initialized")
        memory = stored(client, "The bell is cracked")
        arguments = {"ids": [memory], "erase": True}
        meta = {"progressToken": "t"}
        client.send("tools/call", name="forget", arguments=arguments, _meta=meta)
        question = client.read_question()
        told(client, "it is alive")
        client.answer(question["id"], {"action": "accept", "content": {"erase": True}})
        assert not client.read()["result"].get("isError")


def test_a_sign_of_life_is_never_shown_to_a_client(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        stored(client, "The bell is cracked")
        met = connect(Address(str(home)))
        assert met is not None
        with contextlib.closing(met.socket):
            greet(met, protocol.SERVE, [("cwd", str(tmp_path))])
            assert answer(met, TIMEOUT_S)[1] == protocol.WELCOME
            met.socket.sendall(protocol.alive() * 3)
            signs = [answer(met, TIMEOUT_S)[1] for _ in range(3)]
            assert signs == [protocol.ALIVE] * 3
        client.write(protocol.alive().rstrip())
        assert client.ask("ping")["result"] == {}


@needs_signals
def test_a_daemon_that_is_suspended_is_waited_for(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as first, proxy(home) as second:
        first.handshake()
        stored(first, "The bell is cracked")
        pid = daemon_pid(home)
        os.kill(pid, signal.SIGSTOP)
        with proxy(home) as third:
            third.handshake()
            meta = {"progressToken": "t"}
            asked = {"query": "bell", "explain": True}
            third.send("tools/call", name="recall", arguments=asked, _meta=meta)
            assert third.read_notice() == "notifications/progress"
            os.kill(pid, signal.SIGCONT)
            found = third.read()["result"]["structuredContent"]["memories"]
            assert [memory["content"] for memory in found] == ["The bell is cracked"]
            assert daemon_pid(home) == pid
        second.handshake()
        assert contents(second, "bell")


@needs_signals
@pytest.mark.parametrize("arguments", ["daemon status", "show", "stats", "doctor"])
def test_a_command_says_at_once_that_the_daemon_is_suspended(
    tmp_path: Path, arguments: str
) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        stored(client, "The bell is cracked")
        pid = daemon_pid(home)
        os.kill(pid, signal.SIGSTOP)
        said = command(*arguments.split(), home=home)
        heard = said.stdout if arguments == "doctor" else said.stderr
        assert f"the daemon (process {pid}) is suspended: kill -CONT {pid} lets it go on" in heard
        assert "mcp-memory daemon stop ends it" in heard
        assert said.returncode == (1 if arguments == "doctor" else 2)
        assert "no sign of life" not in said.stdout + said.stderr, "it is not waited for"
        assert "waiting for the daemon" not in said.stderr
        os.kill(pid, signal.SIGCONT)
        assert "cracked" in command("show", home=home).stdout


@needs_signals
def test_a_daemon_that_was_suspended_ends_in_order_when_told_to(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home, MCP_MEMORY_LOG_LEVEL="info") as client:
        client.handshake()
        stored(client, "The bell is cracked")
        os.kill(daemon_pid(home), signal.SIGSTOP)
        said = command("daemon", "stop", home=home)
        assert "has ended" in said.stdout, said.stderr
        assert "has ended in order" in (home / "daemon" / "log").read_text("utf-8")
        assert contents(client, "bell") == ["The bell is cracked"]
