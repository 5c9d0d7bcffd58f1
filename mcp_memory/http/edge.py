"""What every request passes first: is the server open, is it meant, may this page call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory.http.bind import Names
from mcp_memory.http.responses import later, refused

STREAMS = "mcp_memory.stream"
"""A key of the ASGI scope: set once a request has become a stream that has no end of its own."""
RETRY_S = 2.0
FINISH_S = 1.0
_ENDING = "mcp-memory is shutting down"
MISDIRECTED, FORBIDDEN, UNAVAILABLE = 421, 403, 503


@dataclass(eq=False, slots=True)
class _Request:
    """One that is under way, and how far its response is."""

    asgi_scope: Scope
    send: Send
    responded: Callable[[int], None]
    until: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    is_begun: bool = False
    is_bound: bool = False
    """Whether the response said how long it will be."""
    is_complete: bool = False

    async def answer(self, message: Message) -> None:
        """See ASGI."""
        if message["type"] == "http.response.start":
            self.is_begun = True
            self.is_bound = any(n.lower() == b"content-length" for n, _ in message["headers"])
            self.responded(message["status"])
        elif message["type"] == "http.response.body":
            self.is_complete = not message.get("more_body", False)
        await self.send(message)

    async def finish(self, receive: Receive) -> None:
        """Bring a response that was broken off to an orderly end, where there can be one."""
        if self.until.cancelled_caught and not self.is_begun:
            await later(UNAVAILABLE, _ENDING, RETRY_S)(self.asgi_scope, receive, self.answer)
        elif self.is_begun and not (self.is_bound or self.is_complete):
            await self.answer({"type": "http.response.body", "body": b""})


class HttpEdge:
    """The outermost layer: exact lists of Host and Origin, and the end of the server.

    `responded` is called with the status of each answer.

    A page that a browser shows could otherwise reach a server on the user's own machine (by
    rebinding a name to its address), so that both headers must be ones that are expected.
    """

    def __init__(self, app: ASGIApp, names: Names, responded: Callable[[int], None]) -> None:
        self._app = app
        self._responded = responded
        self._hosts = frozenset(host.lower() for host in names.hosts)
        self._origins = frozenset(origin.lower() for origin in names.origins)
        self._requests: set[_Request] = set()
        self._left = anyio.Event()
        self._is_closing = False

    async def __call__(self, asgi_scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if asgi_scope["type"] != "http":
            return
        request = _Request(asgi_scope, send, self._responded)
        response = self._refusal(Request(asgi_scope))
        if response is not None:
            await response(asgi_scope, receive, request.answer)
            return
        self._requests.add(request)
        try:
            with request.until:
                await self._app(asgi_scope, receive, request.answer)
            with anyio.move_on_after(FINISH_S):  # who reads nothing hears nothing
                await request.finish(receive)
        finally:
            self._requests.discard(request)
            self._left.set()

    def close(self) -> None:
        """Take nothing new."""
        self._is_closing = True

    async def drain(self) -> None:
        """Wait for what is under way, streams aside."""
        while any(STREAMS not in request.asgi_scope for request in self._requests):
            self._left = anyio.Event()
            await self._left.wait()

    def cut(self) -> None:
        """End what is still under way."""
        for request in list(self._requests):
            request.until.cancel()

    def _refusal(self, request: Request) -> Response | None:
        if self._is_closing:
            return later(UNAVAILABLE, _ENDING, RETRY_S)
        if "content-length" in request.headers and "transfer-encoding" in request.headers:
            # Whoever passed it on may have read another end of it (RFC 9112, 6.3).
            return refused(400, "two lengths of one body", headers={"Connection": "close"})
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return refused(
                MISDIRECTED, "the Host header names another server; see http_url and http_hosts"
            )
        origins = request.headers.getlist("origin")
        if origins and (len(origins) > 1 or origins[0].lower() not in self._origins):
            return refused(FORBIDDEN, "pages of this Origin may not call; see http_origins")
        return None
