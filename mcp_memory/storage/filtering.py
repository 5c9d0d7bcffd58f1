"""What a filter, a sort order and a text query mean, as pure functions over memories.

The in-memory store is made of these; other stores must agree with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from mcp_memory.domain import text
from mcp_memory.domain.conversation import Place, place_of
from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Memory, Partition, Scope, Status, Trace
from mcp_memory.domain.statements import FORM, fingerprint, slot_of
from mcp_memory.errors import WriteConflict
from mcp_memory.storage.contract import Corpus, Filter, Order

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Vector, Windows

Audience = tuple[str, str]
"""A tenant and one of its users, "" for all of them."""

Slot = tuple[Partition, str, str]
"""What only one active memory of a partition may have: "key" or "text", and which; see
`mcp_memory.domain.statements.slot_of` and `fingerprint`.
"""

_SATURATION = 1.2
_LENGTH_WEIGHT = 0.75


def matches(revision: Memory, where: Filter) -> bool:
    """Whether `where` lets this one revision through; at most one of a memory passes."""
    return (
        revision.partition in where.partitions
        and (not where.statuses or revision.status in where.statuses)
        and _in_time(revision, where)
        and _in_period(revision, where)
        and _has_identity(revision, where)
        and _has_labels(revision, where)
    )


def is_in_sight(current: Memory, where: Filter) -> bool:
    """Whether the past of a memory may be shown to whom `where` is for.

    Only where the memory is now: one that was moved out of sight takes its past with it.
    """
    return where.as_of is None or current.partition in where.partitions


def last_seen(revisions: Sequence[Memory], where: Filter) -> Memory | None:
    """The revision of a memory by which a list is gone on with, None when out of sight."""
    known = [m for m in revisions if where.as_of is None or m.recorded_at <= where.as_of]
    partitions = {known[-1].partition, revisions[-1].partition} if known else set[Partition]()
    return known[-1] if known and partitions <= set(where.partitions) else None


def is_current(revision: Memory) -> bool:
    """Whether no later revision has taken its place."""
    return revision.recorded_to is None


def up_to_date(memory: Memory) -> Memory:
    """A revision with the fingerprint of today's rule; one that was stored by an earlier rule
    is compared with others by this one.
    """
    if memory.fingerprint.startswith(FORM):
        return memory
    return replace(memory, fingerprint=fingerprint(memory.content, memory.key))


def placed(memory: Memory) -> tuple[Partition, Place]:
    """Where it was said, which is within one partition."""
    return memory.partition, place_of(memory.source)


def places_around(memories: Iterable[Memory], reach: int) -> set[tuple[Partition, Place]]:
    """Every place at most `reach` away from where one of the memories was said."""
    return {
        (partition, Place(thread, number))
        for partition, (thread, position) in map(placed, memories)
        if thread
        for number in range(position - reach, position + reach + 1)
    }


def sort_key(memory: Memory, order: Order) -> tuple[bool, float, datetime, str]:
    """A key that sorts ascending into the reverse of `order`."""
    if order is Order.IMPORTANT:
        return (memory.pinned, memory.importance, memory.recorded_at, memory.id)
    return (False, 0.0, memory.recorded_at, memory.id)


def text_score(terms: Sequence[str], counts: Mapping[str, int], corpus: Corpus) -> float:
    """Okapi BM25 of one text with these term counts; 0.0 when it has none of `terms`.

    The idf is that of Lucene, which is never negative (Robertson and Zaragoza, 2009).
    """
    length = sum(counts.values())
    average = corpus.terms / corpus.memories if corpus.memories else 0.0
    relative = length / average if average else 1.0
    norm = _SATURATION * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * relative)
    score = 0.0
    for term in terms:
        count = counts.get(term, 0)
        if count:
            score += _rarity(term, corpus) * count * (_SATURATION + 1) / (count + norm)
    return score


def best_window(
    windows: Windows | None, vector: Vector | None
) -> tuple[float, Vector] | tuple[None, None]:
    """The cosine of the window nearest to `vector`, and that window; None without either."""
    if vector is None or windows is None or not len(windows):
        return None, None
    cosines = windows @ vector
    best = int(cosines.argmax())
    return float(cosines[best]), windows[best]


def slots(memory: Memory) -> list[Slot]:
    """The slots that a memory takes up in its partition: none unless it is active."""
    if memory.status is not Status.ACTIVE:
        return []
    taken = [(memory.partition, "text", memory.fingerprint)]
    return [*taken, (memory.partition, "key", slot_of(memory.key))] if memory.key else taken


def traces_to_drop(traces: Sequence[Trace], erased: Sequence[Memory]) -> tuple[list[str], int]:
    """Which traces must go with erased memories, and how many of them mention one by its id.

    The others ask for a word that these memories say, in the query or in a filter; so may,
    for all one can tell, what has no words, such as a row of signs. Only of who could see a
    revision does it count what that one said: who could not must not learn a word of it from
    a trace that is gone.
    """
    ids = {memory.id for memory in erased}
    by_audience: dict[Audience, list[Memory]] = {}
    for memory in erased:
        by_audience.setdefault(audience(memory.partition), []).append(memory)
    words = {
        of: _words_of(part for memory in revisions for part in _said(memory))
        for of, revisions in by_audience.items()
    }
    mentioning = [t.id for t in traces if not ids.isdisjoint(t.memory_ids)]
    asking = [
        trace.id
        for trace in traces
        for of in audiences(trace) & words.keys()
        if any(_asks(part, words[of]) for part in _asked(trace))
    ]
    return list(dict.fromkeys([*mentioning, *asking])), len(mentioning)


def traces_of(
    traces: Iterable[Trace], of: Partition, seen: Sequence[Partition], limit: int
) -> list[Trace]:
    """The newest traces that have a partition and none but `seen`, newest first."""
    found = [t for t in traces if of in t.partitions and set(t.partitions) <= set(seen)]
    return sorted(found, key=lambda t: (t.at, t.id), reverse=True)[:limit]


def audience(partition: Partition) -> Audience:
    """Who can see what is in a partition: a user, or a whole tenant."""
    return partition.tenant, "" if partition.scope is Scope.TENANT else partition.user


def audiences(trace: Trace) -> set[Audience]:
    """Those to which whoever made a trace is known to belong."""
    owners = {audience(partition) for partition in trace.partitions}
    return owners | {(tenant, "") for tenant, _ in owners}


def _said(memory: Memory) -> Iterator[str]:
    yield from (memory.content, memory.merged, memory.key, *memory.tags, memory.source)
    yield slot_of(memory.key)
    yield from _texts(memory.metadata)


def _asked(trace: Trace) -> Iterator[str]:
    filters = trace.document.get("filters", {})
    yield trace.query
    yield slot_of(str(filters.get("key") or ""))
    yield from _texts([filters.get(name) for name in ("key", "tags", "metadata")])


def _texts(value: object) -> Iterator[str]:
    """Every text and number in a JSON value, names of members included."""
    if isinstance(value, Mapping):
        for name, member in cast("Mapping[str, object]", value).items():
            yield name
            yield from _texts(member)
    elif isinstance(value, list | tuple):
        for member in cast("Sequence[object]", value):
            yield from _texts(member)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _words_of(texts: Iterable[str]) -> set[str]:
    return {term for said in texts for term in text.terms(said)}


def _asks(asked: str, said: set[str]) -> bool:
    """Whether a text shares a word that tells something with what was said, or may do."""
    terms = set(text.terms(asked))
    telling = terms - text.STOP_WORDS or terms
    return not telling.isdisjoint(said) if telling else bool(asked.strip())


def _rarity(term: str, corpus: Corpus) -> float:
    # The text itself may lie outside the corpus (not active, or as of a past date).
    having = corpus.frequencies.get(term, 0)
    memories = max(corpus.memories, having)
    return math.log1p((memories - having + 0.5) / (having + 0.5))


def _in_time(revision: Memory, where: Filter) -> bool:
    if where.as_of is not None:
        return (
            _holds(revision.recorded_at, where.as_of, revision.recorded_to)
            and _holds(revision.valid_from, where.as_of, revision.valid_to)
            and _holds(None, where.as_of, revision.expires_at)
        )
    if not is_current(revision):
        return False
    shows_expired = not where.statuses or Status.EXPIRED in where.statuses
    return shows_expired or _holds(None, where.now, revision.expires_at)


def _in_period(revision: Memory, where: Filter) -> bool:
    is_recorded = _holds(where.since, revision.recorded_at, where.until)
    return is_recorded and _holds(where.begins_since, revision.valid_from, where.begins_until)


def _holds(start: datetime | None, moment: datetime, end: datetime | None) -> bool:
    """Whether `moment` is in the half-open span; None is without end."""
    return (start is None or start <= moment) and (end is None or moment < end)


def _has_identity(revision: Memory, where: Filter) -> bool:
    return (
        (not where.ids or revision.id in where.ids)
        and (not where.endings or ending(revision.id) in where.endings)
        and (not where.fingerprints or revision.fingerprint in where.fingerprints)
        and (not where.key or slot_of(revision.key) == slot_of(where.key))
    )


def _has_labels(revision: Memory, where: Filter) -> bool:
    return (
        (not where.types or revision.type in where.types)
        and set(where.tags) <= set(revision.tags)
        and all(
            name in revision.metadata and same_json(revision.metadata[name], value)
            for name, value in where.metadata.items()
        )
    )


def same_json(left: Any, right: Any) -> bool:
    """Equality as JSON has it: true is not 1, while 1 is 1.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        first, second = cast("Mapping[str, Any]", left), cast("Mapping[str, Any]", right)
        return first.keys() == second.keys() and all(
            same_json(first[name], second[name]) for name in first
        )
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        ours, theirs = cast("Sequence[Any]", left), cast("Sequence[Any]", right)
        return len(ours) == len(theirs) and all(map(same_json, ours, theirs))
    return bool(left == right)


def claim(claimed: set[Slot], memory: Memory) -> None:
    """Take the slots of a memory. Raises WriteConflict where another has one."""
    for slot in slots(memory):
        if slot in claimed:
            _, noun, value = slot
            raise WriteConflict(
                f"an active memory with the {noun} '{value}' is already there;"
                " read it again and retry"
            )
        claimed.add(slot)
