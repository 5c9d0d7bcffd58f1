"""The words of the model as kinds of arguments, each with what else is said for it.

A synonym never widens how far a memory reaches: the team's scope is meant by its name alone.
"""

from __future__ import annotations

from types import MappingProxyType

from mcp_memory.domain.memory import Scope, Trust, Type
from mcp_memory.tools.argument_types import Word

_TYPES = {
    "note": "fact",
    "memory": "fact",
    "memorie": "fact",  # without its plural's end
    "info": "fact",
    "information": "fact",
    "knowledge": "fact",
    "semantic": "fact",
    "decision": "fact",
    "procedural": "procedure",
    "instruction": "procedure",
    "howto": "procedure",
    "how-to": "procedure",
    "playbook": "procedure",
    "recipe": "procedure",
    "skill": "procedure",
    "workflow": "procedure",
    "event": "episode",
    "episodic": "episode",
    "todo": "task",
}
_SCOPES = {
    "global": "user",
    "personal": "user",
    "private": "user",
    "repo": "project",
    "repository": "project",
    "workspace": "project",
    "conversation": "session",
    "chat": "session",
    "thread": "session",
}
_ALL = (
    "if everybody of the team is to see it, say tenant; user is for all of this user's projects"
    " and agents"
)
_UNCLEAR = (
    *("team", "group", "organisation", "organization", "org", "company", "workgroup"),
    *("shared", "public", "everyone", "everybody", "all", "any", "world"),
)

TYPE = Word(allowed=tuple(Type), also=MappingProxyType(_TYPES))
SCOPE = Word(
    allowed=tuple(Scope),
    also=MappingProxyType(_SCOPES),
    unclear=MappingProxyType(dict.fromkeys(_UNCLEAR, _ALL)),
)
TRUST = Word(allowed=tuple(Trust))

CONTENT_ALSO = ("text", "memory", "statement", "fact", "note", "value")
"""Other names of a memory's content."""
