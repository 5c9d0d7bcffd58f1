"""Responses where no handler answers: a plain status, a JSON-RPC error or an OAuth error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

INVALID_REQUEST, INVALID_PARAMS, PARSE_ERROR = -32600, -32602, -32700


def refused(
    status: int,
    text: str,
    *,
    code: int = INVALID_REQUEST,
    id_: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A JSON-RPC error with an HTTP status."""
    error = {"code": code, "message": text}
    body = {"jsonrpc": "2.0", "id": id_, "error": error}
    # In ASCII, because an id may hold half of a surrogate pair, which UTF-8 does not have.
    return Response(json.dumps(body, separators=(",", ":")), status, headers, "application/json")


def challenge(
    status: int, text: str, *, error: str, metadata: str, permission: str = "", id_: Any = None
) -> Response:
    """An OAuth error: its header has what a client needs to get a better token (RFC 6750, 9728).

    Its body is a JSON-RPC error all the same: some clients show their user nothing else.
    """
    parts = [f'error="{error}"', f'error_description="{text}"'] if error else []
    parts += [f'scope="{permission}"'] if permission else []
    parts += [f'resource_metadata="{metadata}"']
    headers = {"WWW-Authenticate": f"Bearer {', '.join(parts)}"}
    return refused(status, text, headers=headers, id_=id_)


def later(status: int, text: str, seconds: float, id_: Any = None) -> Response:
    """Not now; try again after so many seconds, rounded up."""
    after = {"Retry-After": str(max(1, int(-(-seconds // 1))))}
    return refused(status, f"{text}; try again in {after['Retry-After']} s", headers=after, id_=id_)
