"""A server process spoken to in raw lines."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from tests.support.mcp_client import SERVE, environment, explained
from tests.support.watchdog import WAIT_S

TIMEOUT_S = WAIT_S
WAITING = b"mcp-memory: waiting for the daemon"
INITIALIZE: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "raw", "version": "1"},
}
META: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
"""What each request of the newer era says."""


class Server:
    """A server process, or a proxy to one, spoken to in raw lines."""

    def __init__(
        self,
        home: Path,
        arguments: Sequence[str],
        *,
        python: str = sys.executable,
        cwd: str | Path = "",
        stdout: int = subprocess.PIPE,
        **env: str,
    ) -> None:
        self.process = subprocess.Popen(
            [python, *arguments],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=cwd or home.parent,
            env=environment(home, **env),
        )
        self.messages: list[dict[str, Any]] = []
        self._id = 0

    @property
    def notices(self) -> list[str]:
        """The methods of the notices that were read on the way to an answer."""
        return [message["method"] for message in self.messages]

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        """The next answer; notices before it are kept in `messages`."""
        while "method" in (frame := self._frame()):
            self.messages.append(frame)
        return frame

    def read_notice(self) -> str:
        """The method of the next notice, which must come before any answer."""
        return self.read_message()["method"]

    def read_message(self) -> dict[str, Any]:
        """The next thing that is said, whatever it is."""
        return self.messages.pop(0) if self.messages else self._frame()

    def read_question(self) -> dict[str, Any]:
        """The next request of the server; notices before it are kept in `messages`."""
        while "id" not in (frame := self._frame()):
            self.messages.append(frame)
        return frame

    def send(self, method: str, **params: Any) -> int:
        """Ask without waiting for the answer; the id of the request."""
        self._id += 1
        message = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        self.write(json.dumps(message).encode())
        return self._id

    def notify(self, method: str, **params: Any) -> None:
        """Say something that is not answered."""
        self.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    def answer(self, question: Any, result: dict[str, Any]) -> None:
        """Answer a request of the server."""
        self.respond(question, {"result": result})

    def respond(self, question: Any, reply: dict[str, Any]) -> None:
        """Answer a request of the server with a result or an error."""
        self.write(json.dumps({"jsonrpc": "2.0", "id": question, **reply}).encode())

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a request, a result or an error."""
        self.send(method, **params)
        return self.read()

    def _frame(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the server has ended"
        return json.loads(line.decode("utf-8"))

    def call(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """The result of a tool, with its typed answer."""
        return self.ask("tools/call", name=verb, arguments=explained(verb, arguments))["result"]

    def handshake(self) -> dict[str, Any]:
        answer = self.ask("initialize", **INITIALIZE)
        self.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return answer["result"]

    def end(self) -> tuple[bytes, bytes]:
        """Close stdin; what was still written to stdout and stderr.

        That a daemon was waited for is left out: it depends on the machine.
        """
        rest, errors = self.process.communicate(timeout=TIMEOUT_S)
        lines = errors.splitlines(keepends=True)
        return rest, b"".join(line for line in lines if not line.startswith(WAITING))


@contextlib.contextmanager
def server(
    home: Path, code: str = SERVE, *, stdout: int = subprocess.PIPE, **env: str
) -> Generator[Server]:
    """A server without a daemon, which runs `code`."""
    started = Server(home, ["-c", code], stdout=stdout, **env)
    with started.process as process:
        try:
            yield started
        finally:
            process.kill()


@contextlib.contextmanager
def full_pipe() -> Generator[int]:
    """The writing end of a pipe that takes not one byte more, and that nobody reads."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writing, b"x" * 4096):
            pass
    with contextlib.suppress(BlockingIOError):
        while os.write(writing, b"x"):
            pass
    os.set_blocking(writing, True)
    try:
        yield writing
    finally:
        os.close(writing)
        os.close(reading)
