"""Where an authorization server publishes its keys, as far as we need one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.http_server import Issuer

DRIP_S = 0.02
"""Between two bytes of an answer that drips."""


@dataclass
class Endpoint:
    """A place on this machine where keys are published; `fetched` counts who came.

    `speak`, where it is given, answers instead: a function of the handler.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    speak: Callable[[BaseHTTPRequestHandler], None] | None = None
    fetched: int = 0
    url: str = ""
    seen: list[str] = field(default_factory=list[str])
    came: threading.Event = field(default_factory=threading.Event)
    """Set once somebody has come."""
    released: threading.Event = field(default_factory=threading.Event)
    """Set to let those go on who are kept waiting."""

    def hold(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer nothing until released, and then the keys."""
        self.released.wait()
        self.answer(handler)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer as the fields say."""
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(self.body)

    def drip(self, handler: BaseHTTPRequestHandler, *, is_head: bool) -> None:
        """Answer a byte at a time, for ever."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"X: " if is_head else b"\r\n"))
        while not self.released.wait(DRIP_S):
            handler.wfile.write(b" ")

    def flood(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer with more and more, for ever."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not self.released.is_set():
            handler.wfile.write(b" " * 65_536)


@contextmanager
def published(issuer: Issuer) -> Generator[Endpoint]:
    """The issuer's keys of this moment at an address."""
    endpoint = Endpoint(body=issuer.file.read_bytes(), headers={"Location": "/elsewhere"})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            endpoint.fetched += 1
            endpoint.seen.append(self.path)
            endpoint.came.set()
            with suppress(ConnectionError):  # who has had enough hangs up
                (endpoint.speak or endpoint.answer)(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}/keys"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.released.set()
            server.shutdown()
            thread.join()
