"""What every request passes first: is the server open, is it meant, may this page call it."""

from __future__ import annotations

from collections.abc import Callable

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory.web.answers import later, refused
from mcp_memory.web.binding import Names

STREAMS = "mcp_memory.stream"
"""A key of the ASGI scope: set once a request has become a stream that has no end of its own."""
RETRY_S = 2.0
MISDIRECTED, FORBIDDEN, UNAVAILABLE = 421, 403, 503


class Frontier:
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
        self._requests: dict[int, Scope] = {}
        self._left = anyio.Event()
        self._is_closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._responded(message["status"])
            await send(message)

        response = self._refusal(Request(scope))
        if response is not None:
            await response(scope, receive, counted)
            return
        self._requests[id(scope)] = scope
        try:
            await self._app(scope, receive, counted)
        finally:
            del self._requests[id(scope)]
            self._left.set()

    def close(self) -> None:
        """Take nothing new."""
        self._is_closing = True

    async def drain(self, patience_s: float) -> bool:
        """Wait for what is under way, streams aside; whether all of it ended."""
        with anyio.move_on_after(patience_s):
            while any(STREAMS not in scope for scope in self._requests.values()):
                self._left = anyio.Event()
                await self._left.wait()
            return True
        return False

    def _refusal(self, request: Request) -> Response | None:
        if self._is_closing:
            return later(UNAVAILABLE, "mcp-memory is shutting down", RETRY_S)
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
