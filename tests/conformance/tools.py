"""The tools that the suite calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mcp.types as types
from mcp.server.subscriptions import PromptsListChanged, ServerEvent, ToolsListChanged

from mcp_memory.server.connection import Request
from mcp_memory.server.subscriptions import Subscriptions
from tests.conformance.asking import Call, elicits, form, needs, said, sample, samples
from tests.conformance.contents import AUDIO, IMAGE, embedded, text

_TEXT = {"type": "string"}
_OPTIONS = ["option1", "option2", "option3"]
_TITLED = [{"const": "value1", "title": "First"}, {"const": "value2", "title": "Second"}]

SCHEMAS: dict[str, dict[str, Any]] = {
    "test_elicitation": {"type": "object", "properties": {"message": _TEXT}},
    "test_sampling": {"type": "object", "properties": {"prompt": _TEXT}},
    "test_custom_header": {
        "type": "object",
        "properties": {"region": {**_TEXT, "x-mcp-header": "Region"}},
    },
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {"$anchor": "addressDef", "type": "object"}},
        "properties": {
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"enum": ["phone", "email"]},
            "phone": _TEXT,
            "email": _TEXT,
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}
"""Of those tools that take arguments."""


def tools(subscriptions: Subscriptions) -> dict[str, Call]:
    """Every tool by its name; listeners of `subscriptions` are told of changed lists."""
    return {
        **_GIVING,
        **_AT_WORK,
        **_ASKING,
        **_UNFINISHED,
        "test_trigger_tool_change": _publishes(subscriptions, ToolsListChanged()),
        "test_trigger_prompt_change": _publishes(subscriptions, PromptsListChanged()),
    }


def listed(name: str) -> types.Tool:
    """A tool as the list has it."""
    schema = SCHEMAS.get(name, {"type": "object"})
    return types.Tool(name=name, description=f"fixture {name}", input_schema=schema)


def _gives(*content: types.ContentBlock) -> Call:
    async def call(request: Request, params: types.CallToolRequestParams) -> types.CallToolResult:
        return types.CallToolResult(content=list(content))

    return call


def _publishes(subscriptions: Subscriptions, event: ServerEvent) -> Call:
    async def call(request: Request, params: types.CallToolRequestParams) -> types.CallToolResult:
        await subscriptions.publish(event)
        return said("told")

    return call


async def _logs(request: Request, params: types.CallToolRequestParams) -> types.CallToolResult:
    for step in ("started", "at work", "completed"):
        await request.session.send_log_message(  # pyright: ignore[reportDeprecated]  # the suite scores it
            "info", step, related_request_id=request.request_id
        )
    return said("logged")


async def _progresses(
    request: Request, params: types.CallToolRequestParams
) -> types.CallToolResult:
    for done in (0, 50, 100):
        await request.session.report_progress(done, 100)
    return said("done")


async def _fails(request: Request, params: types.CallToolRequestParams) -> types.CallToolResult:
    raise RuntimeError("this tool always fails")


async def _breaks_off(
    request: Request, params: types.CallToolRequestParams
) -> types.CallToolResult:
    if request.close_sse_stream is not None:
        await request.close_sse_stream()
    return said("done")


async def _in_two_rounds(
    request: Request, params: types.CallToolRequestParams
) -> types.CallToolResult | types.InputRequiredResult:
    is_first = params.request_state is None
    return await (_FIRST_ROUND if is_first else _SECOND_ROUND)(request, params)


def _about_all_types(arguments: Mapping[str, Any]) -> types.ElicitRequest:
    states = ["active", "inactive", "pending"]
    return form(
        "every type with its default",
        name={**_TEXT, "default": "John Doe"},
        age={"type": "integer", "default": 30},
        score={"type": "number", "default": 95.5},
        status={**_TEXT, "enum": states, "default": "active"},
        verified={"type": "boolean", "default": True},
    )


def _about_choices(arguments: Mapping[str, Any]) -> types.ElicitRequest:
    return form(
        "every kind of choice",
        untitledSingle={**_TEXT, "enum": _OPTIONS},
        titledSingle={**_TEXT, "oneOf": _TITLED},
        legacyEnum={**_TEXT, "enum": ["opt1", "opt2"], "enumNames": ["One", "Two"]},
        untitledMulti={"type": "array", "items": {**_TEXT, "enum": _OPTIONS}},
        titledMulti={"type": "array", "items": {"anyOf": _TITLED}},
    )


_NAME = form("What is your name?", name=_TEXT)
_CONFIRM = form("Please confirm", ok={"type": "boolean"})
_MODEL = sample("What is the capital of France?")
_ROOTS = types.ListRootsRequest()
_FIRST_ROUND = needs({"step1": _NAME}, said, "first round")
_SECOND_ROUND = needs({"step2": form("Which color?", color=_TEXT)}, said, "second round")

_GIVING: dict[str, Call] = {
    "test_simple_text": _gives(text("a simple text")),
    "test_image_content": _gives(IMAGE),
    "test_audio_content": _gives(AUDIO),
    "test_embedded_resource": _gives(embedded("test://embedded-resource", "a resource")),
    "test_multiple_content_types": _gives(
        text("a text"),
        IMAGE,
        embedded("test://mixed-content-resource", '{"value": 123}', "application/json"),
    ),
    "json_schema_2020_12_tool": _gives(text("called")),
    "test_custom_header": _gives(text("called")),
}
_AT_WORK: dict[str, Call] = {
    "test_tool_with_logging": _logs,
    "test_logging_tool": _logs,
    "test_tool_with_progress": _progresses,
    "test_error_handling": _fails,
    "test_reconnection": _breaks_off,
}
_ASKING: dict[str, Call] = {
    "test_sampling": samples,
    "test_elicitation": elicits(
        lambda given: form(str(given.get("message")), username=_TEXT, email=_TEXT)
    ),
    "test_elicitation_sep1034_defaults": elicits(_about_all_types),
    "test_elicitation_sep1330_enums": elicits(_about_choices),
}
_UNFINISHED: dict[str, Call] = {
    "test_missing_capability": needs({"answer": _MODEL}, said),
    "test_streaming_elicitation": needs({"user_name": _NAME}, said),
    "test_input_required_result_elicitation": needs({"user_name": _NAME}, said),
    "test_input_required_result_sampling": needs({"capital_question": _MODEL}, said),
    "test_input_required_result_list_roots": needs({"client_roots": _ROOTS}, said),
    "test_input_required_result_request_state": needs({"confirm": _CONFIRM}, said, "state"),
    "test_input_required_result_tampered_state": needs({"confirm": _CONFIRM}, said, "state"),
    "test_input_required_result_multiple_inputs": needs(
        {"user_name": _NAME, "greeting": _MODEL, "client_roots": _ROOTS}, said, "state"
    ),
    "test_input_required_result_capabilities": needs({"name": _NAME, "answer": _MODEL}, said),
    "test_input_required_result_multi_round": _in_two_rounds,
}
