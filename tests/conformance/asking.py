"""Fixtures that ask the client back: in the middle of a call, or by ending it unfinished."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

import mcp.types as types
from mcp import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import MISSING_REQUIRED_CLIENT_CAPABILITY

from mcp_memory.errors import InvalidInput
from mcp_memory.server.connection import Request
from tests.conformance.contents import text

Call = Callable[
    [Request, types.CallToolRequestParams],
    Awaitable[types.CallToolResult | types.InputRequiredResult],
]
_Done = TypeVar("_Done")
_Params = types.CallToolRequestParams | types.GetPromptRequestParams

_CAPABILITIES = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}


def said(content: str) -> types.CallToolResult:
    """The answer of a tool that says this."""
    return types.CallToolResult(content=[text(content)])


def form(message: str, **properties: Mapping[str, Any]) -> types.ElicitRequest:
    """A question to the user, every field of which must be filled in."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    params = types.ElicitRequestFormParams(message=message, requested_schema=schema)
    return types.ElicitRequest(params=params)


def sample(prompt: str) -> types.CreateMessageRequest:
    """A question to the client's model."""
    messages = [types.SamplingMessage(role="user", content=text(prompt))]
    params = types.CreateMessageRequestParams(messages=messages, max_tokens=100)
    return types.CreateMessageRequest(params=params)


def elicits(question: Callable[[Mapping[str, Any]], types.ElicitRequest]) -> Call:
    """A tool that asks the user in the middle of its call; the question is of its arguments."""

    async def call(request: Request, params: types.CallToolRequestParams) -> types.CallToolResult:
        asked = question(params.arguments or {})
        _check([asked], request)
        answer = await request.session.send_request(
            asked, types.ElicitResult, metadata=_of(request)
        )
        return said(f"action={answer.action}, content={answer.content}")

    return call


async def samples(request: Request, params: types.CallToolRequestParams) -> types.CallToolResult:
    """A tool that asks the client's model in the middle of its call."""
    asked = sample(str((params.arguments or {}).get("prompt")))
    _check([asked], request)
    answer = await request.session.send_request(
        asked, types.CreateMessageResult, metadata=_of(request)
    )
    return said(f"the model said: {answer.content}")


def needs(
    requests: Mapping[str, types.InputRequest], done: Callable[[str], _Done], state: str = ""
) -> Callable[[Request, _Params], Awaitable[_Done | types.InputRequiredResult]]:
    """Ends unfinished until everything is answered that the client is able to answer.

    With a state, that has to come back with the answers.
    """

    async def call(request: Request, params: _Params) -> _Done | types.InputRequiredResult:
        given = params.input_responses or {}
        able = {name: asked for name, asked in requests.items() if _can(request, asked)}
        if not able:
            _check(requests.values(), request)
        if able.keys() - given.keys():
            return types.InputRequiredResult(input_requests=able, request_state=state or None)
        if (params.request_state or "") != state:
            raise InvalidInput("requestState", params.request_state, f"expected {state}")
        return done(f"state-ok: {given}")

    return call


def _of(request: Request) -> ServerMessageMetadata:
    return ServerMessageMetadata(related_request_id=request.request_id)


def _can(request: Request, asked: types.InputRequest) -> bool:
    capabilities = request.session.client_capabilities
    return getattr(capabilities, _CAPABILITIES[asked.method], None) is not None


def _check(requests: Iterable[types.InputRequest], request: Request) -> None:
    """Raise MCPError, as the specification has it, for what the client cannot be asked."""
    lacking = [_CAPABILITIES[asked.method] for asked in requests if not _can(request, asked)]
    if lacking:
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message=f"the client does not declare {', '.join(lacking)}",
            data={"requiredCapabilities": {name: {} for name in lacking}},
        )
