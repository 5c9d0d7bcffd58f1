"""MCP on stdio without a daemon, byte by byte: frames only, UTF-8 always, an orderly end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.system.framing import LINE_BYTES_MAX
from tests.support.daemon import daemon_home, needs_signals, proxy
from tests.support.mcp_client import SERVE, environment
from tests.support.stdio_client import INITIALIZE, META, TIMEOUT_S, full_pipe, server

NOISY = """
import atexit, os, subprocess, sys, threading
def shout():
    for n in range(200):
        os.write(1, b"junk from a library\\n")
        print("unflushed junk", end="")
        sys.stdout.write("x")
import mcp_memory.server.transport.stdio
claim = mcp_memory.server.transport.stdio.claim
def claimed():
    taken = claim()
    threading.Thread(target=shout, daemon=True).start()
    return taken
mcp_memory.server.transport.stdio.claim = claimed
atexit.register(lambda: print("junk at exit"))
from mcp_memory.runtime import Application
plain = Application.service
def noisy(self):
    shout()
    subprocess.run([sys.executable, "-c", "print('junk of a child')"], check=True)
    print("h\\u00e9llo")
    return plain(self)
Application.service = noisy
"""
TELLING = """
import sys
import mcp_memory.server.transport.jsonrpc
from mcp_memory.runtime import Application
mcp_memory.server.transport.jsonrpc.DRAIN_TIMEOUT_S = 0.5
plain = Application.service
def telling(self):
    opened = plain(self)
    print("the store is open", file=sys.stderr, flush=True)
    return opened
Application.service = telling
"""


def test_only_frames_reach_the_client_whatever_a_library_prints(tmp_path: Path) -> None:
    with server(tmp_path / "store", NOISY + SERVE) as noisy:
        noisy.handshake()
        assert not noisy.call("remember", memories="quiet please").get("isError")
        assert not noisy.call("recall", query="quiet").get("isError")
        rest, errors = noisy.end()
    assert rest == b""
    assert errors.count(b"junk from a library") >= 200
    assert b"junk of a child" in errors
    assert b"junk at exit" in errors


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_every_script_survives_an_ascii_locale(tmp_path: Path, ensure_ascii: bool) -> None:
    text = "Zoë schläft 🦆 — 東京 שלום ไทย"
    with server(
        tmp_path / "store", LC_ALL="C", LANG="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    ) as proxy:
        proxy.handshake()
        params = {"name": "remember", "arguments": {"memories": text, "explain": True}}
        message = {"jsonrpc": "2.0", "id": "r", "method": "tools/call", "params": params}
        proxy.write(json.dumps(message, ensure_ascii=ensure_ascii).encode("utf-8"))
        memory = proxy.read()["result"]["structuredContent"]["results"][0]["id"]
        found = proxy.call("recall", query="東京")
        assert [m["content"] for m in found["structuredContent"]["memories"]] == [text]
        assert text in found["content"][0]["text"]
        read = proxy.ask("resources/read", uri=f"memory://memories/{memory}")
        assert json.loads(read["result"]["contents"][0]["text"])["content"] == text


def test_a_line_that_is_no_message_is_answered_and_does_no_harm(tmp_path: Path) -> None:
    with server(tmp_path / "store") as proxy:
        proxy.handshake()
        for line, code in (
            (b"this is no json", -32700),
            (b"\xff\xfe", -32700),
            (b'{"jsonrpc":"2.0","id":7}', -32600),
            (b"[1, 2]", -32600),
            (b'{"a":' + b"[" * 200_000, -32700),
            (b"x" * (17 * 1024 * 1024), -32700),
        ):
            proxy.write(line)
            answer = proxy.read()
            assert answer["error"]["code"] == code
            assert answer.get("id") in (None, 7)
        assert "tools" in proxy.ask("tools/list")["result"]


def test_half_a_surrogate_pair_is_refused_by_name_and_always_answered(tmp_path: Path) -> None:
    with server(tmp_path / "store") as proxy:
        proxy.handshake()
        for arguments, field in (
            ({"memories": "a\ud800"}, "memories"),
            ({"memories": [{"content": "a", "metadata": {"k": "\udfff"}}]}, "metadata.k"),
            ({"memories": [{"content": "a", "tags": ["\ud83d"]}]}, "tags[0]"),
            ({"\ud800": 1}, ""),
        ):
            result = proxy.call("remember", **arguments)
            assert result["isError"]
            assert field in result["content"][0]["text"]
            assert "surrogate" in result["content"][0]["text"] or not field
        for method, params in (
            ("resources/read", {"uri": "memory://\ud800"}),
            ("prompts/get", {"name": "with_memory", "arguments": {"question": "\ud800"}}),
            ("resources/list", {"cursor": "\ud800"}),
            ("\ud800", {}),
        ):
            assert "error" in proxy.ask(method, **params)
        meta = {"io.github.mcp-memory/session": "\ud800"}
        answer = proxy.ask("tools/call", name="recall", arguments={}, _meta=meta)
        assert answer["result"]["isError"]
        line = b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}'
        proxy.write(line)
        assert "jsonrpc" in proxy.read()
        assert "tools" in proxy.ask("tools/list")["result"]


def test_deep_metadata_is_refused_by_name(tmp_path: Path) -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = {"a": deep}
    with server(tmp_path / "store") as proxy:
        proxy.handshake()
        result = proxy.call("remember", memories=[{"content": "x", "metadata": deep}])
        assert result["isError"]
        assert "at most 16 levels" in result["content"][0]["text"]


@pytest.mark.parametrize("item", ["[]", '"t"', '{"id": 9}', "[[1], {}]"])
def test_a_line_of_too_many_values_is_answered_by_its_id(tmp_path: Path, item: str) -> None:
    with server(tmp_path / "store") as started:
        started.handshake()
        for member in ("memories", "tags"):
            many = f"[{','.join([item] * 50_000)}]"
            params = f'{{"name": "remember", "arguments": {{"{member}": {many}}}}}'
            call = f'{{"method": "tools/call", "params": {params}, "jsonrpc": "2.0", "id": "x-7"}}'
            started.write(call.encode())
            answer = started.read()
            assert answer["id"] == "x-7"
            assert "more than 20000 values" in answer["error"]["message"]
        assert not started.call("recall")["isError"]


@pytest.mark.parametrize("meta", [{}, META], ids=["older", "newer"])
def test_arguments_that_are_written_as_text_are_read_or_told_how_to_write(
    tmp_path: Path, meta: dict[str, Any]
) -> None:
    with server(tmp_path / "store") as started:

        def said(name: str, given: Any) -> dict[str, Any]:
            answer = started.ask("tools/call", name=name, arguments=given, _meta=meta)
            return answer["result"]

        if not meta:
            started.handshake()
        stored = said("remember", '{"memories": "The oar is broken"}')
        assert "stored" in stored["content"][0]["text"]
        for taken in (
            '{"query": "oar"}',
            ' {"query":"oar", "limit": "3"}\n',
            [{"query": "oar"}],
            '[{"query": "oar"}]',
            "",
            "null",
        ):
            result = said("recall", taken)
            assert "The oar is broken" in result["content"][0]["text"], taken
        for refused in ("oar", '{"query": "oar"', ["oar"], [], 5, True, f"[{'[],' * 30_000}1]"):
            result = said("recall", refused)
            assert result["isError"] is True, refused
            assert 'expected an object such as {"query": ...}' in result["content"][0]["text"]
        form = said("remember", "The oar is mended")["content"][0]["text"]
        assert 'an object such as {"memories": [{"content": ' in form
        unknown = said("recall", '{"query": "oar", "colour": "red"}')["content"][0]["text"]
        assert unknown.startswith("colour: got 'red'; there is no such argument")


@pytest.mark.parametrize("way", ["proxy", "server"])
def test_a_line_that_is_too_long_is_answered_by_its_id(tmp_path: Path, way: str) -> None:
    with daemon_home(tmp_path) as home, (proxy if way == "proxy" else server)(home) as started:
        started.handshake()
        text = "x" * (LINE_BYTES_MAX + 1)
        params = f'"params": {{"name": "remember", "arguments": {{"memories": "{text}"}}}}'
        call = '"method": "tools/call"'
        for line in (
            f'{{"jsonrpc": "2.0", "id": "x-7", {call}, {params}}}',
            f'{{{call}, {params}, "jsonrpc": "2.0", "id": "x-7"}}',
        ):
            started.write(line.encode())
            answer = started.read()
            assert answer["id"] == "x-7"
            assert "longer than 16 MiB" in answer["error"]["message"]
        assert not started.call("recall").get("isError")


def test_work_under_way_is_answered_when_stdin_closes(tmp_path: Path) -> None:
    with server(tmp_path / "store") as proxy:
        proxy.handshake()
        for n in range(5):
            params = {"name": "remember", "arguments": {"memories": f"Crate {n} is blue"}}
            message = {"jsonrpc": "2.0", "id": n + 100, "method": "tools/call", "params": params}
            proxy.write(json.dumps(message).encode())
        rest, _ = proxy.end()
        frames = [json.loads(line) for line in rest.splitlines()]
        answers = [frame for frame in frames if "id" in frame]
        assert {answer["id"] for answer in answers} == set(range(100, 105))
        assert all("result" in answer for answer in answers)
        assert proxy.process.returncode == 0
    with server(tmp_path / "store") as proxy:
        proxy.handshake()
        found = proxy.call("recall", query="crate", limit=10)["structuredContent"]["memories"]
        assert len(found) == 5


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with server(tmp_path / "store") as proxy:
        proxy.handshake()
        proxy.call("remember", memories="The anchor is down")
        proxy.process.send_signal(number)
        assert proxy.process.wait(timeout=TIMEOUT_S) == 0
    with server(tmp_path / "store") as proxy:
        proxy.handshake()
        assert proxy.call("recall", query="anchor")["structuredContent"]["memories"]


@needs_signals
@pytest.mark.parametrize("end", ["SIGTERM", "stdin closes"])
def test_a_client_that_stopped_reading_does_not_keep_the_server(tmp_path: Path, end: str) -> None:
    with full_pipe() as stdout, server(tmp_path / "store", TELLING + SERVE, stdout=stdout) as proxy:
        assert proxy.process.stdin is not None
        assert proxy.process.stderr is not None
        proxy.send("initialize", **INITIALIZE)
        proxy.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        proxy.send("tools/call", name="remember", arguments={"memories": "The anchor is down"})
        while b"the store is open" not in proxy.process.stderr.readline():
            assert proxy.process.poll() is None
        if end == "SIGTERM":
            proxy.process.send_signal(signal.SIGTERM)
        else:
            proxy.process.stdin.close()
        assert proxy.process.wait(timeout=TIMEOUT_S) == 0
        with server(tmp_path / "store") as following:
            following.handshake()
            assert not following.call("recall").get("isError"), "the store was released"


def test_a_locked_store_still_answers_and_each_call_says_why(tmp_path: Path) -> None:
    with server(tmp_path / "store") as holder:
        holder.handshake()
        holder.call("recall")
        with server(tmp_path / "store") as second:
            assert second.handshake()["serverInfo"]["name"] == "mcp-memory"
            assert len(second.ask("tools/list")["result"]["tools"]) == 4
            assert len(second.ask("resources/list")["result"]["resources"]) == 5
            result = second.call("recall")
            assert result["isError"]
            assert str(holder.process.pid) in result["content"][0]["text"]
            assert "error" in second.ask("resources/read", uri="memory://me")
            holder.end()
            assert not second.call("recall").get("isError"), "it heals without a restart"


def test_a_bad_setting_is_said_by_each_call_not_by_silence(tmp_path: Path) -> None:
    with server(tmp_path / "store", MCP_MEMORY_USER="not a name!") as proxy:
        proxy.handshake()
        assert len(proxy.ask("tools/list")["result"]["tools"]) == 4
        result = proxy.call("recall")
        assert result["isError"]
        assert "MCP_MEMORY_USER" in result["content"][0]["text"]


def test_what_was_not_foreseen_is_masked_and_logged(tmp_path: Path) -> None:
    broken = (
        "from mcp_memory.runtime import Application\n"
        "def service(self): raise ZeroDivisionError('secret inside')\n"
        "Application.service = service\n"
    ) + SERVE
    with server(tmp_path / "store", broken) as proxy:
        proxy.handshake()
        result = proxy.call("recall")
        assert result["isError"]
        said = result["content"][0]["text"]
        error = proxy.ask("resources/read", uri="memory://me")["error"]["message"]
        _, errors = proxy.end()
    for text in (said, error):
        assert "secret" not in text
        assert "ZeroDivision" not in text
        number = text.split("(error ")[1].split(")")[0]
        assert number.encode() in errors
    assert b"ZeroDivisionError" in errors
    assert b"secret" not in errors, "what an error says may quote a memory"


def test_the_first_answers_do_not_wait_for_database_or_model(tmp_path: Path) -> None:
    code = (
        "import mcp_memory.server.app, mcp_memory.server.transport.stdio, sys; print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment(tmp_path),
        timeout=TIMEOUT_S,
    ).stdout.split()
    assert not {"duckdb", "numpy", "fastembed", "onnxruntime", "apsw"} & set(loaded)
