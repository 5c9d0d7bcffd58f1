"""Puts the fixtures beside what a server offers; what it offers stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mcp.types as types
from mcp.server import Server

from mcp_memory.identity.resolver import current
from mcp_memory.server.connection import Connection, Request
from mcp_memory.server.middleware import Handler, Middleware, of_connection
from mcp_memory.server.subscriptions import Subscriptions
from tests.conformance import contents
from tests.conformance.asking import form, needs
from tests.conformance.tools import SCHEMAS, listed, tools

Choose = Callable[[Any], Handler[Any, Any] | None]
"""The fixture that a request is for; None where the server itself is to answer."""


def install(server: Server[Connection], subscriptions: Subscriptions) -> None:
    """Let the server answer for the fixtures too, within the middleware that ours have."""
    within = Middleware(of_connection)
    calls = {name: within.tool(call) for name, call in tools(subscriptions).items()}
    prompts = {
        prompt.name: within(_PROMPTS.get(prompt.name, contents.prompt)) for prompt in _LISTED
    }
    read, subscribe, complete = within(_read), within(_subscribe), within(_complete)

    def completed(params: types.CompleteRequestParams) -> Handler[Any, Any] | None:
        return complete if getattr(params.ref, "name", "") == contents.TO_COMPLETE else None

    _beside(server, "tools/call", lambda params: calls.get(params.name))
    _beside(server, "prompts/get", lambda params: prompts.get(params.name))
    _beside(server, "resources/read", lambda p: read if contents.contents(p.uri) else None)
    _beside(
        server, "resources/subscribe", lambda p: subscribe if p.uri == contents.WATCHED else None
    )
    _beside(server, "completion/complete", completed)
    _list_too(server, "tools/list", "tools", [listed(name) for name in calls])
    _list_too(server, "prompts/list", "prompts", _LISTED)
    _list_too(server, "resources/list", "resources", contents.RESOURCES)
    _list_too(server, "resources/templates/list", "resource_templates", contents.TEMPLATES)
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, within(_set_level))
    _find_too(server)


def _beside(server: Server[Connection], method: str, choose: Choose) -> None:
    ours = server.get_request_handler(method)
    assert ours is not None, method

    async def answer(request: Request, params: Any) -> Any:
        return await (choose(params) or ours.handler)(request, params)

    server.add_request_handler(method, ours.params_type, answer)


def _list_too(
    server: Server[Connection], method: str, field: str, more: Sequence[types.BaseMetadata]
) -> None:
    """Add to the first page of a list."""
    ours = server.get_request_handler(method)
    assert ours is not None, method

    async def answer(request: Request, params: types.PaginatedRequestParams) -> Any:
        page: Any = await ours.handler(request, params)
        if params.cursor:
            return page
        return page.model_copy(update={field: [*getattr(page, field), *more]})

    server.add_request_handler(method, types.PaginatedRequestParams, answer)


def _find_too(server: Server[Connection]) -> None:
    """Let the SDK find the schemas of the fixtures, which it holds against headers."""
    ours = server.get_tool_input_schema
    assert ours is not None

    def schema(name: str) -> Mapping[str, Any] | None:
        return SCHEMAS.get(name) or ours(name)

    server.get_tool_input_schema = schema


async def _read(
    request: Request, params: types.ReadResourceRequestParams
) -> types.ReadResourceResult:
    found = contents.contents(params.uri)
    return types.ReadResourceResult(contents=[found] if found else [])


async def _subscribe(request: Request, params: types.SubscribeRequestParams) -> types.EmptyResult:
    request.lifespan_context.watch(params.uri, current.get())
    return types.EmptyResult()


async def _complete(request: Request, params: types.CompleteRequestParams) -> types.CompleteResult:
    values = [value for value in ("test", "testing") if value.startswith(params.argument.value)]
    return types.CompleteResult(completion=types.Completion(values=values))


async def _set_level(request: Request, params: types.SetLevelRequestParams) -> types.EmptyResult:
    return types.EmptyResult()


_LISTED = contents.PROMPTS
_PROMPTS: dict[str, Handler[Any, Any]] = {
    "test_input_required_result_prompt": needs(
        {"user_context": form("Which context?", context={"type": "string"})},
        lambda told: contents.says(contents.text(told)),
    )
}
