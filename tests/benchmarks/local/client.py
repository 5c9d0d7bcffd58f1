"""A client that speaks raw lines to a proxy, so that what it costs itself is little."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.filling import PROJECT
from tests.benchmarks.local.stdio import COMMAND, WrongAnswer
from tests.support.daemon import command as command_line
from tests.support.mcp_client import ROOT, explained

PROTOCOL = "2025-11-25"
TIMEOUT_S = 30.0


class Client:
    """One process that speaks MCP over its stdin and stdout, from its start on.

    `began` is when it was started and `initialized_s` how long its first answer took, both
    in seconds.
    """

    def __init__(self, home: Path, user: str, command: Sequence[str] = COMMAND) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "MCP_MEMORY_HOME": str(home),
            "MCP_MEMORY_USER": user,
            "MCP_MEMORY_PROJECT": PROJECT,
        }
        self._number = 0
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self.ask("initialize", protocolVersion=PROTOCOL, capabilities={}, clientInfo=_INFO)
        self.initialized_s = self.age_s
        self._send({"method": "notifications/initialized"})

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.perf_counter() - self.began

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a request. Raises WrongAnswer."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        return self._answer(self._number)

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool. Raises WrongAnswer."""
        result = self.ask("tools/call", name=tool, arguments=explained(tool, arguments))
        if result.get("isError"):
            raise WrongAnswer(f"{tool} answered: {result['content']}")
        return result["structuredContent"]

    def remember(self, text: str) -> str:
        """Remember a statement in the project; the id of the memory that holds it."""
        answer = self.call("remember", memories=[{"content": text, "scope": "project"}])
        return str(answer["results"][0]["id"])

    def close(self) -> None:
        """Close its stdin and wait for its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self, request_id: int) -> dict[str, Any]:
        """The result of a request; what the server says of its own accord is passed over."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if message.get("id") == request_id and "method" not in message:
                if "result" not in message:
                    raise WrongAnswer(f"request {request_id} was answered: {message}")
                return message["result"]
        raise WrongAnswer(f"the server ended before it answered request {request_id}")


@contextmanager
def opened(home: Path, user: str, count: int = 1) -> Generator[list[Client]]:
    """So many clients, one after the other, with their handshakes done."""
    clients: list[Client] = []
    try:
        for _ in range(count):
            clients.append(Client(home, user))  # noqa: PERF401  # those that started are closed
        yield clients
    finally:
        for client in clients:
            client.close()


def stop_daemon(home: Path) -> None:
    """Have the daemon of a store end, if there is one."""
    command_line("daemon", "stop", home=home)


_INFO = {"name": "benchmark", "version": "1"}
