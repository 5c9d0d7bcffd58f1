"""Asking the user, where the client can, before anything is erased or widely forgotten.

Both eras take the same way: a preview, a question, and the preview's confirm token, which
is bound to exactly the memories that the user was asked about. In the older era the
question goes out in the middle of the call; in the newer one the call ends with it, and
the client repeats the call with the answer and the token, sealed.

A client may say that it can ask and then not do so: it answers with an error, cancels or
declines by itself, or does not answer at all. That is no answer of the user, so the model
gets the preview and the token, as at a client that cannot ask.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import mcp.types as types
from mcp import MCPError
from pydantic import ValidationError

from mcp_memory.domain.requests import ForgetRequest
from mcp_memory.domain.results import ForgetResult
from mcp_memory.domain.text import shown
from mcp_memory.identity.resolver import current
from mcp_memory.server.connection import Request, is_modern
from mcp_memory.server.middleware import encodable
from mcp_memory.tools.base import Answer
from mcp_memory.tools.forget import advice, answer

log = logging.getLogger(__name__)

Forget = Callable[[ForgetRequest], Awaitable[ForgetResult]]
"""The service's forget, as the caller of the request in hand."""

DECLINES_ALONE = frozenset({"codex-mcp-client"})
"""The names of clients that decline by themselves when no user is there (`codex exec`)."""
READING_S = 0.5
"""How long a user takes at least to read a question and to decline; such a client takes 5 ms."""

_ERASE, _FORGET = "erase", "forget"
_LISTED_MAX = 5
_DECLINED = "the user declined, so nothing was done; do not try again unless they ask"
_UNASKED = "the client did not ask its user, so ask them yourself"


def can_ask(request: Request) -> bool:
    """Whether the client can put a form before its user."""
    capabilities = request.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None:
        return False
    # A client that names no mode means forms, the only mode of the first versions.
    return elicitation.form is not None or elicitation.url is None


def is_needed(selection: ForgetRequest) -> bool:
    """Whether this is for the user to decide: what is erased, or not named one by one."""
    return selection.erase or not selection.ids


async def ask(
    request: Request,
    params: types.CallToolRequestParams,
    forget: Forget,
    selection: ForgetRequest,
    asking: AbstractContextManager[None],
) -> Answer | types.InputRequiredResult:
    """Do what is selected once the user has agreed; a token from the model is not enough.

    `asking` is entered while a question is open in the middle of the call, and bounds it.
    """
    caller, unasked = current.get(), request.lifespan_context.unasked
    name = _ERASE if selection.erase else _FORGET
    given = (params.input_responses or {}).get(name)
    if given is None and selection.confirm in unasked:
        return answer(caller, await forget(selection))
    preview = await forget(replace(selection, confirm=""))
    token = params.request_state if given is not None else preview.confirm
    if not preview.total or not token:
        return answer(caller, preview)
    if given is None:
        question = _question(preview, name)
        if is_modern(request):
            requests: types.InputRequests = {name: types.ElicitRequest(params=question)}
            return types.InputRequiredResult(input_requests=requests, request_state=token)
        given = await _asked(request, question, asking)
    agrees = _decision(given, name)
    if agrees:
        return answer(caller, await forget(replace(selection, confirm=token)))
    if agrees is False:
        return answer(caller, replace(preview, confirm=""), _DECLINED)
    if selection.confirm:  # of a preview that was given because nobody could be asked
        return answer(caller, await forget(selection))
    unasked.append(preview.confirm)
    return answer(caller, preview, f"{_UNASKED}; {advice(preview)}")


async def _asked(
    request: Request,
    question: types.ElicitRequestFormParams,
    asking: AbstractContextManager[None],
) -> types.ElicitResult | None:
    """What the client answers in the middle of a call; None where it does not."""
    try:
        began = time.monotonic()
        with asking:
            given = await request.session.elicit_form(
                question.message, question.requested_schema, related_request_id=request.request_id
            )
    except (MCPError, ValidationError, TimeoutError) as error:
        log.info("the client did not ask its user: %s", type(error).__name__)
        return None
    client = request.session.client_params
    is_quick = time.monotonic() - began < READING_S
    if is_quick and client and client.client_info.name in DECLINES_ALONE:
        return None if given.action == "decline" else given
    return given


def _decision(given: types.InputResponse | None, name: str) -> bool | None:
    """Yes or no as the user said it; None where nobody said anything."""
    if not isinstance(given, types.ElicitResult):
        return None
    if given.action == "accept":
        said = (given.content or {}).get(name)
        return said if isinstance(said, bool) else None
    return False if given.action == "decline" else None


def _question(preview: ForgetResult, name: str) -> types.ElicitRequestFormParams:
    listed = [f"- {shown(memory.content)}" for memory in preview.memories[:_LISTED_MAX]]
    if preview.total > len(listed):
        listed.append(f"- and {preview.total - len(listed)} more")
    count = f"{preview.total} {'memory' if preview.total == 1 else 'memories'}"
    deed = f"erase {count} for good" if preview.would_erase else f"forget {count}"
    message = f"An agent asks to {deed}:\n" + "\n".join(listed)
    return types.ElicitRequestFormParams(
        message=encodable(message), requested_schema=_schema(name, preview.would_erase)
    )


def _schema(name: str, erases: bool) -> types.ElicitRequestedSchema:
    return {
        "type": "object",
        "properties": {
            name: {
                "type": "boolean",
                "title": "Erase for good" if erases else "Forget these",
                "description": "This cannot be undone" if erases else "This can be undone",
                "default": False,
            }
        },
        "required": [name],
    }
