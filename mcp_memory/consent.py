"""Asking the user, where the client can, before anything is erased for good.

Both eras take the same way: a preview, a question, and the preview's confirm token, which
is bound to exactly the memories that the user was asked about. In the older era the
question goes out in the middle of the call; in the newer one the call ends with it, and
the client repeats the call with the answer and the token, sealed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import mcp.types as types

from mcp_memory.middleware import Request, is_modern, sayable
from mcp_memory.model import Forgotten, Selection
from mcp_memory.scope import current
from mcp_memory.tools.answers import Answer, shown
from mcp_memory.tools.forget import answer

Forget = Callable[[Selection], Awaitable[Forgotten]]
"""The service's forget, as the caller of the request in hand."""

_QUESTION = "erase"
_LISTED_MAX = 5
_DECLINED = "the user did not agree, so nothing was erased; do not try again unless they ask"
_SCHEMA: types.ElicitRequestedSchema = {
    "type": "object",
    "properties": {
        _QUESTION: {
            "type": "boolean",
            "title": "Erase for good",
            "description": "This cannot be undone",
            "default": False,
        }
    },
    "required": [_QUESTION],
}


def can_ask(request: Request) -> bool:
    """Whether the client can put a form before its user."""
    capabilities = request.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None:
        return False
    # A client that names no mode means forms, the only mode of the first versions.
    return elicitation.form is not None or elicitation.url is None


async def erase(
    request: Request, params: types.CallToolRequestParams, forget: Forget, selection: Selection
) -> Answer | types.InputRequiredResult:
    """Erase what is selected once the user has agreed; a token from the model is not enough."""
    scope = current.get()
    given = (params.input_responses or {}).get(_QUESTION)
    preview = await forget(replace(selection, confirm=""))
    token = params.request_state if given is not None else preview.confirm
    if not preview.total or not token:
        return answer(scope, preview)
    if given is None:
        question = _question(preview)
        if is_modern(request):
            requests: types.InputRequests = {_QUESTION: types.ElicitRequest(params=question)}
            return types.InputRequiredResult(input_requests=requests, request_state=token)
        given = await request.session.elicit_form(
            question.message, _SCHEMA, related_request_id=request.request_id
        )
    if not _agreed(given):
        return answer(scope, replace(preview, confirm=""), _DECLINED)
    return answer(scope, await forget(replace(selection, confirm=token)))


def _agreed(given: types.InputResponse) -> bool:
    if not isinstance(given, types.ElicitResult) or given.action != "accept":
        return False
    return bool(given.content) and given.content.get(_QUESTION) is True


def _question(preview: Forgotten) -> types.ElicitRequestFormParams:
    listed = [f"- {shown(memory.content)}" for memory in preview.memories[:_LISTED_MAX]]
    if preview.total > len(listed):
        listed.append(f"- and {preview.total - len(listed)} more")
    noun = "memory" if preview.total == 1 else "memories"
    message = f"An agent asks to erase {preview.total} {noun} for good:\n" + "\n".join(listed)
    return types.ElicitRequestFormParams(message=sayable(message), requested_schema=_SCHEMA)
