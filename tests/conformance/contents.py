"""What the suite reads: resources, prompts, and the contents of which tools are made."""

from __future__ import annotations

import json
import re

import mcp.types as types
from mcp import MCPError

from mcp_memory.server.connection import Request

WATCHED = "test://watched-resource"
TO_COMPLETE = "test_prompt_with_arguments"

_RED_DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
_SILENCE = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA=="
_TEMPLATE = "test://template/{id}/data"
_OF_TEMPLATE = re.compile(r"test://template/([^/]+)/data")

IMAGE = types.ImageContent(type="image", data=_RED_DOT, mime_type="image/png")
AUDIO = types.AudioContent(type="audio", data=_SILENCE, mime_type="audio/wav")

RESOURCES = [
    types.Resource(uri="test://static-text", name="static-text", mime_type="text/plain"),
    types.Resource(uri="test://static-binary", name="static-binary", mime_type="image/png"),
    types.Resource(uri=WATCHED, name="watched-resource", mime_type="text/plain"),
]
TEMPLATES = [
    types.ResourceTemplate(uri_template=_TEMPLATE, name="data", mime_type="application/json")
]


def text(content: str) -> types.TextContent:
    """A text as content."""
    return types.TextContent(type="text", text=content)


def embedded(uri: str, content: str, mime_type: str = "text/plain") -> types.EmbeddedResource:
    """A text resource as content."""
    resource = types.TextResourceContents(uri=uri, mime_type=mime_type, text=content)
    return types.EmbeddedResource(type="resource", resource=resource)


def contents(uri: str) -> types.TextResourceContents | types.BlobResourceContents | None:
    """The contents of one of these resources, None for any other."""
    if uri == "test://static-binary":
        return types.BlobResourceContents(uri=uri, mime_type="image/png", blob=_RED_DOT)
    if uri in ("test://static-text", WATCHED):
        return types.TextResourceContents(
            uri=uri, mime_type="text/plain", text=f"the text of {uri}"
        )
    found = _OF_TEMPLATE.fullmatch(uri)
    if found is None:
        return None
    data = json.dumps({"id": found[1]})
    return types.TextResourceContents(uri=uri, mime_type="application/json", text=data)


def _prompt(name: str, *arguments: str) -> types.Prompt:
    needed = [types.PromptArgument(name=argument, required=True) for argument in arguments]
    return types.Prompt(name=name, description=f"fixture {name}", arguments=needed)


PROMPTS = [
    _prompt("test_simple_prompt"),
    _prompt(TO_COMPLETE, "arg1", "arg2"),
    _prompt("test_prompt_with_embedded_resource", "resourceUri"),
    _prompt("test_prompt_with_image"),
    _prompt("test_input_required_result_prompt"),
]


def says(*content: types.ContentBlock) -> types.GetPromptResult:
    """A prompt in which the user says this."""
    messages = [types.PromptMessage(role="user", content=part) for part in content]
    return types.GetPromptResult(messages=messages)


async def prompt(request: Request, params: types.GetPromptRequestParams) -> types.GetPromptResult:
    """One of the prompts that ask for nothing."""
    given = params.arguments or {}
    match params.name:
        case "test_simple_prompt":
            return says(text("a simple prompt"))
        case "test_prompt_with_arguments":
            return says(text(f"arg1={given.get('arg1')!r}, arg2={given.get('arg2')!r}"))
        case "test_prompt_with_embedded_resource":
            uri = given.get("resourceUri", "")
            return says(embedded(uri, "an embedded resource"), text("read what is above"))
        case "test_prompt_with_image":
            return says(IMAGE, text("look at what is above"))
        case _:
            raise MCPError(code=types.INVALID_PARAMS, message=f"no prompt {params.name}")
