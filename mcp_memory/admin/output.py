"""What the command line shows, as lines of text.

With a `width` (a terminal's columns) for people, without one as tab-separated lines.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from mcp_memory.domain.memory import Memory, Revision, Status
from mcp_memory.domain.results import RecallResult
from mcp_memory.storage.contract import CheckResult

if TYPE_CHECKING:
    from mcp_memory.auth.token_file import Token

INDENT = "  "
WIDTH_MAX = 100
_NONE = "-"
_KEPT = "\t\u200c\u200d"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def legible(line: str) -> str:
    """A line as it may go to a terminal: what could steer it, or hide, is spelt out.

    Control characters, with them escapes, marks of direction, what has no width, other ends
    of lines, halves of surrogate pairs. Tabs stay, and the joiners that scripts and emoji need.
    """
    return "".join(c if c.isprintable() or _is_harmless(c) else _spelt(c) for c in line)


def _is_harmless(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in _UNSEEN


def _spelt(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"


def memories(found: Sequence[Memory], width: int | None) -> Iterator[str]:
    """Each memory: its id, when it was recorded, what it is, and its text."""
    if not found:
        yield "no memories yet"
    for memory in found:
        yield from _entry(_heading(memory), memory.content, width)


def answer(recall: RecallResult, width: int | None, *, explain: bool) -> Iterator[str]:
    """What a search found, best first, and what it has to say about itself."""
    for recalled in recall.memories:
        heading = [f"{recalled.score:.2f}", *_heading(recalled.memory)]
        parts = ", ".join(f"{name} {value:.3f}" for name, value in recalled.parts.items())
        why = f"= {recalled.why} ({parts})" if explain else ""
        yield from _entry(heading, recalled.memory.content, width, note=why)
    if not recall.memories:
        yield "nothing relevant is remembered"
    if recall.omitted:
        yield f"{recall.omitted} more did not fit"
    if recall.degraded:
        yield f"searched by words only: {recall.reason}"
    if explain:
        searched = ", ".join(f"{p.scope} {p.name or p.user or p.tenant}" for p in recall.searched)
        yield f"{recall.mode} search of {searched}"
        yield f"trace {recall.trace_id}"


def memory(current: Memory, revisions: Sequence[Revision], width: int | None) -> Iterator[str]:
    """One memory in full, and each revision with who made it and why."""
    yield from _entry(_heading(current), current.content, width)
    yield from values(_details(current), width)
    if width is not None:
        yield ""
    for revision in revisions:
        change = revision.change
        heading = [
            f"revision {revision.memory.revision}",
            _day(change.at),
            str(change.verb),
            f"by {change.user}" + (f" with {change.client}" if change.client else ""),
        ]
        why = f"= {change.reason}" if change.reason else ""
        yield from _entry(heading, revision.memory.content, width, note=why)


def values(found: Mapping[str, Any], width: int | None) -> Iterator[str]:
    """Names and values; nested names are joined with a dot."""
    flat = dict(_flat(found, ""))
    longest = max(map(len, flat), default=0)
    for name, value in flat.items():
        if width is None:
            yield f"{name}\t{_one_line(value) or _NONE}"
        else:
            yield f"{name:<{longest}}{INDENT}{value or _NONE}"


def findings(found: Iterable[CheckResult], width: int | None) -> Iterator[str]:
    """Each finding with its mark, ok or BAD, and what to do about a bad one."""
    for finding in found:
        mark, advice = ("ok", "") if finding.ok else ("BAD", finding.advice)
        if width is None:
            columns = (mark, finding.name, finding.detail, advice)
            yield "\t".join(map(_one_line, columns)).rstrip("\t")
            continue
        yield from textwrap.wrap(
            f"{mark:<3} {finding.name:<10} {finding.detail}",
            width,
            subsequent_indent=" " * 15,
            break_on_hyphens=False,
        )
        if advice:
            yield from _wrapped(advice, width, indent=" " * 12 + "-> ")


def tokens(found: Iterable[Token], width: int | None) -> Iterator[str]:
    """Each token: its id, whose it is, what it permits, until when, and its note."""
    for token in found:
        permissions = ",".join(permission.partition(":")[2] for permission in token.permissions)
        ends = token.expires_at or "never"
        columns = [token.id, f"{token.tenant}/{token.user}", permissions, ends, token.note]
        yield (INDENT if width else "\t").join(columns).rstrip()


def _heading(memory: Memory) -> list[str]:
    marks = (
        f"key={memory.key}" if memory.key else "",
        "pinned" if memory.pinned else "",
        "" if memory.status is Status.ACTIVE else str(memory.status),
    )
    return [
        memory.id,
        _day(memory.recorded_at),
        str(memory.type),
        str(memory.scope),
        " ".join(mark for mark in marks if mark),
    ]


def _details(memory: Memory) -> dict[str, Any]:
    return {
        "importance": memory.importance,
        "trust": str(memory.trust),
        "tags": ", ".join(memory.tags) or _NONE,
        "source": memory.source or _NONE,
        "valid": f"{_day(memory.valid_from)} to {_day(memory.valid_to)}",
        "expires": _day(memory.expires_at),
        "evidence": memory.evidence,
        "metadata": dict(memory.metadata),
    }


def _entry(heading: Sequence[str], text: str, width: int | None, note: str = "") -> Iterator[str]:
    if width is None:
        yield "\t".join([*heading, _one_line(text), *([note] if note else [])])
        return
    yield INDENT.join(heading).rstrip()
    for line in [*text.splitlines(), note]:
        yield from _wrapped(line, width, indent=INDENT)
    yield ""


def _wrapped(text: str, width: int, *, indent: str) -> list[str]:
    rest = " " * len(indent)
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=rest)


def _flat(found: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from _flat(cast("Mapping[str, Any]", value), f"{prefix}{name}.")
        else:
            yield (
                f"{prefix}{name}",
                "yes" if value is True else "no" if value is False else f"{value}",
            )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _day(at: datetime | None) -> str:
    """A time as its local date and minute; "-" for none."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M") if at else _NONE
