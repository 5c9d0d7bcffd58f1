"""HTTP spoken by hand over a socket, for what no client would send."""

from __future__ import annotations

import json
import socket
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import BufferedReader
from typing import Any
from urllib.parse import urlsplit

from tests.support.http_server import TIMEOUT_S, Served, message
from tests.support.stdio_client import INITIALIZE as OPENING

Header = tuple[str, str]
LIST = json.dumps(message("tools/list")).encode()
INITIALIZE = json.dumps(message("initialize", OPENING)).encode()


def json_headers(*more: Header) -> list[Header]:
    """What a client of streamable HTTP sends with a body, and more."""
    return [
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        *more,
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One response, its headers by their names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """The body, which must be JSON."""
        return json.loads(self.body)


class Line:
    """One connection to a server."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file: BufferedReader = sock.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send these bytes, as far as the server takes them before it answers."""
        with suppress(ConnectionError):
            self._sock.sendall(data)

    def hang_up(self) -> None:
        """Send nothing more."""
        self._sock.shutdown(socket.SHUT_WR)

    def read(self, *, is_head: bool = False) -> Answer:
        """The next response. Raises EOFError where the server has hung up instead."""
        head = self.head()
        has_body = not is_head and head.status not in (204, 304)
        return replace(head, body=self._body(head.headers)) if has_body else head

    def head(self) -> Answer:
        """The next response up to its body, which may have no end."""
        status = self._file.readline()
        if not status:
            raise EOFError("the server has hung up")
        headers: dict[str, str] = {}
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return Answer(status=int(status.split()[1]), headers=headers)

    def rest(self) -> bytes:
        """Everything until the server hangs up."""
        return self._file.read()

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            length = headers.get("content-length")
            return self._file.read(int(length) if length else -1)
        body = b""
        while size := int(self._file.readline(), 16):
            body += self._file.read(size)
            self._file.readline()
        self._file.readline()
        return body


@contextmanager
def line(server: Served) -> Generator[Line]:
    """A connection to the server's port."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=TIMEOUT_S) as sock:
        yield Line(sock)


def request(
    server: Served,
    body: bytes = b"",
    *,
    method: str = "POST",
    path: str = "/mcp",
    headers: Iterable[Header] | None = None,
    host: str | None = None,
) -> bytes:
    """The bytes of a request. `headers` that name no length get that of the body."""
    given = [("Host", urlsplit(server.url).netloc if host is None else host)]
    given += json_headers() if headers is None else headers
    if not any(n.lower() in ("content-length", "transfer-encoding") for n, _ in given):
        given.append(("Content-Length", str(len(body))))
    head = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given)]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def ask(server: Served, data: bytes) -> Answer:
    """The answer to what is sent on a connection of its own."""
    with line(server) as opened:
        opened.send(data)
        return opened.read()
