"""The client's roots: asked for once a connection, and forgotten when they change."""

from __future__ import annotations

import logging
import time

import anyio
import mcp.types as types
from mcp import MCPError
from mcp.shared.message import ServerMessageMetadata
from pydantic import BaseModel, ValidationError

from mcp_memory.server.connection import Request, is_modern

log = logging.getLogger(__name__)


ROOTS_TIMEOUT_S = 2.0
ROOTS_RETRY_S = 30.0
_ROOTS_MAX = 256


class _Root(BaseModel):
    uri: str


class _Roots(BaseModel):
    """A client's roots. The SDK's own type refuses all of them for one that is no `file:` URI."""

    roots: tuple[_Root, ...]


async def forget_roots(request: Request, params: types.NotificationParams) -> None:
    """The client's roots changed: ask again at the next request."""
    connection = request.lifespan_context
    connection.roots = connection.silent_since = None
    connection.changes += 1


async def roots_of(request: Request) -> tuple[str, ...]:
    """The client's roots, asked for once a connection; none where it cannot be asked.

    A client that did not answer is asked again, but not at each request: it may keep each
    of them waiting.
    """
    session, connection = request.session, request.lifespan_context
    capabilities = session.client_capabilities
    if is_modern(request) or capabilities is None or capabilities.roots is None:
        return ()
    if not session.can_send_request:
        return ()
    async with connection.asking:
        silent = connection.silent_since
        if connection.roots is not None:
            return connection.roots
        if silent is not None and time.monotonic() - silent < ROOTS_RETRY_S:
            return ()
        changes = connection.changes
        roots = await _ask_roots(request)
        if changes == connection.changes:  # else the answer is of before the change
            connection.roots = roots
            connection.silent_since = time.monotonic() if roots is None else None
        return roots or ()


async def _ask_roots(request: Request) -> tuple[str, ...] | None:
    """The roots as the client says them now, None if it does not."""
    try:
        with anyio.fail_after(ROOTS_TIMEOUT_S):
            answer = await request.session.send_request(
                types.ListRootsRequest(),
                _Roots,
                metadata=ServerMessageMetadata(related_request_id=request.request_id),
            )
    except (MCPError, ValidationError, TimeoutError) as error:
        log.info("the client did not say its roots: %s", type(error).__name__)
        return None
    return tuple(root.uri for root in answer.roots[:_ROOTS_MAX])
