"""What every answer must be, whatever was asked."""

from __future__ import annotations

import copy
import re
from typing import Any

from tests.fuzz.callers import TELLING
from tests.fuzz.calls import Call
from tests.fuzz.connection import ACKNOWLEDGED, Answer
from tests.fuzz.values import members_of

CONFIRM = re.compile(r"confirm=([0-9a-f]+-[0-9a-f]+)")
"""The token of a preview, in the words of its answer."""
INTERNAL_ERROR = -32603
_BROKEN = ("something went wrong", "internal server error", "traceback (most recent")
_WITHOUT_TEXT = (202, 405, 406)
_HEAD_TOO_LARGE = "Invalid HTTP request received."
"""What the HTTP server says of a name that is too long for a header."""


def check(call: Call, answer: Answer) -> None:
    """Raise ValueError unless the answer is one that the call may have."""
    said = answer.text.lower()
    found = [words for words in (*TELLING, *_BROKEN) if words in said]
    _must(not found, f"the answer says {found}", answer)
    _must(answer.status < 500, "a failure of the server", answer)
    if not answer.messages:
        is_told = answer.text == _HEAD_TOO_LARGE if answer.text else answer.status in _WITHOUT_TEXT
        _must(is_told, "no message", answer)
        _must(answer.status != 202 or not is_request(call.body), "no answer", answer)
        return
    last = answer.last
    if last.get("method") == ACKNOWLEDGED:
        return
    if answer.status in (401, 403) and isinstance(last.get("error"), str):
        return
    _must(all(one.get("jsonrpc") == "2.0" for one in answer.messages), "no JSON-RPC", answer)
    _must(("result" in last) != ("error" in last), "neither result nor error", answer)
    _must("result" not in last or answer.status == 200, "a result that is none", answer)
    if is_request(call.body) and (answer.status == 200 or last.get("id") is not None):
        _must(last.get("id") == call.body["id"], "the id of another", answer)
    if "error" in last:
        _check_error(last["error"], answer)


def is_request(body: Any) -> bool:
    """Whether somebody waits for an answer."""
    message = members_of(body)
    an_id, method = message.get("id"), message.get("method")
    has_id = isinstance(an_id, (int, str)) and not isinstance(an_id, bool)
    return message.get("jsonrpc") == "2.0" and has_id and isinstance(method, str)


def outcome_of(answer: Answer) -> str:
    """How it went: done, refused by a tool, refused by the protocol, or taken without a word."""
    if answer.last.get("method") == ACKNOWLEDGED:
        return "done"
    if "result" in answer.last:
        return "refused" if answer.result.get("isError") else "done"
    return "invalid" if answer.text else "taken"


def name_of(call: Call) -> str:
    """What the call is of: its method and the tool or prompt."""
    body = members_of(call.body)
    method, params = body.get("method"), body.get("params")
    if not isinstance(method, str):
        return "response" if "result" in body or "error" in body else "malformed"
    is_of_many = method in ("tools/call", "prompts/get")
    return f"{method} {members_of(params).get('name')}" if is_of_many else method


def repeated(call: Call, answer: Answer) -> Call | None:
    """The call again with what its answer asks for; None where it asks for nothing."""
    told = CONFIRM.search(str(answer.result.get("content")))
    confirm = told[1] if told else None
    questions = answer.result.get("inputRequests")
    if not (confirm and call.agrees) and not questions:
        return None
    body = copy.deepcopy(call.body)
    params = body["params"]
    if questions:
        given = {"action": "accept", "content": dict.fromkeys(questions, call.agrees)}
        params["inputResponses"] = dict.fromkeys(questions, given)
        params["requestState"] = answer.result.get("requestState")
    else:
        params["arguments"]["confirm"] = confirm
    return Call(body=body, version=call.version, session=call.session, agrees=call.agrees)


def _check_error(error: Any, answer: Answer) -> None:
    _must(isinstance(error, dict), "an error that is none", answer)
    code = error.get("code")
    _must(isinstance(code, int) and isinstance(error.get("message"), str), "no error", answer)
    _must(code != INTERNAL_ERROR, "an internal error", answer)


def _must(truth: bool, what: str, answer: Answer) -> None:
    if not truth:
        raise ValueError(f"{what}: {answer.status} {answer.text[:2000]!r}")
