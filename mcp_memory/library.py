"""Use the memory from Python, without a server.

from mcp_memory import open_memory

with open_memory("~/agent-memory") as memory:
    memory.remember("Anna prefers meetings before noon", type="preference")
    print(memory.recall("when does Anna like to meet?").context)
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_memory.model import Scope
from mcp_memory.requests import Draft, Patch, Query, Selection
from mcp_memory.results import Forgotten, Recall, Remembered, Updated
from mcp_memory.service import MemoryService


class LocalMemory:
    """A memory service bound to one caller. Fields are those of Draft, Query, Patch, Selection."""

    def __init__(self, service: MemoryService, scope: Scope) -> None:
        self.service = service
        self.scope = scope

    def remember(self, content: str, **fields: Any) -> Remembered:
        """Store one statement."""
        return self.remember_all([Draft(content=content, **fields)])[0]

    def remember_all(self, drafts: Sequence[Draft]) -> list[Remembered]:
        """Store several statements, all or none."""
        return self.service.remember(self.scope, drafts)

    def recall(self, query: str = "", **fields: Any) -> Recall:
        """The memories that answer a query."""
        return self.service.recall(self.scope, Query(query=query, **fields))

    def update(self, memory_id: str, **fields: Any) -> Updated:
        """A new revision of one memory."""
        return self.service.update(self.scope, memory_id, Patch(**fields))

    def forget(self, *ids: str, **fields: Any) -> Forgotten:
        """Hide memories, or preview and then erase them."""
        return self.service.forget(self.scope, Selection(ids=ids, **fields))


@contextmanager
def open_memory(
    home: str | Path | None = None, *, user: str = "", project: str = "", agent: str = "python"
) -> Generator[LocalMemory]:
    """Open the store in `home` (default: where the server keeps it) for one caller.

    Without `user` the operating system's user is meant; without `project` the working
    directory's. Raises StoreLocked while a server or another process has the store open.
    """
    from mcp_memory import settings
    from mcp_memory.application import open_service
    from mcp_memory.scope import local_signals, resolve

    given = settings.load(home=Path(home).expanduser() if home is not None else None)
    given = replace(given, user=user or given.user, project=project or given.project)
    scope = replace(resolve(local_signals(given)), agent=agent, client="mcp-memory library")
    with closing(open_service(given, in_step=False)) as service:
        service.start()
        yield LocalMemory(service, scope)
