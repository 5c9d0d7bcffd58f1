"""Which permission each request needs: one table, asked by the web door and by the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from mcp_memory.errors import InvalidInput
from mcp_memory.model import Level
from mcp_memory.permissions import Permission
from mcp_memory.tools.arguments import Flag, check
from mcp_memory.tools.remember import REMEMBER
from mcp_memory.tools.update import UPDATE

OF_TOOLS: Mapping[str, Permission] = {
    "remember": Permission.WRITE,
    "recall": Permission.READ,
    "update": Permission.WRITE,
    "forget": Permission.WRITE,
}
"""Of each tool; what erases needs another, and what names level tenant one more."""

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

SHARING = "change what is shared at level tenant"
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
    """Whether a call names level tenant, told as its tool tells it."""
    if name not in (REMEMBER.name, UPDATE.name) or not isinstance(arguments, Mapping):
        return False
    given = cast("Mapping[str, Any]", arguments)
    try:
        check(given)
        if name == UPDATE.name:
            return UPDATE.arguments.read(given).get("level") == Level.TENANT
        drafts = REMEMBER.arguments.read(given)["memories"]
        return any(draft.get("level") == Level.TENANT for draft in drafts)
    except (InvalidInput, RecursionError):  # the tool will say what is wrong with it
        return False


def _erases(arguments: Any) -> bool:
    """Whether a forget erases, told as its own reader tells it; what cannot be read does not."""
    if not isinstance(arguments, Mapping):
        return False
    try:
        return Flag().read(cast("Mapping[str, Any]", arguments).get("erase", ""), "erase") is True
    except InvalidInput:
        return False
