"""Who sends a request: its bearer token, verified; or nobody, and how to become somebody.

An OAuth 2.1 resource server as the Model Context Protocol wants it: no token in a query, a
401 that names the metadata of RFC 9728, and an audience that is this server.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

import anyio.to_thread
from mcp.server.auth.middleware.auth_context import auth_context_var
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_memory.auth.jwks import Unavailable
from mcp_memory.auth.jwt_verifier import JwtVerifier, Refused
from mcp_memory.auth.principal import Principal
from mcp_memory.auth.token_file import PREFIX, TokenFile
from mcp_memory.domain.permissions import Permission
from mcp_memory.errors import SettingsInvalid
from mcp_memory.http.edge import STREAMS
from mcp_memory.http.responses import challenge, later, refused

log = logging.getLogger(__name__)

PRINCIPAL = "mcp_memory.principal"
"""Where the principal of a request is: a key of the ASGI scope."""
METADATA_PATH = "/.well-known/oauth-protected-resource"
TOKEN_CHARS_MAX = 16 * 1024
CHECK_S = 15.0
"""How often the token of an open stream is looked at again."""
THREADS = 8
"""For verifying alone, and as many for tokens whose keys must be fetched first: so slow keys
keep nobody waiting whose key is known."""
RETRY_S = 5.0
_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_NEEDS = "from elsewhere is served without a token; add one: mcp-memory token add"
_UNKNOWN = "the access token is not known here"


Check = Callable[[], Awaitable[object]]
"""Raises Refused once a request may not go on."""


class Verifier(Protocol):
    """Tells who a token is from. Raises Refused, Unavailable."""

    async def __call__(self, token: str) -> Principal: ...


class Verification:
    """Bearer tokens of the file, JWTs of the authorization server, or both.

    Where it `is_open` nobody needs a token, until there is a file of them: from then on
    everybody does, whatever becomes of the file.
    """

    def __init__(
        self, tokens: TokenFile, jwts: JwtVerifier | None, *, is_open: bool = False
    ) -> None:
        self._tokens = tokens
        self._jwts = jwts
        self._is_open = is_open
        self._threads = anyio.CapacityLimiter(THREADS)
        self._waiting = anyio.CapacityLimiter(THREADS)

    def is_open(self) -> bool:
        """Whether nobody needs a token, as it is now."""
        if self._is_open and self._tokens.is_there:
            self._is_open = False
            log.warning("from now on a token is needed: there is %s", self._tokens.path)
        return self._is_open

    async def __call__(self, token: str) -> Principal:
        """See `Verifier`. A file's times are looked at here; what may ask the network is not."""
        if not 0 < len(token) <= TOKEN_CHARS_MAX:
            raise Refused("the access token is empty or too long")
        if token.startswith(PREFIX):
            return self._of_file(token)
        if self._jwts is not None:
            limiter = self._threads if self._jwts.knows(token) else self._waiting
            return await anyio.to_thread.run_sync(self._jwts.verify, token, limiter=limiter)
        raise Refused(_UNKNOWN)

    def _of_file(self, token: str) -> Principal:
        try:
            found = self._tokens.verify(token)
        except SettingsInvalid as error:
            raise Unavailable(str(error)) from error
        if found is None:
            raise Refused(f"{_UNKNOWN}, or has ended")
        return Principal(
            tenant=found.tenant,
            user=found.user,
            permissions=found.granted,
            token=found.id,
        )


class Authenticated:
    """Lets in whoever has a valid token, and closes a stream once it is not valid any more.

    While `is_open` says so, everybody comes in without one, but not through a proxy: it
    would bring those of elsewhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        verify: Verifier,
        metadata: str,
        *,
        is_open: Callable[[], bool] = lambda: False,
        check_s: float = CHECK_S,
    ) -> None:
        self._app = app
        self._verify = verify
        self._metadata = metadata
        self._is_open = is_open
        self._check_s = check_s

    async def __call__(self, asgi_scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        headers = Headers(scope=asgi_scope)
        if self._is_open():
            proxy = next((name for name in _OF_PROXIES if name in headers), "")
            if proxy:
                response = refused(403, f"a proxy sent {proxy}, and nobody {_NEEDS}")
                await response(asgi_scope, receive, send)
            else:
                await self._while_valid(self._check_open, asgi_scope, receive, send)
            return
        given = headers.getlist("authorization")
        found = await self._found(given)
        if isinstance(found, Response):
            await found(asgi_scope, receive, send)
            return
        asgi_scope[PRINCIPAL] = found
        asgi_scope["user"] = found.known_to_sdk
        reset = auth_context_var.set(found.known_to_sdk)
        try:
            await self._while_valid(partial(self._verify, _token(given)), asgi_scope, receive, send)
        finally:
            auth_context_var.reset(reset)

    async def _check_open(self) -> None:
        if not self._is_open():
            raise Refused("a token is needed by now")

    async def _found(self, given: list[str]) -> Principal | Response:
        """The principal, or what to answer instead."""
        if not given:
            return self._unknown("sign in: send a bearer token", "")
        if len(given) > 1 or given[0].partition(" ")[0].lower() != "bearer":
            return self._unknown("send one Authorization header, of kind Bearer", "invalid_request")
        try:
            return await self._verify(_token(given))
        except Refused as error:
            log.info("a token was refused: %s", error)
            return self._unknown(str(error), "invalid_token")
        except Unavailable as error:
            error_id = secrets.token_hex(4)
            log.error("error %s: tokens cannot be verified: %s", error_id, error)
            text = f"tokens cannot be verified at the moment (error {error_id} in the log)"
            return later(503, text, RETRY_S)

    def _unknown(self, text: str, error: str) -> Response:
        status = 400 if error == "invalid_request" else 401
        return challenge(status, text, error=error, metadata=self._metadata, permission=_LEAST)

    async def _while_valid(
        self, check: Check, asgi_scope: Scope, receive: Receive, send: Send
    ) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, check, asgi_scope, tasks.cancel_scope)
            await self._app(asgi_scope, receive, send)
            tasks.cancel_scope.cancel()

    async def _watch(self, check: Check, asgi_scope: Scope, request: anyio.CancelScope) -> None:
        """End a stream that lasts longer than its token. A failure to verify ends nothing.

        What has an end of its own was permitted when it was asked, and is answered.
        """
        while True:
            await anyio.sleep(self._check_s)
            try:
                await check()
            except Refused as error:
                if STREAMS in asgi_scope:
                    log.info("a stream ends: %s", error)
                    request.cancel()
            except Unavailable as error:
                log.warning("the token of a stream cannot be verified again: %s", error)


def _token(given: list[str]) -> str:
    return given[0].partition(" ")[2].strip()


_LEAST = f"{Permission.READ.value} {Permission.WRITE.value}"
"""What a client should ask for first; a 403 tells what else it needs."""


def metadata(resource: str, issuer: str) -> JSONResponse:
    """The protected resource metadata of RFC 9728."""
    return JSONResponse(
        {
            "resource": resource,
            "resource_name": "mcp-memory",
            "authorization_servers": [issuer] if issuer else [],
            "bearer_methods_supported": ["header"],
            "scopes_supported": [permission.value for permission in Permission],
        },
        headers={"Cache-Control": "public, max-age=3600"},
    )
