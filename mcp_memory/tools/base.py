"""What a tool gives back: a text for the model and, where asked to explain, typed values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_memory.domain.memory import Caller, Partition
from mcp_memory.tools.argument_types import Flag
from mcp_memory.tools.schema import Argument, Arguments

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService

Progress = Callable[[int, int], None]
"""Called with how much of how much is done; what it raises stops the work."""

EXPLAIN = Argument(name="explain", kind=Flag(), description="Typed fields too", default=False)
"""What every tool takes: whether the answer is wanted as structured content as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedMemory:
    """A memory that a call changed, for those who watch it; `listed` if it came or went."""

    id: str
    partition: Partition
    listed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer of a tool: a text that stands alone, and the same with all fields.

    A client that is given both hands its model the fields and not the text, as a rule; so
    the fields are only for those who asked for them. `is_error`: nothing of what was asked
    could be done.
    """

    text: str
    values: dict[str, Any]
    touched: tuple[ChangedMemory, ...] = ()
    is_error: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """One verb: what the model sees of it, and what is called.

    `call` takes what `arguments` read, and a progress to report to where it may take long.
    `hint` is for clients that show a model no more than names until it searches for a tool;
    one without is always to be shown. The other hints are those of MCP's tool annotations.
    """

    name: str
    title: str
    description: str
    arguments: Arguments
    call: Callable[[MemoryService, Caller, dict[str, Any], Progress], Answer]
    hint: str = ""
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
