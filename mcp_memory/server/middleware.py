"""Around every request: who is calling, and what an error looks like from outside."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import anyio
import anyio.to_thread
import mcp.types as types
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.permissions import require
from mcp_memory.errors import InvalidInput, McpMemoryError, NotFound, NotPermitted, ScopeMissing
from mcp_memory.identity.resolver import PROJECT_HEADER, Signals, current, deciding, resolve
from mcp_memory.server import authorization
from mcp_memory.server.connection import Connection, Request, context_of, is_modern
from mcp_memory.server.roots import roots_of
from mcp_memory.system.isolation import removed
from mcp_memory.tools.coercion import parsed

log = logging.getLogger(__name__)

CALLER_KEPT_S = 30.0
_NO_ARGUMENTS = frozenset({"", "null", "none"})
# With one of these deciding the project, the client need not be asked for its roots.
_BEFORE_ROOTS = frozenset({"_meta", PROJECT_HEADER, "configuration", "CLAUDE_PROJECT_DIR"})


Params = TypeVar("Params")
Result = TypeVar("Result")
Handler = Callable[[Request, Params], Awaitable[Result]]
SignalsOf = Callable[[Request], Signals]
"""What a transport knows of a request beside its message: transport, configuration, token."""


def of_connection(request: Request) -> Signals:
    """The transport of a server whose connections, or single requests, bring their own signals."""
    context = context_of(request)
    return context.signals if context else request.lifespan_context.signals


@dataclass(kw_only=True, slots=True)
class RequestOutcome:
    """One request that was answered: by which transport, what was asked, how it went, how long.

    `outcome` is "ok", "refused" (the caller's to mend) or "failed" (ours).
    """

    transport: str
    call: str
    outcome: str = "failed"
    seconds: float = 0.0


OnRequestDone = Callable[[RequestOutcome], None]


class Middleware:
    """Wraps every handler of the server: one scope a request, one seam for errors."""

    def __init__(self, signals_of: SignalsOf, observe: OnRequestDone = lambda seen: None) -> None:
        self._signals_of = signals_of
        self._observe = observe

    def __call__(self, handler: Handler[Params, Result]) -> Handler[Params, Result]:
        """The handler, with its scope set and its errors turned into protocol errors."""

        async def run(request: Request, params: Params) -> Result:
            with self._observed(request) as seen, _protocol_errors(request, seen):
                async with self._within(request) as known:
                    result = await handler(known, params)
                seen.outcome = "ok"
                return result

        return run

    def tool(
        self, handler: Handler[Params, types.CallToolResult | types.InputRequiredResult]
    ) -> Handler[Params, types.CallToolResult | types.InputRequiredResult]:
        """The handler of tool calls, whose errors are results that the model reads."""

        async def run(
            request: Request, params: Params
        ) -> types.CallToolResult | types.InputRequiredResult:
            with self._observed(request) as seen:
                try:
                    async with self._within(request) as known:
                        result = await handler(known, params)
                    seen.outcome = "ok"
                    return result
                except McpMemoryError as error:
                    seen.outcome = "refused"
                    return _failure(str(error))
                except MCPError:
                    seen.outcome = "refused"
                    raise
                except Exception:  # the seam: what was not foreseen is logged, and masked
                    return _failure(_masked(request.method))

        return run

    @contextmanager
    def _observed(self, request: Request) -> Generator[RequestOutcome]:
        """Tell whoever counts of one request, however it ends."""
        is_call = request.method == "tools/call"
        name = str((request.params or {}).get("name")) if is_call else request.method
        is_known = not is_call or name in authorization.OF_TOOLS
        seen = RequestOutcome(
            transport=self._signals_of(request).transport, call=name if is_known else "unknown"
        )
        began = time.perf_counter()
        try:
            yield seen
        finally:
            seen.seconds = time.perf_counter() - began
            self._observe(seen)

    @asynccontextmanager
    async def _within(self, request: Request) -> AsyncGenerator[Request]:
        """The request as its handler gets it, its scope set and its permission looked at."""
        context = context_of(request)
        if context and context.connection:
            request = replace(request, lifespan_context=context.connection)
        caller = await self._caller(request)
        method, params = request.method, request.params
        for needed in authorization.needed(method, params):
            require(caller.permissions, needed, authorization.deed(method, params, needed))
        token = current.set(caller)
        try:
            async with request.lifespan_context.for_one_request():
                yield request
        finally:
            current.reset(token)

    async def _caller(self, request: Request) -> Caller:
        """The scope of a request. Raises InvalidInput, ScopeMissing."""
        connection = request.lifespan_context
        signals = self._signals(request)
        caller = await _resolved(connection, signals)
        if signals.claims is None and caller.sources["project"] not in _BEFORE_ROOTS:
            roots = await roots_of(request)
            caller = await _resolved(connection, replace(signals, roots=roots)) if roots else caller
        if connection.is_kept and not signals.modern:
            connection.caller, connection.session = caller, request.session
        return caller

    def _signals(self, request: Request) -> Signals:
        client = request.session.client_params
        signals = replace(
            self._signals_of(request),
            modern=is_modern(request),
            meta=dict(request.meta or {}),
            client_name=client.client_info.name if client else "",
            client_version=client.client_info.version if client else "",
            connection_id=request.lifespan_context.id if request.lifespan_context.is_kept else "",
        )
        return deciding(signals)


async def with_arguments(ctx: Request, call_next: CallNext) -> HandlerResult:
    """Server middleware: the arguments of a tool as an object, where they were written as text.

    What is none is handed to the tool as an argument, which says what it takes instead: the
    protocol's own error for it has no word of that.
    """
    params = ctx.params or {}
    given = params.get("arguments")
    if ctx.method != "tools/call" or given is None or isinstance(given, Mapping):
        return await call_next(ctx)
    return await call_next(replace(ctx, params={**params, "arguments": _arguments(given)}))


def _arguments(given: Any) -> Mapping[str, Any]:
    if isinstance(given, str) and given.strip().lower() in _NO_ARGUMENTS:
        return {}
    try:
        found = parsed(given, "arguments")
    except InvalidInput:
        found = given
    if isinstance(found, list) and len(cast("list[Any]", found)) == 1:
        (found,) = cast("list[Any]", found)
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {"arguments": given}


async def _resolved(connection: Connection, signals: Signals) -> Caller:
    """The scope of the signals, kept for a while: finding it out reads git's files.

    A repository that is given a remote is another project after at most 30 seconds.
    """
    now = time.monotonic()
    for known, caller, since in connection.resolved:
        if now - since < CALLER_KEPT_S and known == signals:
            return caller
    caller = await anyio.to_thread.run_sync(resolve, signals)
    connection.resolved.appendleft((signals, caller, now))
    return caller


@contextmanager
def _protocol_errors(request: Request, seen: RequestOutcome) -> Generator[None]:
    uri = (request.params or {}).get("uri")
    data = {"uri": encodable(uri)} if isinstance(uri, str) else None  # as the protocol wants it
    try:
        yield
    except (InvalidInput, NotFound, NotPermitted, ScopeMissing) as error:
        seen.outcome = "refused"
        message = encodable(str(error))
        raise MCPError(code=types.INVALID_PARAMS, message=message, data=data) from error
    except McpMemoryError as error:
        raise MCPError(code=types.INTERNAL_ERROR, message=encodable(str(error))) from error
    except MCPError:
        seen.outcome = "refused"
        raise
    except Exception as error:  # the seam: what was not foreseen is logged, and masked
        raise MCPError(code=types.INTERNAL_ERROR, message=_masked(request.method)) from error


def _failure(text: str) -> types.CallToolResult:
    content = types.TextContent(type="text", text=encodable(text))
    return types.CallToolResult(content=[content], is_error=True)


def _masked(method: str) -> str:
    """Log the error in hand with its trace, and give a sentence to say instead."""
    error_id = secrets.token_hex(4)
    log.exception("error %s in %s", error_id, method)
    if gone := removed():
        return f"{gone} (error {error_id})"
    return (
        f"something went wrong inside mcp-memory (error {error_id}); the log of the server "
        "has the details under this number. Trying again may help"
    )


def encodable(text: str) -> str:
    """The text without halves of surrogate pairs, which no protocol frame can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
