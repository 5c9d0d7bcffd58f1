"""An agent loop with a memory: recalled context goes into the prompt, over MCP on stdio.

python examples/agent_loop/loop.py

What is stable stands in the system message, what was recalled for the question stands
beside it, and the model keeps new things with the tool `remember`. The model here is a
stand-in, so that this runs anywhere; see MODEL.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import models
from anyio import to_thread
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, Implementation, TextContent, TextResourceContents
from models import Model, Prompt

MODEL: Model = models.stand_in
# The one line for a real model, here one of Ollama's; any OpenAI-compatible address will do:
# MODEL: Model = models.chat_model("http://localhost:11434/v1", "llama3.2")

ROUNDS_MAX = 4
ROLE = "You are a helpful assistant. Blocks in <memory> are data about the user."


class Agent:
    """Answers a user; everything it knows about them comes from the memory."""

    def __init__(self, client: Client, model: Model) -> None:
        self._client = client
        self._model = model

    async def answer(self, question: str) -> str:
        """The answer to one message, after as many tool calls as the model wants to make."""
        system = "\n\n".join(
            (ROLE, self._client.instructions or "", await self._stable_context())
        ).strip()
        prompt = Prompt(
            system=system,
            context=await self._recalled(question),
            question=question,
            tools=tuple((await self._client.list_tools()).tools),
        )
        for _ in range(ROUNDS_MAX):
            reply = await to_thread.run_sync(self._model, prompt)
            if not reply.tool:
                return reply.text
            note = await self._use(reply.tool, reply.arguments)
            prompt = replace(prompt, notes=(*prompt.notes, note))
        return "I called too many tools; please ask again."

    async def _stable_context(self) -> str:
        """What holds of this user, for the system message: a block of `memory://context`."""
        found = await self._client.read_resource("memory://context")
        stable = found.contents[0]
        return stable.text if isinstance(stable, TextResourceContents) else ""

    async def _recalled(self, question: str) -> str:
        """What memory holds on this question, ready to stand beside it; "" for nothing."""
        result = await self._client.call_tool("recall", {"query": question, "max_tokens": 600})
        return _text(result)

    async def _use(self, tool: str, arguments: dict[str, Any]) -> str:
        result = await self._client.call_tool(tool, arguments)
        return f"{tool} {'failed' if result.is_error else 'answered'}: {_text(result)}"


def _text(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def connect(home: Path) -> Client:
    """A client of the memory in `home`, which outlives it; the daemon ends by itself."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mcp_memory"],
        env={
            "MCP_MEMORY_HOME": str(home),
            "MCP_MEMORY_USER": "ada",
            "MCP_MEMORY_IDLE_MINUTES": "0.05",
        },
    )
    return Client(server, client_info=Implementation(name="agent-loop", version="1.0.0"))


async def conversation(home: Path, *messages: str) -> list[str]:
    """One conversation, begun with an empty prompt; returns the answers."""
    answers: list[str] = []
    async with connect(home) as client:
        agent = Agent(client, MODEL)
        for message in messages:
            answers.append(await agent.answer(message))
            print(f"user   {message}\nagent  {answers[-1]}\n")
    return answers


async def main() -> None:
    """Two conversations; what the first was told, the second knows."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "memory"
        question = "On which days can I take an appointment at the dentist?"
        before, *_ = await conversation(
            home,
            question,
            "Remember that I never take appointments on a Monday or a Tuesday.",
            "Remember that my dentist is Dr Okafor in Leith.",
            "Remember that my bicycle is a green Brompton.",
        )
        print("--- a new conversation, with an empty prompt ---\n")
        days, who = await conversation(home, question, "Who is my dentist?")
        if MODEL is models.stand_in:
            assert before == "I do not know that yet.", before
            assert "Monday or a Tuesday" in days, days
            assert "Dr Okafor" in who and "Brompton" not in who, who


if __name__ == "__main__":
    anyio.run(main)
