"""Which permission each request needs: one table, asked by the HTTP server and by the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_memory.domain.memory import Scope
from mcp_memory.domain.permissions import Permission
from mcp_memory.errors import InvalidInput
from mcp_memory.tools.base import Tool
from mcp_memory.tools.forget import FORGET
from mcp_memory.tools.remember import REMEMBER
from mcp_memory.tools.update import UPDATE

OF_TOOLS: Mapping[str, Permission] = {
    "remember": Permission.WRITE,
    "recall": Permission.READ,
    "update": Permission.WRITE,
    "forget": Permission.WRITE,
}
"""Of each tool; what erases needs another, and what names scope tenant one more."""

FREE = frozenset(
    {
        "initialize",
        "ping",
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/templates/list",
        "logging/setLevel",
        "resources/unsubscribe",
    }
)
"""What is the same for everybody, and shows no memory."""

SHARING = "change what is shared in scope tenant"
CHANGING = frozenset({Permission.WRITE, Permission.TEAM, Permission.ERASE})


def needed(method: str, params: Mapping[str, Any] | None) -> tuple[Permission, ...]:
    """The permissions that a request needs; none for what anybody may ask.

    All that is not named here can show memories, and needs the one to read. That a memory
    named by its id is shared is known only once it was found: what changes it looks again.
    """
    if method in FREE or method.startswith("notifications/"):
        return ()
    if method != "tools/call":
        return (Permission.READ,)
    given = params or {}
    name, arguments = given.get("name"), given.get("arguments")
    if name == "forget" and _erases(arguments):
        return (Permission.ERASE,)
    least = OF_TOOLS.get(name, Permission.WRITE) if isinstance(name, str) else Permission.WRITE
    return (least, Permission.TEAM) if _shares(name, arguments) else (least,)


def deed(method: str, params: Mapping[str, Any] | None, lacking: Permission) -> str:
    """What a request would do that needs this permission, for an error about it."""
    if lacking is Permission.TEAM:
        return SHARING
    if method != "tools/call":
        return f"use {method}"
    return "erase" if lacking is Permission.ERASE else f"use {(params or {}).get('name')}"


def _shares(name: Any, arguments: Any) -> bool:
    """Whether a call names scope tenant."""
    if name == UPDATE.name:
        return _read(UPDATE, arguments).get("scope") == Scope.TENANT
    drafts = _read(REMEMBER, arguments).get("memories", ()) if name == REMEMBER.name else ()
    return any(draft.get("scope") == Scope.TENANT for draft in drafts)


def _erases(arguments: Any) -> bool:
    """Whether a forget erases."""
    return _read(FORGET, arguments).get("erase", False)


def _read(tool: Tool, arguments: Any) -> Mapping[str, Any]:
    """The arguments as the tool reads them; nothing where it will say what is wrong with them."""
    try:
        return tool.arguments.read(arguments)
    except (InvalidInput, RecursionError):
        return {}
