"""Event streams when the server ends: each comes to its own end, and nothing is an error."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.support.daemon import needs_signals
from tests.support.http_server import TIMEOUT_S, Served, message, post, served

MODERN = "2026-07-28"
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "listener", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "listener", "version": "1"},
}


@contextmanager
def streamed(method: str, url: str, **options: Any) -> Generator[Iterator[str]]:
    """The lines of a stream of events, as they come."""
    with httpx2.stream(method, url, timeout=TIMEOUT_S, **options) as response:
        assert response.status_code == 200
        yield response.iter_lines()


def listening(server: Served) -> Any:
    """A listen stream of the newer era."""
    watching = {"resourceSubscriptions": ["memory://recent"]}
    params = {"notifications": watching, "_meta": ENVELOPE}
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": "subscriptions/listen",
    }
    body = message("subscriptions/listen", params, "watch")
    return streamed("POST", server.url, json=body, headers=headers)


def resting(server: Served) -> Any:
    """The stream of a session of the older era."""
    opened = post(server, message("initialize", INITIALIZE))
    headers = {"Accept": "text/event-stream", "Mcp-Session-Id": opened.headers["Mcp-Session-Id"]}
    return streamed("GET", server.url, headers=headers)


@needs_signals
def test_every_stream_comes_to_its_end_with_the_server(tmp_path: Path) -> None:
    with served(tmp_path / "store") as server, ExitStack() as stack:
        newer = stack.enter_context(listening(server))
        assert "acknowledged" in next(line for line in newer if line.startswith("data:"))
        older = stack.enter_context(resting(server))
        sse = stack.enter_context(streamed("GET", server.sse_url))
        assert next(sse) == "event: endpoint"
        server.process.send_signal(signal.SIGTERM)
        (result,) = [line for line in newer if line.startswith("data:")]
        assert '"id":"watch"' in result and '"result":' in result
        for stream in (older, sse):
            list(stream)  # a stream that is broken off would raise
        assert "ERROR" not in server.rest()
        assert server.process.returncode == 0
