"""forget: hide memories, or erase them for good."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import EVERYTHING, ForgetRequest
from mcp_memory.domain.results import EraseReceipt, ForgetResult
from mcp_memory.domain.text import fence, shown
from mcp_memory.tools.argument_types import Flag, Id, Text, Texts
from mcp_memory.tools.base import EXPLAIN, Answer, ChangedMemory, Progress, Tool
from mcp_memory.tools.choices import TYPE
from mcp_memory.tools.format import (
    NOTICE,
    caller_line,
    caller_values,
    explained,
    filled,
    lines,
    plain,
)
from mcp_memory.tools.schema import Argument, Arguments

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService

_ALL_NAMES = (
    "all",
    "everything",
    "all_memories",
    "delete_all",
    "forget_all",
    "clear",
    "wipe",
    "any",
)
DESCRIPTION = (
    "Forget memories: by ids at once, undone by update. By anything wider, or with erase "
    "(gone for good), first a preview with a confirm token; repeat the call with it."
)


def call(
    service: MemoryService, caller: Caller, arguments: dict[str, Any], progress: Progress
) -> Answer:
    """Forget what is selected, or show what would be."""
    return answer(caller, service.forget(caller, selection_of(arguments)))


def selection_of(arguments: dict[str, Any]) -> ForgetRequest:
    """What the arguments select."""
    return ForgetRequest(**{n: value for n, value in arguments.items() if n != EXPLAIN.name})


def answer(caller: Caller, found: ForgetResult, note: str = "") -> Answer:
    """What a forget did or would do; `note` takes the place of the advice to confirm."""
    listed = (f"- {ending(memory.id)} {shown(memory.content)}" for memory in found.memories)
    text = lines(
        note or advice(found),
        fence(listed, f"{len(found.memories)} of {found.total} memories"),
        _receipt_line(found.receipt) if found.receipt else "",
        _quoted_line(found.receipt) if found.receipt else "",
        caller_line(caller),
    )
    values = {
        "done": found.done,
        "erased": found.erased,
        "would_erase": found.would_erase,
        "total": found.total,
        "memories": [explained(memory) for memory in found.memories],
        **filled(
            {
                "note": note,
                "confirm": found.confirm,
                "receipt": plain(asdict(found.receipt)) if found.receipt else None,
                "still_quoted": _quoted_line(found.receipt) if found.receipt else "",
                "notice": NOTICE if found.memories else "",
            }
        ),
        "caller": caller_values(caller),
    }
    return Answer(text=text, values=values, touched=_touched(found))


def advice(found: ForgetResult) -> str:
    """What was done and how to undo it, or what to do next."""
    if found.erased:
        return f"erased for good: {found.total}"
    if found.done:
        return f"forgotten: {found.total}{_undo(found)}"
    if not found.total:
        return "nothing matches, so there is nothing to forget"
    verb = "erased" if found.would_erase else "forgotten"
    part = " To take a part, give its ids." if found.total > 1 else ""
    return (
        f"nothing is {verb} yet: {found.total} would be.{part} To do it, call forget again with "
        f"the same arguments and confirm={found.confirm}"
    )


def _undo(found: ForgetResult) -> str:
    """How to bring back what was forgotten, of which the revision before is listed."""
    revisions = {memory.revision for memory in found.memories}
    if len(revisions) != 1 or found.total != len(found.memories):
        return "; update with an id and restore_revision undoes it"
    return f"; to undo, update each id with restore_revision={revisions.pop()}"


def _receipt_line(receipt: EraseReceipt) -> str:
    return (
        f"receipt: {receipt.revisions} revisions, {receipt.journal_entries} journal entries, "
        f"{receipt.traces} traces, {receipt.index_entries} index entries and "
        f"{receipt.vectors} vectors removed; rewritten: {', '.join(receipt.files) or 'no file'}"
    )


def _quoted_line(receipt: EraseReceipt) -> str:
    """Which other memories tell of what was erased in their histories, and what to do."""
    if not receipt.quoted:
        return ""
    named = [ending(memory_id) for memory_id in receipt.quoted_by]
    if receipt.quoted > len(named):
        named.append(f"{receipt.quoted - len(named)} more")
    noun = "other memory quotes" if receipt.quoted == 1 else "other memories quote"
    return (
        f"{receipt.quoted} {noun} it in a reason that was given for a change, and a reason goes"
        f" only with its memory: {', '.join(named)}. To remove it, erase them too; then remember"
        " anew what is to stay"
    )


def _touched(found: ForgetResult) -> tuple[ChangedMemory, ...]:
    return tuple(ChangedMemory(id=i, partition=p, listed=True) for i, p in found.touched)


FORGET = Tool(
    name="forget",
    title="Forget",
    hint="delete, remove or erase memories",
    description=DESCRIPTION,
    arguments=Arguments(
        members=(
            Argument(
                name="ids",
                kind=Texts(of=Id()),
                description="As recall shows them",
                also=("id", "memory_id", "memory_ids"),
            ),
            Argument(
                name="query",
                kind=Text(says_all=True),
                description="All that is relevant to it",
                also=("q", "text"),
            ),
            Argument(name="key", kind=Text()),
            Argument(name="types", kind=Texts(of=TYPE), also=("type",)),
            Argument(name="tags", kind=Texts(), also=("tag",)),
            Argument(name="before", kind=Text(), description="Last changed before: a date, 7d"),
            Argument(name="erase", kind=Flag(), default=False),
            Argument(name="confirm", kind=Text(), description="Token of the preview"),
            EXPLAIN,
        ),
        instead=dict.fromkeys(_ALL_NAMES, EVERYTHING),
    ),
    call=call,
    destructive=True,
    idempotent=True,
)
