"""Which permission each request needs: one table, asked by the web door and by the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from mcp_memory.errors import InvalidInput
from mcp_memory.permissions import Permission
from mcp_memory.tools.arguments import Flag

OF_TOOLS: Mapping[str, Permission] = {
    "remember": Permission.WRITE,
    "recall": Permission.READ,
    "update": Permission.WRITE,
    "forget": Permission.WRITE,
}
"""Of each tool; `forget` with `erase` needs another."""

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

CHANGING = frozenset({Permission.WRITE, Permission.TEAM, Permission.ERASE})


def needed(method: str, params: Mapping[str, Any] | None) -> Permission | None:
    """The permission that a request needs; None for what anybody may ask.

    All that is not named here can show memories, and needs the one to read.
    """
    if method in FREE or method.startswith("notifications/"):
        return None
    if method != "tools/call":
        return Permission.READ
    given = params or {}
    name = given.get("name")
    if name == "forget" and _erases(given.get("arguments")):
        return Permission.ERASE
    return OF_TOOLS.get(name, Permission.WRITE) if isinstance(name, str) else Permission.WRITE


def deed(method: str, params: Mapping[str, Any] | None) -> str:
    """What a request would do, for an error about it."""
    if method != "tools/call":
        return f"use {method}"
    name = str((params or {}).get("name"))
    return "erase" if needed(method, params) is Permission.ERASE else f"use {name}"


def _erases(arguments: Any) -> bool:
    """Whether a forget erases, told as its own reader tells it; what cannot be read does not."""
    if not isinstance(arguments, Mapping):
        return False
    try:
        return Flag().read(cast("Mapping[str, Any]", arguments).get("erase", ""), "erase") is True
    except InvalidInput:
        return False
