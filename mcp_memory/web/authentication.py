"""Who sends a request: its bearer token, verified; or nobody, and how to become somebody.

An OAuth 2.1 resource server as the Model Context Protocol wants it: no token in a query, a
401 that names the metadata of RFC 9728, and an audience that is this server.
"""

from __future__ import annotations

import logging
import secrets
from typing import Protocol

import anyio.to_thread
from mcp.server.auth.middleware.auth_context import auth_context_var
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_memory.errors import SettingsInvalid
from mcp_memory.permissions import Permission
from mcp_memory.web.answers import challenge, later
from mcp_memory.web.jwts import JwtVerifier, Refused, Unavailable
from mcp_memory.web.principal import Principal
from mcp_memory.web.tokens import PREFIX, TokenFile

log = logging.getLogger(__name__)

PRINCIPAL = "mcp_memory.principal"
"""Where the principal of a request is: a key of the ASGI scope."""
METADATA_PATH = "/.well-known/oauth-protected-resource"
TOKEN_CHARS_MAX = 16 * 1024
CHECK_S = 15.0
"""How often the token of an open stream is looked at again."""
THREADS = 8
"""For verifying alone, so that keys that are slow to come keep no other work waiting."""
RETRY_S = 5.0
_UNKNOWN = "the access token is not known here"


class Verifier(Protocol):
    """Tells who a token is from. Raises Refused, Unavailable."""

    async def __call__(self, token: str) -> Principal: ...


class Verification:
    """Bearer tokens of the file, JWTs of the authorization server, or both."""

    def __init__(self, tokens: TokenFile | None, jwts: JwtVerifier | None) -> None:
        self._tokens = tokens
        self._jwts = jwts
        self._threads = anyio.CapacityLimiter(THREADS)

    async def __call__(self, token: str) -> Principal:
        """See `Verifier`. A file's times are looked at here; what may ask the network is not."""
        if not 0 < len(token) <= TOKEN_CHARS_MAX:
            raise Refused("the access token is empty or too long")
        if token.startswith(PREFIX) and self._tokens is not None:
            return self._of_file(self._tokens, token)
        if self._jwts is not None:
            return await anyio.to_thread.run_sync(self._jwts.verify, token, limiter=self._threads)
        raise Refused(_UNKNOWN)

    def _of_file(self, tokens: TokenFile, token: str) -> Principal:
        try:
            found = tokens.verify(token)
        except SettingsInvalid as error:
            raise Unavailable(str(error)) from error
        if found is None:
            raise Refused(f"{_UNKNOWN}, or has ended")
        return Principal(
            tenant=found.tenant,
            user=found.user,
            permissions=found.permissions,
            client=found.id,
        )


class Authenticated:
    """Lets in whoever has a valid token, and closes a stream once it is not valid any more."""

    def __init__(
        self, app: ASGIApp, verify: Verifier, metadata: str, *, check_s: float = CHECK_S
    ) -> None:
        self._app = app
        self._verify = verify
        self._metadata = metadata
        self._check_s = check_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        request = Request(scope)
        given = request.headers.getlist("authorization")
        found = await self._found(given)
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        scope[PRINCIPAL] = found
        scope["user"] = found.known_to_sdk
        reset = auth_context_var.set(found.known_to_sdk)
        try:
            await self._while_valid(given[0], scope, receive, send)
        finally:
            auth_context_var.reset(reset)

    async def _found(self, given: list[str]) -> Principal | Response:
        """The principal, or what to answer instead."""
        if not given:
            return self._unknown("sign in: send a bearer token", "")
        scheme, _, token = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer":
            return self._unknown("send one Authorization header, of kind Bearer", "invalid_request")
        try:
            return await self._verify(token.strip())
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
        return challenge(status, text, error=error, metadata=self._metadata, scope=_LEAST)

    async def _while_valid(self, given: str, scope: Scope, receive: Receive, send: Send) -> None:
        token = given.partition(" ")[2].strip()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, token, tasks.cancel_scope)
            await self._app(scope, receive, send)
            tasks.cancel_scope.cancel()

    async def _watch(self, token: str, request: anyio.CancelScope) -> None:
        """End what lasts longer than its token. A failure to verify ends nothing."""
        while True:
            await anyio.sleep(self._check_s)
            try:
                await self._verify(token)
            except Refused as error:
                log.info("a stream ends: %s", error)
                request.cancel()
            except Unavailable as error:
                log.warning("the token of a stream cannot be verified again: %s", error)


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
