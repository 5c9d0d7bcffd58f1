"""Use the memory from Python, without a server.

from mcp_memory import open_memory

with open_memory("~/agent-memory") as memory:
    memory.remember("Anna prefers meetings before noon", type="preference")
    print(memory.recall("when does Anna like to meet?").context)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
from mcp_memory.domain.results import ForgetResult, RecallResult, RememberResult, UpdateResult
from mcp_memory.errors import InvalidInput
from mcp_memory.service import MemoryService

_Request = TypeVar("_Request", Draft, Query, Patch, ForgetRequest)


class LocalMemory:
    """A memory service bound to one caller. Fields are those of Draft, Query, Patch, Selection."""

    def __init__(self, service: MemoryService, caller: Caller) -> None:
        self.service = service
        self.caller = caller

    def remember(self, content: str, **fields: Any) -> RememberResult:
        """Store one statement. Raises InvalidInput, ScopeMissing, NotFound."""
        (result,) = self.remember_all([_made(Draft, content=content, **fields)])
        if isinstance(result.error, InvalidInput):
            error = result.error
            raise InvalidInput(
                error.field.removeprefix("memories[0]."), error.value, error.expected
            )
        if result.error is not None:
            raise result.error
        return result

    def remember_all(self, drafts: Sequence[Draft]) -> list[RememberResult]:
        """Store several statements; one that cannot be comes back as "rejected", with its error."""
        return self.service.remember(self.caller, drafts)

    def recall(self, query: str = "", **fields: Any) -> RecallResult:
        """The memories that answer a query."""
        return self.service.recall(self.caller, _made(Query, query=query, **fields))

    def update(self, memory_id: str, **fields: Any) -> UpdateResult:
        """A new revision of one memory."""
        return self.service.update(self.caller, memory_id, _made(Patch, **fields))

    def forget(self, *ids: str, **fields: Any) -> ForgetResult:
        """Hide memories, or preview and then erase them."""
        return self.service.forget(self.caller, _made(ForgetRequest, ids=ids, **fields))


def _made(request: type[_Request], **given: Any) -> _Request:
    """A request of these fields. Raises InvalidInput for a name that it does not have."""
    known = [field.name for field in dataclasses.fields(request)]
    for name, value in given.items():
        if name not in known:
            raise InvalidInput(name, value, f"there is no such field; there are {', '.join(known)}")
    return request(**given)


@contextmanager
def open_memory(
    home: str | Path | None = None, *, user: str = "", project: str = "", agent: str = "python"
) -> Generator[LocalMemory]:
    """Open the store in `home` (default: where the server keeps it) for one caller.

    Without `user` the operating system's user is meant; without `project` the working
    directory's. Raises StoreLocked while a server or another process has the store open.
    """
    from mcp_memory.config import settings
    from mcp_memory.identity.resolver import local_signals, resolve
    from mcp_memory.runtime import open_service

    given = settings.load(home=Path(home).expanduser() if home is not None else None)
    given = given.model_copy(
        update={"user": user or given.user, "project": project or given.project}
    )
    caller = replace(resolve(local_signals(given)), agent=agent, client="mcp-memory library")
    with closing(open_service(given, in_step=False)) as service:
        service.start()
        yield LocalMemory(service, caller)
