"""What the web door says where no handler answers: plain status, JSON-RPC error or OAuth error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

INVALID_REQUEST, PARSE_ERROR = -32600, -32700


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
    return JSONResponse(body, status_code=status, headers=headers)


def challenge(status: int, text: str, *, error: str, metadata: str, scope: str = "") -> Response:
    """An OAuth error, with what a client needs to get a better token (RFC 6750, RFC 9728)."""
    parts = [f'error="{error}"', f'error_description="{text}"'] if error else []
    parts += [f'scope="{scope}"'] if scope else []
    parts += [f'resource_metadata="{metadata}"']
    body = {"error": error or "unauthorized", "error_description": text}
    headers = {"WWW-Authenticate": f"Bearer {', '.join(parts)}"}
    return JSONResponse(body, status_code=status, headers=headers)


def later(status: int, text: str, seconds: float, id_: Any = None) -> Response:
    """Not now; try again after so many seconds, rounded up."""
    after = {"Retry-After": str(max(1, int(-(-seconds // 1))))}
    return refused(status, f"{text}; try again in {after['Retry-After']} s", headers=after, id_=id_)
