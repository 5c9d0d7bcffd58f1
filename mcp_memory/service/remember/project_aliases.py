"""A project that is known by several names: a memory stays where it began."""

from __future__ import annotations

from dataclasses import replace

from mcp_memory.domain.memory import Caller, Memory, Scope
from mcp_memory.service.core import IN_FORCE, Core
from mcp_memory.storage.contract import Filter


def placed(core: Core, caller: Caller, memory: Memory) -> Memory:
    """The memory under the name of the project where its text or its key is already, if any."""
    joined = caller.at(Scope.PROJECT)
    if memory.scope is not Scope.PROJECT or len(joined) < 2:
        return memory
    where = Filter(partitions=joined, now=core.clock(), statuses=IN_FORCE)
    asked = [replace(where, fingerprints=(memory.fingerprint,))]
    asked += [replace(where, key=memory.key)] if memory.key else []
    held = [found.partition for each in asked for found in core.store.select(each)]
    return memory if not held or memory.partition in held else replace(memory, partition=held[0])
