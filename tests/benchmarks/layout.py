"""The stores that are measured, and the targets that hold for each."""

from __future__ import annotations

from dataclasses import dataclass

RECALL_TARGETS = {10_000: 3.0, 100_000: 6.0}
"""By memories in one scope: the most that recall may take, in times of embedding alone."""
CROWD_RECALL_TARGET = 3.0
REMEMBER_TARGET = 3.0
BULK_TARGET = 80.0
"""The least speed of loading, in percent of what embedding alone allows."""
DISK_TARGET = 4096
"""The most bytes of disk a memory."""
RESIDENT_TARGET = 300
"""The most resident memory at 10,000, in MB of a million bytes."""
SCOPES = 1_000
"""Callers among whom the last store is dealt out."""
PROCESSES_AT = 10_000
"""The size at which the MCP proxy and the resident memory are measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """A store to measure: so many memories, dealt out over so many callers' scopes."""

    memories: int
    scopes: int = 1

    @property
    def name(self) -> str:
        """The layout as tables name it."""
        if self.scopes == 1:
            return f"{self.memories:,} in one scope"
        return f"{self.memories:,} over {self.scopes:,} scopes"

    @property
    def recall_target(self) -> float | None:
        """The most that recall may take, in times of embedding alone; None for no target."""
        return RECALL_TARGETS.get(self.memories) if self.scopes == 1 else CROWD_RECALL_TARGET

    @property
    def with_processes(self) -> bool:
        """Whether the MCP proxy and the resident memory are measured on it."""
        return self.scopes == 1 and self.memories == PROCESSES_AT
