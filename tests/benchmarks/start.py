"""Time from starting the server to its first answers over stdio."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, Any

from mcp_memory.embedding import Embedder
from mcp_memory.service import MemoryService
from mcp_memory.storage.embedded import open_embedded
from tests.benchmarks.door import COMMAND, WrongAnswer
from tests.benchmarks.figures import Amount, Check, Section
from tests.benchmarks.filling import PROJECT, caller, draft
from tests.benchmarks.texts import statement

RUNS = 7
_USER = "starter"
_STORED = 100
_PROTOCOL = "2025-06-18"
_NOTES = (
    f"median of {RUNS} starts of a fresh server process on a store of {_STORED} memories, from"
    " just before the process is made; raw JSON lines, no client library; the first run,"
    " which warms the file cache, is not counted",
    "the recall is sent as soon as initialize has been answered",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Start:
    """Seconds from the start of a process to its first answers, and how many were recalled."""

    initialized_s: float
    recalled_s: float
    memories: int


def run(folder: Path) -> Section:
    """Start servers one after the other, beside a Python that does nothing."""
    home = folder / "start"
    _fill(home)
    starts = [_started(home) for _ in range(RUNS + 1)][1:]
    bare = [_bare() for _ in range(RUNS + 1)][1:]
    found = min(start.memories for start in starts)
    amounts = (
        ("python -c pass, to its end", median(bare)),
        ("server, to the first initialize answer", median(s.initialized_s for s in starts)),
        ("server, to the first recall answer", median(s.recalled_s for s in starts)),
    )
    return Section(
        title="start",
        notes=_NOTES,
        amounts=tuple(
            Amount(where="start", what=what, value=seconds * 1000, unit="ms")
            for what, seconds in amounts
        ),
        checks=(
            Check(
                where="start",
                what="the first recall finds a memory by its own words",
                ok=found > 0,
                detail=f"{found} memories at least",
            ),
        ),
    )


def _fill(home: Path) -> None:
    embedder = Embedder()
    service = MemoryService(open_embedded(home, embedder.space), embedder)
    drafts = [draft(statement(number, number), number) for number in range(_STORED)]
    service.remember(caller(_USER), drafts)
    service.upkeep()
    service.close()


def _bare() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began


def _started(home: Path) -> _Start:
    environment = {**os.environ, "MCP_MEMORY_USER": _USER, "MCP_MEMORY_PROJECT": PROJECT}
    began = time.perf_counter()
    with subprocess.Popen(
        [*COMMAND, "--home", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        _send(server.stdin, _initialize())
        _answer(server.stdout, 1)
        initialized_s = time.perf_counter() - began
        _send(server.stdin, {"method": "notifications/initialized"})
        _send(server.stdin, _recall())
        result = _answer(server.stdout, 2)
        recalled_s = time.perf_counter() - began
        server.stdin.close()
    memories = result["structuredContent"]["memories"]
    return _Start(initialized_s=initialized_s, recalled_s=recalled_s, memories=len(memories))


def _initialize() -> dict[str, Any]:
    params = {
        "protocolVersion": _PROTOCOL,
        "capabilities": {},
        "clientInfo": {"name": "benchmark", "version": "1"},
    }
    return {"id": 1, "method": "initialize", "params": params}


def _recall() -> dict[str, Any]:
    params = {"name": "recall", "arguments": {"query": statement(7, 7)}}
    return {"id": 2, "method": "tools/call", "params": params}


def _send(stream: IO[bytes], message: dict[str, Any]) -> None:
    stream.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    stream.flush()


def _answer(stream: IO[bytes], request_id: int) -> dict[str, Any]:
    """The result of a request; what the server says of its own accord is passed over."""
    for line in stream:
        message = json.loads(line)
        if message.get("id") == request_id and "method" not in message:
            if "result" not in message:
                raise WrongAnswer(f"request {request_id} was answered: {message}")
            return message["result"]
    raise WrongAnswer(f"the server ended before it answered request {request_id}")
