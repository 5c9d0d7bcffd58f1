"""remember: statements that will matter later."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import tzinfo
from itertools import count
from typing import TYPE_CHECKING, Any

from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import BATCH_MAX, Draft
from mcp_memory.domain.results import RememberResult, SimilarMemory
from mcp_memory.domain.text import fence, shown
from mcp_memory.tools.argument_types import Flag, Id, Number, Object, Text, Texts
from mcp_memory.tools.base import EXPLAIN, Answer, ChangedMemory, Progress, Tool
from mcp_memory.tools.choices import CONTENT_ALSO, SCOPE, TRUST, TYPE
from mcp_memory.tools.format import NOTICE, caller_line, caller_values, filled, lines, second
from mcp_memory.tools.schema import Argument, Arguments, Given, Objects

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService

DESCRIPTION = (
    "Remember what will matter in later conversations, one self-contained statement each, e.g. "
    '{"memories": [{"content": "Ana Silva prefers tea", "type": "preference"}]}. '
    "Repeats merge; what is merely similar is stored and reported for you to judge. "
    "What has one value at a time gets a key: a new value replaces the old. What makes others "
    "untrue names them in supersedes. To correct one memory, update it."
)

_MEMORY = Arguments(
    members=(
        Argument(name="content", kind=Text(says_all=True), required=True, also=CONTENT_ALSO),
        Argument(
            name="type",
            kind=TYPE,
            description="task: commitments; fact: knowledge, decisions; "
            "procedure: When …: do …; not …; episode: what happened",
            default="fact",
        ),
        Argument(
            name="key",
            kind=Text(),
            description="Slot with one value, e.g. timezone",
        ),
        Argument(
            name="scope",
            kind=SCOPE,
            description="Reach: tenant is the whole team, user all their projects; default by type",
        ),
        Argument(name="importance", kind=Number(low=0, high=1)),
        Argument(name="tags", kind=Texts(), also=("tag",)),
        Argument(name="pinned", kind=Flag(), default=False),
        Argument(
            name="trust",
            kind=TRUST,
            description="stated: by the user; observed: in a tool, document",
            default="stated",
        ),
        Argument(name="expires_at", kind=Text(), description="A day (its end), a time"),
        Argument(name="expires_in", kind=Text(), description="e.g. 30d, 2 hours"),
        Argument(name="valid_from", kind=Text(), description="When it became true"),
        Argument(name="source", kind=Text(), description="Origin, or thread#number"),
        Argument(name="metadata", kind=Object()),
        Argument(
            name="supersedes",
            kind=Texts(of=Id()),
            description="Ids this replaces, as recall shows them",
        ),
    ),
    form='{"content": "Ana Silva prefers tea", "type": "preference"}',
)


def call(
    service: MemoryService, caller: Caller, arguments: dict[str, Any], progress: Progress
) -> Answer:
    """Store each memory, in order; what cannot be is rejected, and the others go on."""
    given: list[Given] = arguments["memories"]
    drafts = [Draft(**item) for item in given if item.error is None]
    # An empty list goes on to the service, which says how many there may be.
    taken = iter(service.remember(caller, drafts, progress) if drafts or not given else ())
    numbers = count()
    results = [
        RememberResult.rejected(item.error)
        if item.error
        else _called(item, next(numbers), next(taken))
        for item in given
    ]
    similar = {s.id: s for result in results for s in result.similar}
    listed = (_similar_line(s, caller.zone) for s in similar.values())
    text = lines(
        _counted(results),
        *(_line(result) for result in results),
        fence(listed, "Similar memories; update or forget what is outdated"),
        caller_line(caller),
    )
    values = {
        "results": [_values(result) for result in results],
        **({"notice": NOTICE} if similar else {}),
        "caller": caller_values(caller),
    }
    return Answer(
        text=text,
        values=values,
        touched=tuple(_touched(results)),
        is_error=all(result.status == "rejected" for result in results),
    )


def _called(item: Given, number: int, result: RememberResult) -> RememberResult:
    """The result of draft `number`, its reason naming the argument as the caller did."""
    if result.error is None:
        return result
    field, colon, said = result.reason.partition(":")
    field = item.renamed(field.removeprefix(f"memories[{number}]."))
    return replace(result, reason=f"{field}{colon}{said}")


def _counted(results: list[RememberResult]) -> str:
    """How many went which way, where there are several."""
    counts = Counter(result.status for result in results)
    return ", ".join(f"{n} {status}" for status, n in counts.items()) if len(results) > 1 else ""


def _line(result: RememberResult) -> str:
    if result.status == "rejected":
        return f"rejected {result.reason}"
    reason = f": {result.reason}" if result.reason else ""
    gone = [ending(memory_id) for memory_id in result.replaced if memory_id != result.id]
    replaced = f", in place of {', '.join(gone)}" if gone else ""
    ends = f", expires {second(result.expires_at)}" if result.expires_at else ""
    return f"{result.status} {ending(result.id)} ({result.scope}{replaced}{ends}){reason}"


def _similar_line(similar: SimilarMemory, zone: tzinfo) -> str:
    said = f"{similar.score:.2f} {similar.updated_at.astimezone(zone):%Y-%m-%d}"
    note = " (may conflict)" if similar.may_conflict else ""
    return f"- {ending(similar.id)} {said}{note} {shown(similar.content)}"


def _values(result: RememberResult) -> dict[str, Any]:
    return filled(
        {
            "id": result.id,
            "status": result.status,
            "revision": result.revision,
            "scope": result.scope.value if result.scope else "",
            "expires_at": second(result.expires_at),
            "reason": result.reason,
            "replaced": list(result.replaced),
            "similar": [
                {
                    "id": s.id,
                    "content": s.content,
                    "score": round(s.score, 4),
                    "updated_at": second(s.updated_at),
                    "may_conflict": s.may_conflict,
                }
                for s in result.similar
            ],
        }
    )


def _touched(results: list[RememberResult]) -> list[ChangedMemory]:
    return [
        ChangedMemory(id=memory_id, partition=partition, listed=result.status != "merged")
        for result in results
        for memory_id, partition in result.touched
    ]


REMEMBER = Tool(
    name="remember",
    title="Remember",
    description=DESCRIPTION,
    arguments=Arguments(
        members=(
            Argument(
                name="memories",
                kind=Objects(arguments=_MEMORY, main="content", most=BATCH_MAX),
                required=True,
                also=("memory", "items"),
            ),
            EXPLAIN,
        ),
        form='{"memories": [{"content": "Ana Silva prefers tea"}]}',
    ),
    call=call,
    idempotent=True,
)
