"""A stand-in for the model behind Claude Code and Codex: it calls tools by a script.

It speaks as much of two APIs as those clients need, Anthropic's `/v1/messages` and OpenAI's
`/v1/responses`, on 127.0.0.1, and keeps what it is handed: the tools as listed, and the
result of each call exactly as the client gave it to its model.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

Results = Sequence[str]
"""What the calls made so far gave back, in order, as the model was handed it."""
Arguments = Callable[[Results], dict[str, Any]]

_REQUESTS_MAX = 60
"""A client that asks more often than this has gone astray; it is told that all is done."""
_SEARCH = "ToolSearch"
"""The tool by which Claude Code loads the tools that it has deferred."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One call of the script: a tool, and its arguments by what the calls before gave back."""

    tool: str
    arguments: Arguments


@dataclass(kw_only=True)
class ScriptedModel:
    """What is played to one client, and what that client handed on."""

    steps: Sequence[Step]
    tools: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Each of our tools with a description, by its bare name, as the model was shown it."""
    results: list[str] = field(default_factory=list[str])
    searched: set[str] = field(default_factory=set[str])
    """The tools that had to be loaded by the client's search first."""
    requests: int = 0

    def see_tool(self, name: str, tool: dict[str, Any]) -> None:
        """Keep a tool that was listed, if it is one of ours."""
        for verb in {step.tool for step in self.steps}:
            if name == verb or name.endswith(f"_{verb}"):
                self.tools[verb] = {**tool, "name": name}

    def see_results(self, results: list[str]) -> None:
        """Keep the results of all calls so far; a client asks other things between them."""
        if len(results) > len(self.results):
            self.results = results

    def next_step(self) -> Step | None:
        """The call that comes next, None at the end."""
        done = len(self.results)
        is_over = done >= len(self.steps) or self.requests > _REQUESTS_MAX
        return None if is_over else self.steps[done]


@contextmanager
def served(model: ScriptedModel) -> Generator[str]:
    """The model at an address of this machine, for as long as the context lasts."""

    class Handler(_Handler):
        script = model

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: ScriptedModel

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the clients ask often."""

    def do_HEAD(self) -> None:
        self._send({}, "application/json")

    def do_GET(self) -> None:
        self._send({"data": [], "models": []}, "application/json")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        self.script.requests += 1
        if "count_tokens" in self.path:
            self._send({"input_tokens": 10}, "application/json")
        elif "/messages" in self.path:
            self._stream(_claude_turn(self.script, body))
        elif "/responses" in self.path:
            self._stream(_codex_turn(self.script, body))
        else:
            self._send({}, "application/json")

    def _send(self, document: dict[str, Any], kind: str) -> None:
        self._answer(json.dumps(document).encode(), kind)

    def _stream(self, events: Sequence[dict[str, Any]]) -> None:
        lines = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
        self._answer("".join(lines).encode(), "text/event-stream")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _claude_turn(script: ScriptedModel, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of one answer of Anthropic's API."""
    shown: list[Any] = body.get("tools") or []
    tools: dict[str, Any] = {tool.get("name", ""): tool for tool in shown}
    for name, tool in tools.items():
        script.see_tool(name, tool)
    messages: list[Any] = body.get("messages") or []
    blocks: list[Any] = [
        block
        for message in messages
        if message["role"] == "user" and isinstance(message["content"], list)
        for block in message["content"]
    ]
    results = [b for b in blocks if b.get("type") == "tool_result"]
    ours = (b for b in results if not str(b["tool_use_id"]).startswith("find"))
    script.see_results([_text(b.get("content")) for b in ours])
    step = script.next_step() if tools else None
    if step is None:
        return _claude_events({"type": "text", "text": ""}, {"type": "text_delta", "text": "Done."})
    known = script.tools.get(step.tool)
    if known and known["name"] in tools:
        use = ("call", known["name"], step.arguments(script.results))
    else:
        script.searched.add(step.tool)
        use = ("find", _SEARCH, {"query": f"+{step.tool} memory", "max_results": 5})
    prefix, name, arguments = use
    block: dict[str, Any] = {
        "type": "tool_use",
        "id": f"{prefix}_{script.requests}",
        "name": name,
        "input": {},
    }
    delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
    return _claude_events(block, delta)


def _claude_events(block: dict[str, Any], delta: dict[str, Any]) -> list[dict[str, Any]]:
    stop = "tool_use" if block["type"] == "tool_use" else "end_turn"
    usage = {"input_tokens": 1, "output_tokens": 1}
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "scripted",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": usage,
        },
        {"type": "message_stop"},
    ]


def _codex_turn(script: ScriptedModel, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of one answer of OpenAI's API."""
    shown: list[Any] = body.get("tools") or []
    for tool in shown:
        space = {"namespace": tool["name"]} if "tools" in tool else {}
        listed: list[Any] = tool.get("tools") or [tool]
        for one in listed:
            script.see_tool(one.get("name", ""), {**one, **space})
    items: list[Any] = body.get("input") or []
    outputs = (item for item in items if item.get("type") == "function_call_output")
    script.see_results([_text(item.get("output")) for item in outputs])
    step = script.next_step()
    known = script.tools.get(step.tool) if step else None
    if step is None or known is None:
        text = "Done." if step is None else f"there is no tool {step.tool}"
        content = [{"type": "output_text", "text": text}]
        item = {"type": "message", "role": "assistant", "id": "message", "content": content}
    else:
        call = f"call_{len(script.results)}"
        arguments = json.dumps(step.arguments(script.results))
        item = {
            "type": "function_call",
            "id": f"item_{call}",
            "call_id": call,
            "name": known["name"],
            "arguments": arguments,
        }
        if "namespace" in known:
            item["namespace"] = known["namespace"]
    usage = {
        "input_tokens": 1,
        "input_tokens_details": None,
        "output_tokens": 1,
        "output_tokens_details": None,
        "total_tokens": 2,
    }
    response = {"id": f"response_{script.requests}"}
    return [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {**response, "usage": usage}},
    ]


def _text(content: Any) -> str:
    """What stands in the content of a tool's result, be it a text or a list of blocks."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        blocks = cast("list[dict[str, Any]]", content)
        return "\n".join(str(block.get("text", block)) for block in blocks)
    return json.dumps(content)
