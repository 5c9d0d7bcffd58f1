"""What a caller may do: the permissions (OAuth scopes) of its token, or everything."""

from __future__ import annotations

from enum import StrEnum

from mcp_memory.errors import NotPermitted


class Permission(StrEnum):
    """The permissions that a token can have. None contains another."""

    READ = "memory:read"
    """Recall, resources, prompts, completions, subscriptions."""
    WRITE = "memory:write"
    """Remember, update, forget (which can be undone)."""
    TEAM = "memory:team"
    """Change what is shared in scope tenant, beside `memory:write`."""
    ERASE = "memory:erase"
    """Erase for good."""
    ADMIN = "memory:admin"
    """Figures of the whole server."""


Permissions = frozenset[Permission]

EVERYTHING: Permissions = frozenset(Permission)


def require(granted: Permissions, needed: Permission, deed: str) -> None:
    """Raise NotPermitted unless the needed permission was granted; `deed` says for what."""
    if needed not in granted:
        raise NotPermitted(needed.value, deed)
