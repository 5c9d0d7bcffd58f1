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
        ChangeKind,
        Memory,
        Partition,
        Revision,
        Scope,
        Status,
        Trace,
        Trust,
        Type,
    )
    from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
    from mcp_memory.domain.results import (
        EraseReceipt,
        ForgetResult,
        RecallHit,
        RecallResult,
        RememberResult,
        SimilarMemory,
        UpdateResult,
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

__version__ = "0.2.0"

__all__ = [
    "Caller",
    "Change",
    "ChangeKind",
    "ConfirmationInvalid",
    "Context",
    "Draft",
    "EraseReceipt",
    "ForgetRequest",
    "ForgetResult",
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
    "RecallHit",
    "RecallResult",
    "RememberResult",
    "Revision",
    "Scope",
    "ScopeMissing",
    "SettingsInvalid",
    "ShuttingDown",
    "SimilarMemory",
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
    "UpdateResult",
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
