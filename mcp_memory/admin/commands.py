"""The commands that look at a store, the same in a daemon and without one.

Each gives lines of text; see `console`. Their arguments are texts, for they may have come
from another process.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING

from mcp_memory.admin import output, streaming
from mcp_memory.admin.streaming import Progress
from mcp_memory.domain.requests import Query
from mcp_memory.errors import InvalidInput
from mcp_memory.storage.contract import CheckResult

if TYPE_CHECKING:
    from mcp_memory.domain.memory import Caller
    from mcp_memory.service import MemoryService
    from mcp_memory.service.adoption import Adoption

    Command = Callable[[MemoryService, Caller, Mapping[str, str], int | None], Iterator[str]]

OK, PROBLEM, REFUSED = 0, 1, 2


def run(
    name: str, arguments: Mapping[str, str], service: MemoryService, caller: Caller
) -> Iterator[str]:
    """The output of a command, line by line. Raises McpMemoryError."""
    if name not in COMMANDS:
        raise InvalidInput("command", name, f"there are {', '.join(COMMANDS)}")
    width = arguments.get("width", "")
    return COMMANDS[name](service, caller, arguments, int(width) if width else None)


def _show(
    service: MemoryService, caller: Caller, arguments: Mapping[str, str], width: int | None
) -> Iterator[str]:
    wanted = arguments.get("id", "")
    if wanted:
        return output.memory(service.get(caller, wanted), service.history(caller, wanted), width)
    found = service.recent(caller, limit=_number(arguments, "limit", 20))
    return chain(output.memories(found, width), filter(None, [service.strangers(caller)]))


def _search(
    service: MemoryService, caller: Caller, arguments: Mapping[str, str], width: int | None
) -> Iterator[str]:
    types = tuple(part for part in arguments.get("types", "").replace(",", " ").split() if part)
    explain = arguments.get("explain", "") == "True"
    query = Query(
        query=arguments.get("query", ""),
        limit=_number(arguments, "limit", 10),
        types=types,
        explain=explain,
    )
    return output.answer(service.recall(caller, query), width, explain=explain)


def _stats(
    service: MemoryService, caller: Caller, arguments: Mapping[str, str], width: int | None
) -> Iterator[str]:
    return output.values(service.stats(caller), width)


def _rebuild(
    service: MemoryService, caller: Caller, arguments: Mapping[str, str], width: int | None
) -> Iterator[str]:
    """The index made anew from the record, while others go on reading and writing."""
    yield from streaming.lines(service.rebuild, "changes and vectors")
    yield "the index was made anew from the record"


def _adopt(
    service: MemoryService, caller: Caller, arguments: Mapping[str, str], width: int | None
) -> Iterator[str]:
    """What would become the caller's of what another user remembered; with `sure`, it does."""
    planned = service.adoptable(caller, arguments.get("user", ""))
    scopes = ", ".join(f"{count} of scope {scope}" for scope, count in planned.by_scope.items())
    if not arguments.get("sure"):
        total = sum(planned.by_scope.values())
        yield f"{total} memories of {planned.user} become those of {caller.user} ({scopes})"
        return
    done: list[Adoption] = []

    def work(progress: Progress) -> None:
        done.append(service.adopt(caller, planned.user, progress))

    yield from streaming.lines(work, "memories")
    yield f"{done[0].moved} memories of {planned.user} are those of {caller.user} now"
    if done[0].kept:
        yield (
            f"{done[0].kept} stay with {planned.user}, for {caller.user} has the same, or the same"
            " key, already"
        )


def _check(
    service: MemoryService, caller: Caller, arguments: Mapping[str, str], width: int | None
) -> Iterator[str]:
    """Each finding as JSON, for the doctor."""
    said = filter(None, [service.strangers(caller)])
    findings = chain(service.check(), (CheckResult(name="user", ok=True, detail=s) for s in said))
    return (json.dumps(asdict(finding)) for finding in findings)


def _number(arguments: Mapping[str, str], name: str, default: int) -> int:
    text = arguments.get(name, "") or str(default)
    try:
        return int(text)
    except ValueError as error:
        raise InvalidInput(name, text, "expected a whole number") from error


COMMANDS: Mapping[str, Command] = {
    "show": _show,
    "search": _search,
    "stats": _stats,
    "rebuild": _rebuild,
    "check": _check,
    "adopt": _adopt,
}
