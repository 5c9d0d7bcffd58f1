"""Models for the loop: a stand-in that runs anywhere, and a real one."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mcp.types import Tool

TIMEOUT_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What a model gets to read. `notes` are the answers of the tools it has called so far."""

    system: str
    context: str
    question: str
    tools: tuple[Tool, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a model says, or the tool that it wants to call."""

    text: str = ""
    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])


Model = Callable[[Prompt], Reply]


def stand_in(prompt: Prompt) -> Reply:
    """Does, without thinking, what a model would do with this prompt.

    Keeps what it is told to remember, and answers with what was recalled for the question.
    """
    told = re.match(r"remember that (.+)", prompt.question, re.IGNORECASE)
    if told and not prompt.notes:
        type_ = "preference" if re.search(r"\b(never|always|prefer)\b", told[1]) else "fact"
        statement = {"content": f"The user says: {told[1]}", "type": type_}
        return Reply(tool="remember", arguments={"memories": [statement]})
    if told:
        return Reply(text="I will remember that.")
    lines = (line for line in prompt.context.splitlines() if line.startswith("- "))
    known = [line.removeprefix("- The user says: ").partition(" · ")[0] for line in lines]
    return Reply(text=f"You told me: {' '.join(known)}" if known else "I do not know that yet.")


def chat_model(url: str, name: str, api_key: str = "") -> Model:
    """A model behind an OpenAI-compatible API, e.g. "http://localhost:11434/v1" for Ollama."""

    def ask(prompt: Prompt) -> Reply:
        body = {"model": name, "messages": _messages(prompt), "tools": _functions(prompt)}
        request = urllib.request.Request(
            f"{url.rstrip('/')}/chat/completions",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {api_key}"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            message = json.load(response)["choices"][0]["message"]
        for call in message.get("tool_calls") or ():
            function = call["function"]
            return Reply(tool=function["name"], arguments=json.loads(function["arguments"]))
        return Reply(text=message["content"] or "")

    return ask


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    """What is stable in the system message, what was recalled beside the question."""
    asked = "\n\n".join(part for part in (prompt.context, prompt.question, *prompt.notes) if part)
    return [{"role": "system", "content": prompt.system}, {"role": "user", "content": asked}]


def _functions(prompt: Prompt) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.input_schema,
            },
        }
        for tool in prompt.tools
    ]
