"""One memory that every agent of a person or a team shares.

    from mcp_memory import Draft, Query, open_memory

Every name below is looked up when it is first used, so that importing the package stays
cheap: no database, model or protocol library is loaded.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; the module typing takes long to import
if TYPE_CHECKING:
    from mcp_memory.domain.memory import (
        Caller,
        Change,
        Memory,
        Partition,
        Revision,
        Scope,
        Status,
        Trace,
        Trust,
        Type,
        Verb,
    )
    from mcp_memory.domain.requests import Draft, Patch, Query, Selection
    from mcp_memory.domain.results import (
        Erasure,
        Forgotten,
        Recall,
        Recalled,
        Remembered,
        Similar,
        Updated,
    )
    from mcp_memory.errors import (
        ConfirmationInvalid,
        InvalidInput,
        McpMemoryError,
        MigrationFailed,
        ModelUnavailable,
        NotFound,
        NotPermitted,
        Overloaded,
        ScopeMissing,
        SettingsInvalid,
        ShuttingDown,
        StoreClosed,
        StoreDamaged,
        StoreError,
        StoreFull,
        StoreGone,
        StoreLocked,
        StoreTooNew,
        WriteConflict,
    )
    from mcp_memory.library import LocalMemory, open_memory
    from mcp_memory.service import Context, MemoryService, Policy

__version__ = "0.1.0"

__all__ = [
    "Caller",
    "Change",
    "ConfirmationInvalid",
    "Context",
    "Draft",
    "Erasure",
    "Forgotten",
    "InvalidInput",
    "LocalMemory",
    "McpMemoryError",
    "Memory",
    "MemoryService",
    "MigrationFailed",
    "ModelUnavailable",
    "NotFound",
    "NotPermitted",
    "Overloaded",
    "Partition",
    "Patch",
    "Policy",
    "Query",
    "Recall",
    "Recalled",
    "Remembered",
    "Revision",
    "Scope",
    "ScopeMissing",
    "Selection",
    "SettingsInvalid",
    "ShuttingDown",
    "Similar",
    "Status",
    "StoreClosed",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreGone",
    "StoreLocked",
    "StoreTooNew",
    "Trace",
    "Trust",
    "Type",
    "Updated",
    "Verb",
    "WriteConflict",
    "__version__",
    "open_memory",
]

_MODULES = (
    "errors",
    "domain.memory",
    "domain.requests",
    "domain.results",
    "service",
    "library",
)
"""Where the names come from, lightest first."""


def __getattr__(name: str) -> object:
    if name in __all__:
        from importlib import import_module

        for module in _MODULES:
            found = getattr(import_module(f"{__name__}.{module}"), name, None)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
