"""The echo guard: what recall itself returned, and an agent stores again, is no news.

Without it a loop that saves all it reads makes what it read once look confirmed and fresh.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from mcp_memory.domain.memory import Memory, Type
from mcp_memory.domain.statements import slot_of
from mcp_memory.domain.text import trimmed
from mcp_memory.service import policy as limits

RETURNED_MAX = 10_000
"""So many of the memories that were returned last are known to have been."""

_ID = r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{4})?[0-9a-f]{8}"
_LINE = re.compile(
    rf"(?:- )?(?P<said>.+?) \u00b7 (?:{'|'.join(Type)}) \d{{1,2}} [A-Z][a-z]{{2}} \d{{4}}"
    rf" \u00b7 (?P<id>{_ID})(?: \u00b7 [a-z ]+)?",
    re.DOTALL,
)
_AROUND = re.compile(r"</?memory [0-9a-f]{6}>.*|scope: \S+")
_NEXT = re.compile(r"\n(?=- )")
_INDENTED = re.compile(r"^[ \t]|\t", re.MULTILINE)
_PASSAGE = re.compile(r"^\u2026 | \u2026 \[passage of \d+ tokens\]$")


@dataclass(frozen=True, slots=True)
class Echo:
    """A line of a recalled block: what it says, and the id it names, or the end of one."""

    said: str
    id: str

    def repeats(self, memory: Memory) -> bool:
        """Whether this is what a revision of the memory says, or a passage of it that was cut
        out by recall.
        """
        said, marks = _PASSAGE.subn("", self.said)
        content = trimmed(memory.content)
        shown, full = _flush(said), f"{memory.key}: {content}" if memory.key else content
        if not _INDENTED.search(content):  # or its blanks say something
            shown, full = " ".join(shown.split()), " ".join(full.split())
        return bool(shown) and (shown in full if marks else shown == full)


def echoes_of(content: str) -> tuple[Echo, ...]:
    """The recalled lines that a text is made of; () if it says anything else as well."""
    lines = [line for line in content.splitlines() if not _AROUND.fullmatch(line.strip())]
    parts = [_LINE.fullmatch(part.strip()) for part in _NEXT.split("\n".join(lines).strip())]
    found = [Echo(part["said"], part["id"]) for part in parts if part]
    return tuple(found) if len(found) == len(parts) else ()


def _flush(said: str) -> str:
    """The lines of a recalled content, which stand two spaces in from the second on."""
    return trimmed(said).replace("\n  ", "\n")


def undecorated(content: str, key: str = "") -> str:
    """What a single recalled line says; any other text as it is."""
    lines = echoes_of(content)
    if len(lines) != 1:
        return content
    said = _flush(_PASSAGE.sub("", lines[0].said))
    ends = (m for m in re.finditer(": ", said[: limits.KEY_CHARS_MAX + 2]) if key)
    return next((said[m.end() :] for m in ends if slot_of(said[: m.start()]) == slot_of(key)), said)


class Returned:
    """Which memories recall returned to a user, and when last; kept by the process alone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._at: OrderedDict[tuple[str, str, str], datetime] = OrderedDict()

    def note(self, tenant: str, user: str, ids: Iterable[str], now: datetime) -> None:
        """These were returned to this user."""
        with self._lock:
            for memory_id in ids:
                self._at[tenant, user, memory_id] = now
                self._at.move_to_end((tenant, user, memory_id))
            while len(self._at) > RETURNED_MAX:
                self._at.popitem(last=False)

    def among(self, tenant: str, user: str, ids: Iterable[str], since: datetime) -> frozenset[str]:
        """Those of some memories that this user was given since then."""
        with self._lock:
            at = {i: self._at.get((tenant, user, i)) for i in ids}
        return frozenset(i for i, moment in at.items() if moment is not None and moment >= since)
