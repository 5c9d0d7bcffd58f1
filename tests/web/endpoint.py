"""Where an authorization server publishes its keys, as far as we need one."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.web.harness import Issuer


@dataclass
class Endpoint:
    """A place on this machine where keys are published; `fetched` counts who came."""

    status: int = 200
    body: bytes = b""
    fetched: int = 0
    url: str = ""
    seen: list[str] = field(default_factory=list[str])


@contextmanager
def published(issuer: Issuer) -> Generator[Endpoint]:
    """The issuer's keys of this moment at an address."""
    endpoint = Endpoint(body=issuer.file.read_bytes())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            endpoint.fetched += 1
            self.send_response(endpoint.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(endpoint.body)

        def log_message(self, format: str, *args: Any) -> None:
            endpoint.seen.append(format % args)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}/keys"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield endpoint
        server.shutdown()
        thread.join()
