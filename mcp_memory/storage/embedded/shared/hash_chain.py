"""The hash chain over the journal: what makes a lost or altered change show.

    digest(n) = sha256(salt(n) + canonical JSON of the change and its revision)
    head(n)   = sha256(head(n-1) + canonical JSON of [n, verb, memory, revision, digest])

Erasing a memory destroys its salts: the chain still verifies, for heads are made of
digests only, and the digests can no longer be guessed at.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mcp_memory.domain.memory import Change, ChangeKind, Memory
from mcp_memory.storage import codec
from mcp_memory.storage.contract import Write

GENESIS = bytes(32)
"""The head of an empty journal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A journal entry with the revision it made and its place in the chain.

    `memory` is None for an erasure and for what was erased; `salt` is b"" for the latter.
    """

    change: Change
    memory: Memory | None
    request: str
    salt: bytes
    digest: bytes
    head: bytes


def seal(request: str, writes: Sequence[Write], number: int, head: bytes) -> list[Entry]:
    """The entries that follow change `number` with its `head`."""
    entries: list[Entry] = []
    for place, write in enumerate(writes, start=number + 1):
        change = codec.journalled(write, place)
        memory = replace(write.memory, recorded_to=None)
        entries.append(entry(change, memory, request, head))
        head = entries[-1].head
    return entries


def entry(change: Change, memory: Memory | None, request: str, head: bytes) -> Entry:
    """One entry that follows `head`."""
    salt = secrets.token_bytes(16)
    digest = _digest(salt, change, memory)
    return Entry(
        change=change,
        memory=memory,
        request=request,
        salt=salt,
        digest=digest,
        head=_next(head, change, digest),
    )


def first_break(entries: Iterable[Entry], head: bytes) -> int:
    """The number of the first entry that does not follow from `head`, 0 when all do."""
    for link in entries:
        if not follows(link, head) or not is_intact(link):
            return link.change.number
        head = link.head
    return 0


def follows(link: Entry, head: bytes) -> bool:
    """Whether an entry is the one that came after `head`, whatever became of its content."""
    return link.head == _next(head, link.change, link.digest)


def is_intact(link: Entry) -> bool:
    """Whether what an entry says is what was written, or was erased."""
    if not link.salt:
        return link.memory is None
    known = link.memory is not None or link.change.verb is ChangeKind.ERASE
    return known and link.digest == _digest(link.salt, link.change, link.memory)


def without_content(link: Entry) -> Entry:
    """The entry when its content is lost: the chain still verifies, as after an erasure."""
    return replace(link, change=replace(link.change, reason=""), memory=None, salt=b"")


def moved(link: Entry, number: int, head: bytes) -> Entry:
    """The entry as change `number` after `head`, for a chain that lost a link before it."""
    change = replace(link.change, number=number)
    if link.salt:
        return entry(change, link.memory, link.request, head)
    return replace(link, change=change, head=_next(head, change, link.digest))


def _digest(salt: bytes, change: Change, memory: Memory | None) -> bytes:
    said = None if memory is None else codec.memory_document(memory)
    document = codec.canonical({"change": codec.change_document(change), "memory": said})
    return hashlib.sha256(salt + document.encode()).digest()


def _next(head: bytes, change: Change, digest: bytes) -> bytes:
    parts = [change.number, change.verb, change.memory_id, change.revision, digest.hex()]
    return hashlib.sha256(head + codec.canonical(parts).encode()).digest()
