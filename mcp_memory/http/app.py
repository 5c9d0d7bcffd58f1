"""Every path of the HTTP server, and what stands before each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mcp_memory.domain.permissions import Permission
from mcp_memory.http import authentication, sse
from mcp_memory.http.admission import Admission
from mcp_memory.http.authentication import METADATA_PATH, PRINCIPAL, Authenticated, Verification
from mcp_memory.http.bind import Names
from mcp_memory.http.edge import HttpEdge
from mcp_memory.http.endpoint import MCP_PATH
from mcp_memory.http.rate_limits import Limiter
from mcp_memory.http.responses import challenge

if TYPE_CHECKING:
    from mcp_memory.auth.principal import Principal
    from mcp_memory.http.metrics import Metrics
    from mcp_memory.http.sse import Sse
    from mcp_memory.http.streamable import Sessions

_MCP_PATHS = (MCP_PATH, f"{MCP_PATH}/")
"""Both are served: to send a client from one to the other would lose its body or its token."""
_WELCOME = f"""\
mcp-memory: one memory that all of your agents share, for clients of the Model Context Protocol.

{{url}}{MCP_PATH}  is what to give a client (streamable HTTP)
{{url}}{sse.PATH}  is for clients that know event streams only
{{url}}/health  says whether the server is there
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What the paths lead to."""

    names: Names
    sessions: Sessions
    sse: Sse
    metrics: Metrics
    limiter: Limiter
    verify: Verification
    issuer: str


def build(parts: Parts) -> HttpEdge:
    """The application, its outermost layer first."""
    metadata_url = f"{parts.names.url}{METADATA_PATH}{MCP_PATH}"

    def known(app: ASGIApp) -> ASGIApp:
        return Authenticated(app, parts.verify, metadata_url, is_open=parts.verify.is_open)

    def guarded(app: ASGIApp) -> ASGIApp:
        return known(Admission(app, parts.limiter, metadata_url))

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def figures(request: Request) -> Response:
        principal: Principal | None = request.scope.get(PRINCIPAL)
        if principal and Permission.ADMIN not in principal.permissions:
            needed = Permission.ADMIN.value
            text = f"the access token lacks the permission {needed}, needed to read the figures"
            return challenge(
                403, text, error="insufficient_scope", metadata=metadata_url, permission=needed
            )
        return await parts.metrics.response()

    async def metadata(request: Request) -> Response:
        if parts.verify.is_open():
            return Response("Not Found", 404)
        return authentication.metadata(f"{parts.names.url}{MCP_PATH}", parts.issuer)

    told = [METADATA_PATH, f"{METADATA_PATH}{MCP_PATH}"]
    routes = [
        Route("/health", health, methods=["GET"]),
        Route("/metrics", figures, methods=["GET"], middleware=[Middleware(known)]),
        *(Route(path, metadata, methods=["GET"]) for path in told),
        _exact("/", PlainTextResponse(_WELCOME.format(url=parts.names.url)), "GET"),
        *(_exact(path, guarded(parts.sessions), "GET", "POST", "DELETE") for path in _MCP_PATHS),
        _exact(sse.PATH, guarded(parts.sse.open), "GET"),
        _exact(sse.MESSAGES_PATH, guarded(parts.sse.post), "POST"),
    ]
    plain = Starlette(routes=routes)
    plain.router.redirect_slashes = False  # behind a proxy it would send tokens to plain HTTP
    app = _for_pages(plain, parts.names)
    return HttpEdge(app, parts.names, parts.metrics.responded)


def _exact(path: str, app: ASGIApp, *methods: str) -> Route:
    """A route without the HEAD that comes with a GET, which here would open a stream."""
    route = Route(path, app, methods=methods)
    route.methods = set(methods)
    return route


def _for_pages(app: ASGIApp, names: Names) -> ASGIApp:
    """The application with the headers by which a browser lets allowed pages call it."""
    return CORSMiddleware(
        app,
        allow_origins=sorted(names.origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["Mcp-Session-Id", "WWW-Authenticate", "Retry-After"],
        max_age=600,
    )
