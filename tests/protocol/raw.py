"""A server process spoken to in raw lines."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from tests.protocol.harness import ROOT, SERVE, environment

TIMEOUT_S = 60
INITIALIZE: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "raw", "version": "1"},
}


class Server:
    """A server process, or a door to one, spoken to in raw lines."""

    def __init__(
        self, home: Path, arguments: Sequence[str], *, stdout: int = subprocess.PIPE, **env: str
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=environment(home, **env),
        )
        self._id = 0

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        """The next answer; notices of changes are passed over."""
        assert self.process.stdout is not None
        while "method" in (frame := json.loads(self.process.stdout.readline().decode("utf-8"))):
            assert frame["method"] == "notifications/resources/list_changed"
        return frame

    def send(self, method: str, **params: Any) -> None:
        self._id += 1
        message = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        self.write(json.dumps(message).encode())

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self.send(method, **params)
        return self.read()

    def call(self, verb: str, **arguments: Any) -> dict[str, Any]:
        return self.ask("tools/call", name=verb, arguments=arguments)["result"]

    def handshake(self) -> dict[str, Any]:
        answer = self.ask("initialize", **INITIALIZE)
        self.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return answer["result"]

    def end(self) -> tuple[bytes, bytes]:
        """Close stdin; what was still written to stdout and stderr."""
        rest, errors = self.process.communicate(timeout=TIMEOUT_S)
        return rest, errors


@contextlib.contextmanager
def server(
    home: Path, code: str = SERVE, *, stdout: int = subprocess.PIPE, **env: str
) -> Generator[Server]:
    """A server without a host, which runs `code`."""
    started = Server(home, ["-c", code], stdout=stdout, **env)
    with started.process as process:
        try:
            yield started
        finally:
            process.kill()
