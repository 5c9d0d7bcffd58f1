"""Every error that mcp-memory raises.

    McpMemoryError
    ├── InvalidInput          a field of the request cannot be accepted
    ├── NotFound              nothing with that id in the caller's scope
    ├── ScopeMissing          a scope was asked for that the caller has no part in
    ├── NotPermitted          the caller's token lacks a permission that is needed
    ├── ConfirmationInvalid   a confirm token is wrong, old, or for another set
    ├── SettingsInvalid       the configuration cannot be used
    ├── ModelUnavailable      the embedding model cannot be loaded
    ├── Overloaded            more of one client's requests wait than are kept
    ├── ShuttingDown          the server ends, and has not done this
    └── StoreError            the store could not do what was asked
        ├── StoreLocked       another process owns the store
        ├── StoreFull         no room on the disk
        ├── StoreDamaged      a file is damaged beyond what could be repaired
        ├── StoreTooNew       written by a newer version of mcp-memory
        ├── MigrationFailed   the schema could not be brought up to date
        ├── WriteConflict     someone else changed the same memory first
        ├── StoreGone         its folder was removed, moved, or taken by another process
        └── StoreClosed       the store was closed

Each message says what happened, with which value, and what to do next. It is written
for a language model and a person alike, so it contains no Python.
"""

from __future__ import annotations

import json


class McpMemoryError(Exception):
    """Base of every error that mcp-memory raises on purpose."""


class InvalidInput(McpMemoryError):
    """A field of the request cannot be accepted; nothing was stored or changed."""

    def __init__(self, field: str, value: object, expected: str) -> None:
        self.field = field
        self.value = value
        self.expected = expected
        super().__init__(f"{field}: got {_shown(value)}; {expected}")


class NotFound(McpMemoryError):
    """Nothing with that id exists in the caller's scope."""

    def __init__(self, noun: str, identifier: str) -> None:
        self.identifier = identifier
        super().__init__(
            f"no {noun} {_shown(identifier)} in your scope; use recall to find the right id"
        )


class ScopeMissing(McpMemoryError):
    """A scope was asked for that the caller has no part in."""


class NotPermitted(McpMemoryError):
    """The caller's token does not permit this; nothing was done."""

    def __init__(self, needed: str, deed: str) -> None:
        self.needed = needed
        super().__init__(
            f"the access token lacks the permission {needed}, which is needed to {deed}; nothing"
            " was done. Ask whoever issues the tokens for it"
        )


class ConfirmationInvalid(McpMemoryError):
    """A confirm token is wrong, too old, or made for a different set of memories."""


class SettingsInvalid(McpMemoryError):
    """The configuration cannot be used."""


class ModelUnavailable(McpMemoryError):
    """The embedding model cannot be loaded; text search still works."""


class Overloaded(McpMemoryError):
    """More of one client's requests wait than are kept; this one was not begun."""


class ShuttingDown(McpMemoryError):
    """The server ends; this was not done, and nothing of it was stored."""

    def __init__(self) -> None:
        super().__init__(
            "the server is shutting down, so this was not done and nothing was stored; ask again"
            " once it is back"
        )


class StoreError(McpMemoryError):
    """The store could not do what was asked."""


class StoreLocked(StoreError):
    """Another process owns the store."""


class StoreFull(StoreError):
    """There is no room on the disk; what was acknowledged before is safe."""


class StoreDamaged(StoreError):
    """A file is damaged beyond what could be repaired."""


class StoreTooNew(StoreError):
    """The store was written by a newer version of mcp-memory."""


class MigrationFailed(StoreError):
    """The schema could not be brought up to date; the data is as it was."""


class WriteConflict(StoreError):
    """Someone else changed the same memory, key or text first; read again and retry."""


class StoreGone(StoreError):
    """The store's folder was removed, moved, or taken by another process while it was open."""


class StoreClosed(StoreError):
    """The store was closed."""


def _shown(value: object, chars_max: int = 80) -> str:
    """The value as a person would write it, cut to `chars_max` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(c if c.isprintable() else "�" for c in text[: chars_max + 1])
    if len(text) > chars_max:
        text = text[:chars_max] + "…"
    return f"'{text}'" if isinstance(value, str) else text
