"""How a server over HTTP comes and goes: nothing acknowledged is lost, and nobody is surprised."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import mcp.types as types
import pytest
from mcp import Client

from mcp_memory.ipc.address import Address
from tests.support.daemon import (
    command,
    contents,
    daemon_home,
    daemon_pid,
    needs_signals,
    proxy,
    status,
    stored,
)
from tests.support.http_server import TIMEOUT_S, TRANSPORTS, Served, connect, running, served, tool
from tests.support.mcp_client import call, text_of
from tests.support.raw_http import LIST, Answer, ask, json_headers, request
from tests.support.waiting import until

EACH = 6
"""Memories of a batch: four of them take longer than it takes to look at the server."""
IMPATIENT = """
import sys
from mcp_memory.__main__ import main
from mcp_memory.http import server
server.DRAIN_S = 0.2
sys.exit(main())
"""
"""Gives back after less than a second what is not done."""
LONG = 40
"""Memories of a batch that takes longer than that."""
SERVE = ("serve", "--http", "127.0.0.1:0")


def batch(name: str, size: int = EACH) -> dict[str, Any]:
    words = " ".join(f"word{n}" for n in range(100))
    memories = [{"content": f"{name} {n} {words}", "tags": [name]} for n in range(size)]
    return {"memories": memories, "explain": True}


def figure(server: Served, name: str) -> int:
    """One of the figures of the moment."""
    answer = ask(server, request(server, method="GET", path="/metrics", headers=[]))
    lines = re.findall(rb"^mcp_memory_%b (\d+)" % name.encode(), answer.body, re.MULTILINE)
    return sum(map(int, lines))


def all_asked(server: Served, count: int) -> int:
    """Wait until so many batches were asked to be remembered; how many of them still are."""
    waiting = 0

    def have_arrived() -> bool:
        nonlocal waiting
        waiting = figure(server, "writes_under_way")
        return waiting + figure(server, 'calls_total{call="remember".*}') >= count

    until(have_arrived)
    return waiting


def turned_away(server: Served) -> str:
    """When to come again, as the first request is told that is not served any more."""
    answers: list[Answer] = []

    def is_turned_away() -> bool:
        answers.append(ask(server, request(server, LIST)))
        return answers[-1].status != 200

    until(is_turned_away)
    assert answers[-1].status == 503
    assert b"shutting down" in answers[-1].body
    return answers[-1].headers["retry-after"]


def recalled(server: Served, **arguments: Any) -> bytes:
    """What is found over HTTP in the project of the local clients."""
    body = json.dumps(tool("recall", **arguments)).encode()
    headers = json_headers(("X-Mcp-Memory-Project", "app"))
    return ask(server, request(server, body, headers=headers)).body


@needs_signals
@pytest.mark.anyio
async def test_what_is_under_way_is_answered_and_stored_through_every_proxy(tmp_path: Path) -> None:
    home = tmp_path / "store"
    answered: dict[str, int] = {}

    async def remember(through: str) -> None:
        async with connect(server, through) as client:
            await client.list_tools()  # else it asks for them once it has the answer
            results = (await call(client, "remember", **batch(through)))["results"]
            answered[through] = sum(result["status"] == "stored" for result in results)
            await anyio.to_thread.run_sync(server.process.wait, TIMEOUT_S)

    with served(home) as server, proxy(home) as stdio:
        stdio.handshake()
        stored(stdio, "warm")
        with anyio.fail_after(TIMEOUT_S):
            async with anyio.create_task_group() as tasks:
                for through in TRANSPORTS:
                    tasks.start_soon(remember, through)
                stdio.send("tools/call", name="remember", arguments=batch("stdio"))
                everybody = len(TRANSPORTS) + 2
                waiting = await anyio.to_thread.run_sync(all_asked, server, everybody)
                assert waiting, "they were done before we could look"
                server.process.send_signal(signal.SIGTERM)
                assert int(await anyio.to_thread.run_sync(turned_away, server)) > 0
        results = stdio.read()["result"]["structuredContent"]["results"]
        answered["stdio"] = sum(result["status"] == "stored" for result in results)
        said = server.rest()
        assert server.process.returncode == 0, said
        assert " ERROR " not in said
    assert answered == dict.fromkeys([*TRANSPORTS, "stdio"], EACH)
    with served(home) as again:
        assert figure(again, "memories") == 1 + EACH * len(answered)


class Visitors:
    """Clients over every transport: one whose user is asked, and batches that wait a turn."""

    def __init__(self, server: Served, batches: int) -> None:
        self.results: dict[str, types.CallToolResult] = {}
        self._server = server
        self._batches = batches
        self._asked = anyio.Event()

    async def load(self, through: str) -> None:
        """Send batches of LONG memories all at once, and wait for the answers."""
        await self._asked.wait()
        async with connect(self._server, through) as client:
            await client.list_tools()
            async with anyio.create_task_group() as calls:
                for name in (f"{through}-{n}" for n in range(self._batches)):
                    calls.start_soon(self._send, client, name, "remember", batch(name, LONG))
            await self.leave()

    async def ask(self) -> None:
        """Want to forget something, which the user never answers."""
        async with connect(self._server, "http-legacy", elicitation_callback=self._never) as client:
            await call(client, "remember", **batch("ants", 1))
            await self._send(client, "question", "forget", {"tags": ["ants"]})
            await self.leave()

    async def leave(self) -> None:
        """Once the server has ended: it would be asked to end the session."""
        await anyio.to_thread.run_sync(self._server.process.wait, TIMEOUT_S)

    async def _send(self, client: Client, name: str, verb: str, arguments: dict[str, Any]) -> None:
        self.results[name] = await client.call_tool(verb, arguments)

    async def _never(self, context: Any, params: Any) -> types.ElicitResult:
        self._asked.set()
        await anyio.sleep_forever()
        raise AssertionError


@needs_signals
@pytest.mark.anyio
async def test_what_cannot_be_done_in_time_is_given_back_and_nothing_of_it_is_stored(
    tmp_path: Path,
) -> None:
    home, each = tmp_path / "store", 2
    everybody = each * len(TRANSPORTS) + 1
    with running(["-c", IMPATIENT, *SERVE], home) as server, anyio.fail_after(TIMEOUT_S):
        visitors = Visitors(server, each)
        async with anyio.create_task_group() as visits:
            visits.start_soon(visitors.ask)
            for through in TRANSPORTS:
                visits.start_soon(visitors.load, through)
            await anyio.to_thread.run_sync(all_asked, server, everybody)
            server.process.send_signal(signal.SIGTERM)
        said = server.rest()
    assert server.process.returncode == 0, said
    assert " ERROR " not in said
    assert "Traceback" not in said
    results = visitors.results
    given_back = {name: text_of(result) for name, result in results.items() if result.is_error}
    assert "question" in given_back
    assert len(given_back) > 1, "all batches were done before the time was up"
    for text in given_back.values():
        assert "shutting down, so this was not done and nothing was stored" in text
    assert len(results) == everybody
    with served(home) as again:
        assert figure(again, "memories") == 1 + LONG * (everybody - len(given_back))


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_without_work_ends_at_once_and_in_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    with served(tmp_path / "store") as server:
        assert ask(server, request(server, LIST)).status == 200
        server.process.send_signal(number)
        said = server.rest()
    assert server.process.returncode == 0
    assert said == ""
    assert daemon_pid(server.home) == 0
    assert not Path(Address(str(server.home)).socket).exists()


def test_a_server_takes_over_and_its_clients_go_on_without_noticing(tmp_path: Path) -> None:
    with daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        stored(client, "The mill stands by the river")
        before = daemon_pid(home)
        client.send("tools/call", name="remember", arguments=batch("flour"))
        with served(home) as server:
            assert daemon_pid(home) == server.process.pid != before
            results = client.read()["result"]["structuredContent"]["results"]
            assert {result["status"] for result in results} == {"stored"}
            assert contents(client, "mill") == ["The mill stands by the river"]
            assert figure(server, "memories") == 1 + EACH
            stored(client, "The miller sleeps")
            assert b"The miller sleeps" in recalled(server, query="miller")
        assert contents(client, "miller sleeps")[0] == "The miller sleeps"
        assert daemon_pid(home) not in (0, server.process.pid), "without it there is a daemon again"


def test_a_second_server_of_a_store_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with served(tmp_path / "store") as server:
        said = command("serve", "--http", "127.0.0.1:0", home=server.home)
        assert said.returncode == 2
        assert server.url in said.stderr
        assert "end it first" in said.stderr
        assert "Traceback" not in said.stderr
        assert ask(server, request(server, LIST)).status == 200


def test_a_port_that_is_taken_leaves_the_running_daemon_alone(tmp_path: Path) -> None:
    with served(tmp_path / "other") as other, daemon_home(tmp_path) as home, proxy(home) as client:
        client.handshake()
        stored(client, "The mill stands by the river")
        before = daemon_pid(home)
        said = command("serve", "--http", other.base.removeprefix("http://"), home=home)
        assert said.returncode == 2
        assert "choose another port" in said.stderr
        assert daemon_pid(home) == before


def test_the_commands_for_daemons_know_the_server(tmp_path: Path) -> None:
    with served(tmp_path / "store") as server:
        told = status(server.home)
        assert told["serves"] == server.url
        assert told["needs a token"] == "no"
        assert told["sessions over HTTP"] == "0"
        assert server.url in command("daemon", "status", home=server.home).stdout
        said = command("daemon", "stop", home=server.home)
        assert said.returncode == 0, said.stderr
        assert f"has ended, and {server.url} with it" in said.stdout
        assert server.process.wait(TIMEOUT_S) == 0
    until(lambda: daemon_pid(server.home) == 0)
    assert "no daemon is running" in command("daemon", "status", home=server.home).stdout
