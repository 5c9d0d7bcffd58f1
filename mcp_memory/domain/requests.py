"""What a caller asks for, as it was given: "" and None mean not given."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcp_memory.domain.memory import NOTHING, Json, Type

BATCH_MAX = 100
"""Drafts in one call."""
EVERYTHING = f"for everything give types: all of {', '.join(Type)}"
"""How to select all memories, in words; it stands here because tools must not load services."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A statement to remember, as the caller gave it; "" and None mean not given."""

    content: str
    type: str = ""
    key: str = ""
    scope: str = ""
    importance: float | None = None
    tags: tuple[str, ...] = ()
    pinned: bool = False
    trust: str = ""
    expires_at: str = ""
    expires_in: str = ""
    valid_from: str = ""
    source: str = ""
    metadata: Json = field(default_factory=lambda: NOTHING)
    supersedes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What to recall, as the caller gave it; "" and () mean not given.

    `limit` counts memories (1..50), `max_tokens` bounds their text.
    """

    query: str = ""
    key: str = ""
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    metadata: Json = field(default_factory=lambda: NOTHING)
    since: str = ""
    until: str = ""
    as_of: str = ""
    limit: int = 10
    max_tokens: int = 1500
    explain: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """Fields of a memory to change; None means leave as it is.

    `expires_at` takes a time, a duration, or "never". `restore_revision` brings back an
    earlier revision, forgotten memories included.
    """

    content: str | None = None
    type: str | None = None
    key: str | None = None
    scope: str | None = None
    importance: float | None = None
    tags: tuple[str, ...] | None = None
    pinned: bool | None = None
    expires_at: str | None = None
    metadata: Json | None = None
    reason: str = ""
    restore_revision: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgetRequest:
    """Which memories to forget: by ids, or by everything that matches the rest.

    `erase` removes for good. `confirm` is the token from the preview; `confirmed` is
    set by a transport whose user said yes when asked.
    """

    ids: tuple[str, ...] = ()
    query: str = ""
    key: str = ""
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    before: str = ""
    erase: bool = False
    confirm: str = ""
    confirmed: bool = False
    reason: str = ""
