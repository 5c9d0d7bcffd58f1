"""Prompts that a person picks: answer with memory, keep a session, merge what repeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mcp.types as types

from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Query
from mcp_memory.domain.text import fence, shown
from mcp_memory.errors import InvalidInput
from mcp_memory.tools.argument_types import Number, Text
from mcp_memory.tools.format import lines
from mcp_memory.tools.schema import Argument, Arguments

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService

_GROUPS = ("3", "5", "10")


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """One prompt; `write` gives its text, `complete` values for an argument."""

    name: str
    title: str
    description: str
    arguments: Arguments
    write: Callable[[MemoryService, Caller, dict[str, Any]], str]

    def listed(self) -> types.Prompt:
        """The prompt as a client sees it."""
        return types.Prompt(
            name=self.name,
            title=self.title,
            description=self.description,
            arguments=[
                types.PromptArgument(
                    name=member.name, description=member.description, required=member.required
                )
                for member in self.arguments.members
            ],
        )


def get(
    service: MemoryService, caller: Caller, name: str, arguments: dict[str, str] | None
) -> types.GetPromptResult:
    """One prompt, filled in. Raises InvalidInput."""
    prompt = _named(name)
    text = prompt.write(service, caller, prompt.arguments.read(arguments or {}))
    content = types.TextContent(type="text", text=text)
    message = types.PromptMessage(role="user", content=content)
    return types.GetPromptResult(description=prompt.description, messages=[message])


def complete(
    service: MemoryService, caller: Caller, name: str, argument: str, prefix: str
) -> list[str]:
    """Values for an argument of a prompt that begin with `prefix`. Raises InvalidInput."""
    prompt = _named(name)
    if argument not in {member.name for member in prompt.arguments.members}:
        raise InvalidInput("argument", argument, f"the prompt {name} has no such argument")
    if argument == "tag":
        return service.complete(caller, "tag", prefix)
    if argument == "groups":
        return [value for value in _GROUPS if value.startswith(prefix)]
    return []


def _named(name: str) -> Prompt:
    for prompt in PROMPTS:
        if prompt.name == name:
            return prompt
    known = ", ".join(prompt.name for prompt in PROMPTS)
    raise InvalidInput("name", name, f"there is no such prompt; there are {known}")


def _with_memory(service: MemoryService, caller: Caller, arguments: dict[str, Any]) -> str:
    tags = (arguments["tag"],) if arguments.get("tag") else ()
    found = service.recall(caller, Query(query=arguments["question"], tags=tags))
    known = found.context or "Nothing relevant is remembered."
    if found.abstained and found.memories:  # a hint to who asks, and nothing to answer from
        known = f"Nothing that answers it was found: {found.reason}."
    return lines(
        known,
        "",
        "Answer the question below. Use what is remembered above where it bears on the question "
        "and say so; where it does not, say that it is not remembered rather than guess.",
        f"Question: {arguments['question']}",
    )


def _remember_session(service: MemoryService, caller: Caller, arguments: dict[str, Any]) -> str:
    raw = (f"- {shown(memory.content)}" for memory in service.session(caller))
    tag = arguments.get("tag", "")
    return lines(
        fence(raw, "What this session holds already, newest last"),
        "Look back over this conversation and pick what will matter in later ones: stable "
        "preferences, facts about the user, decisions with their reasons, corrections, "
        "commitments with their dates, and how a problem was solved. Leave out one-off "
        "questions, guesses, secrets, and what can be looked up.",
        "Write each as one self-contained statement with names and dates written out, show me "
        "the list, and then store it with one call of remember.",
        f"Tag each of them '{tag}'." if tag else "",
    )


def _consolidate(service: MemoryService, caller: Caller, arguments: dict[str, Any]) -> str:
    groups = service.clusters(caller, limit=arguments.get("groups", 5))
    if not groups:
        return "There are no groups of similar memories to consolidate. Say so, and stop."
    listed: list[str] = []
    for number, group in enumerate(groups, start=1):
        listed.append(f"Group {number}")
        listed += [f"- {memory.content} · {memory.type} · {ending(memory.id)}" for memory in group]
    return lines(
        fence(listed, "Groups of similar memories, each with its id"),
        "For each group decide: do its memories say the same, or parts of one thing? Then write "
        "one statement that keeps every fact, number, name and date, and where they disagree "
        "says what holds now. Leave a group alone whose memories are merely related.",
        "Show me what you would merge. When I agree, call remember once with the new statements, "
        "each with the ids it replaces in supersedes.",
    )


_TAG = Argument(name="tag", kind=Text(), description="Only memories with this tag")

PROMPTS = (
    Prompt(
        name="with_memory",
        title="Answer with memory",
        description="Answer a question with what is remembered",
        arguments=Arguments(
            members=(
                Argument(
                    name="question",
                    kind=Text(says_all=True),
                    description="What to answer",
                    required=True,
                ),
                _TAG,
            )
        ),
        write=_with_memory,
    ),
    Prompt(
        name="remember_session",
        title="Remember this session",
        description="Pick what is worth keeping from this conversation",
        arguments=Arguments(
            members=(Argument(name="tag", kind=Text(), description="Tag for what is kept"),)
        ),
        write=_remember_session,
    ),
    Prompt(
        name="consolidate",
        title="Consolidate memories",
        description="Merge groups of similar memories",
        arguments=Arguments(
            members=(
                Argument(
                    name="groups",
                    kind=Number(low=1, high=20, whole=True),
                    description="How many groups at most, 5 if not given",
                ),
            )
        ),
        write=_consolidate,
    ),
)
