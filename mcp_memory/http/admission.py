"""What a known caller's request passes before the protocol: its form, permission and share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import anyio
from mcp_types import HEADER_MISMATCH, PROTOCOL_VERSION_META_KEY
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory.auth.principal import Principal
from mcp_memory.domain.permissions import EVERYTHING, Permission
from mcp_memory.errors import InvalidInput
from mcp_memory.http.authentication import PRINCIPAL
from mcp_memory.http.edge import STREAMS
from mcp_memory.http.rate_limits import Exceeded, Limiter
from mcp_memory.http.responses import INVALID_PARAMS, PARSE_ERROR, challenge, later, refused
from mcp_memory.server import authorization
from mcp_memory.server.middleware import encodable
from mcp_memory.server.transport.jsonrpc import Unreadable, parse
from mcp_memory.system.json_limits import depth
from mcp_memory.tools.coercion import joined

MESSAGE = "mcp_memory.message"
"""Where the message of a request is: a key of the ASGI scope."""
_RESERVED = "mcp_memory.reserved"
"""How many bytes of its body were counted before they came: a key of the ASGI scope."""
BODY_BYTES_MAX = 1024 * 1024
BODY_TIMEOUT_S = 20.0
DEPTH_MAX = 64
_CALL, _LISTEN = "tools/call", "subscriptions/listen"
_ENCODINGS = ("", "identity")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")
_ONCE = ("mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name")
"""Headers that decide who serves a request: two readers must not find different ones."""


class RejectedRequest(Exception):
    """A request that cannot be taken; what to answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class Admission:
    """Reads the message of a request, and lets through what its sender may ask, as often."""

    def __init__(
        self,
        app: ASGIApp,
        limiter: Limiter,
        metadata: str,
        *,
        body_timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        self._app = app
        self._limiter = limiter
        self._metadata = metadata
        self._body_timeout_s = body_timeout_s

    async def __call__(self, asgi_scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        body, changes, refusal = bytearray(), False, None
        try:
            changes = await self._admitted(asgi_scope, receive, body)
        except RejectedRequest as error:
            refusal = error.response
        refusal = await self._counted(asgi_scope, changes, len(body)) or refusal
        if refusal is not None:
            await refusal(asgi_scope, receive, send)
            return
        await self._app(asgi_scope, _again(bytes(body), receive), send)

    async def _counted(self, asgi_scope: Scope, changes: bool, size: int) -> Response | None:
        """Count a request, however it is answered; what to answer where there are too many.

        Who is on this machine is not limited, at no transport.
        """
        principal: Principal | None = asgi_scope.get(PRINCIPAL)
        if principal is None:
            return None
        size = max(0, size - asgi_scope.get(_RESERVED, 0))
        try:
            await self._limiter.count(principal.key, changes=changes, size=size)
        except Exceeded as error:
            id_ = _object(asgi_scope.get(MESSAGE)).get("id")
            return later(429, str(error), error.seconds, id_)
        return None

    async def _admitted(self, asgi_scope: Scope, receive: Receive, body: bytearray) -> bool:
        """Read a request into `body`; whether it may change something. Raises Unfit."""
        await self._read(asgi_scope, receive, body)
        message = _parsed(bytes(body)) if asgi_scope["method"] == "POST" else _object(None)
        asgi_scope[MESSAGE] = message
        method, params = message.get("method"), _object(message.get("params"))
        needed = authorization.needed(method, params) if isinstance(method, str) else ()
        lacking = _lacking(asgi_scope, needed)
        if lacking is not None and method != _CALL:  # the model of whoever calls a tool is told
            raise RejectedRequest(self._challenge(message, needed, lacking))
        if asgi_scope["method"] == "GET" or method == _LISTEN:
            asgi_scope[STREAMS] = True
        return lacking is None and not authorization.CHANGING.isdisjoint(needed)

    async def _read(self, asgi_scope: Scope, receive: Receive, body: bytearray) -> None:
        """The whole body of a request, which only a POST has. Raises Unfit."""
        headers = Headers(scope=asgi_scope)
        for name in _ONCE:
            if len(headers.getlist(name)) > 1:
                raise RejectedRequest(
                    refused(400, f"the header {name} came twice", code=HEADER_MISMATCH)
                )
        if asgi_scope["method"] != "POST":
            return
        _check_form(headers)
        # Media types have no case (RFC 9110, 8.3.1), but whoever serves it might think so.
        others = [(name, value) for name, value in asgi_scope["headers"] if name != b"content-type"]
        asgi_scope["headers"] = [*others, (b"content-type", b"application/json")]
        principal: Principal | None = asgi_scope.get(PRINCIPAL)
        if principal is not None:
            declared = headers.get("content-length", "")
            size = int(declared) if declared.isdecimal() else 0
            try:
                await self._limiter.reserve(principal.key, size)
            except Exceeded as error:
                raise RejectedRequest(later(429, str(error), error.seconds)) from error
            asgi_scope[_RESERVED] = size
        with anyio.move_on_after(self._body_timeout_s):
            await _read(receive, body)
            return
        text = f"the body did not come within {self._body_timeout_s:g} s"
        raise RejectedRequest(refused(408, text, headers={"Connection": "close"}))

    def _challenge(
        self, message: Mapping[str, Any], needed: Sequence[Permission], lacking: Permission
    ) -> Response:
        """What is to be asked for, where a token lacks something."""
        deed = authorization.deed(message["method"], _object(message.get("params")), lacking)
        text = f"the access token lacks the permission {lacking.value}, needed to {deed}"
        return challenge(
            403,
            text.replace('"', "'"),
            error="insufficient_scope",
            metadata=self._metadata,
            permission=" ".join(needed),
            id_=message.get("id"),
        )


def _lacking(asgi_scope: Scope, needed: Sequence[Permission]) -> Permission | None:
    """The first permission that a request needs and its token does not have."""
    principal: Principal | None = asgi_scope.get(PRINCIPAL)
    permitted = principal.permissions if principal else EVERYTHING
    return next((permission for permission in needed if permission not in permitted), None)


def _check_form(headers: Headers) -> None:
    kind, *parameters = [part.strip() for part in _field(headers, "content-type").split(";")]
    if kind.lower() != "application/json":
        raise RejectedRequest(refused(415, "the Content-Type must be application/json"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.lower() == "charset" and value.strip('"').lower() not in ("utf-8", "utf8"):
            raise RejectedRequest(refused(415, "JSON is UTF-8; send no other charset"))
    if _field(headers, "content-encoding").lower() not in _ENCODINGS:
        raise RejectedRequest(refused(415, "send the body as it is, without a Content-Encoding"))
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > BODY_BYTES_MAX:
        raise RejectedRequest(_too_large())


def _field(headers: Headers, name: str) -> str:
    """A header that may have come in several lines, which are then one list (RFC 9110, 5.3)."""
    return ", ".join(headers.getlist(name))


async def _read(receive: Receive, body: bytearray) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RejectedRequest(refused(400, "the request was broken off"))
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            raise RejectedRequest(_too_large())
        if not message.get("more_body"):
            return


def _too_large() -> Response:
    return refused(413, f"the body is larger than {BODY_BYTES_MAX} bytes; send less at once")


def _parsed(body: bytes) -> Mapping[str, Any]:
    """The message of a body. Raises Unfit for what is no JSON-RPC, or nested too deep."""
    try:
        text = body.decode("utf-8")
        if depth(text) > DEPTH_MAX:
            raise RejectedRequest(
                refused(400, f"JSON nested deeper than {DEPTH_MAX}", code=PARSE_ERROR)
            )
        message: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RejectedRequest(
            refused(400, "the body is no JSON in UTF-8", code=PARSE_ERROR)
        ) from error
    if not isinstance(message, dict):
        raise RejectedRequest(refused(400, "send one JSON-RPC message, as an object; no batches"))
    try:
        parse(body)
    except Unreadable as error:
        answer = error.answer
        raise RejectedRequest(
            refused(400, str(error), code=answer.error.code, id_=answer.id)
        ) from error
    if _SURROGATE.search(text):
        _check_unicode(cast("dict[str, Any]", message))
    return cast("dict[str, Any]", message)


def says_newer(message: Mapping[str, Any]) -> bool:
    """Whether a message says of itself that it is of the newer era."""
    return PROTOCOL_VERSION_META_KEY in _object(_object(message.get("params")).get("_meta"))


def _check_unicode(message: Mapping[str, Any]) -> None:
    """Raise Unfit where a text holds half of a surrogate pair.

    Arguments of tools are left to the tool, which tells the model; but not in the older era,
    because its reader fails there without naming the field.
    """
    if message.get("method") == _CALL and says_newer(message):
        params = {name: value for name, value in message["params"].items() if name != "arguments"}
        message = {**message, "params": params}
    found = next(iter(_halves(message, "")), None)
    if found is not None:
        why = "half of a surrogate pair is no character; send valid Unicode"
        text = encodable(str(InvalidInput(*found, why)))
        raise RejectedRequest(refused(400, text, code=INVALID_PARAMS, id_=message.get("id")))


def _halves(value: Any, path: str) -> Iterable[tuple[str, str]]:
    """Each text, names included, with half of a surrogate pair, after its path."""
    if isinstance(value, str) and _HALF.search(value):
        yield path, value
    if isinstance(value, dict):
        for name, member in cast("dict[str, Any]", value).items():
            within = joined(path, name)
            yield from _halves(name, within)
            yield from _halves(member, within)
    if isinstance(value, list):
        for index, member in enumerate(cast("list[Any]", value)):
            yield from _halves(member, f"{path}[{index}]")


def _object(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _again(body: bytes, receive: Receive) -> Receive:
    """A receive that gives a body which was read already, and then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
