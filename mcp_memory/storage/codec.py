"""Memories and changes as canonical JSON, the form that stores keep, digest and compare.

Canonical: keys sorted, no spaces, UTF-8, times in UTC as ISO 8601 with microseconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, cast

from mcp_memory.domain.memory import (
    NOTHING,
    Change,
    ChangeKind,
    Json,
    Memory,
    Partition,
    Status,
    Trace,
    Trust,
    Type,
)
from mcp_memory.storage.contract import Actor, Write

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Calling an enum costs five times a look-up, and a search decodes a hundred memories.
_TYPES = {str(t): t for t in Type}
_TRUSTS = {str(t): t for t in Trust}
_STATUSES = {str(s): s for s in Status}


def canonical(value: object) -> str:
    """The one JSON text of a value. Raises ValueError for NaN and infinities."""
    return _ENCODER.encode(value)


def iso(moment: datetime) -> str:
    """The time as text, e.g. `2026-03-01T12:00:00.000000Z`; sorts as the times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def moment(text: str) -> datetime:
    """The time that `iso` wrote."""
    return datetime.fromisoformat(text)


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(count: int) -> datetime:
    """The time that many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=count)


def memory_document(memory: Memory) -> dict[str, Any]:
    """A revision as a JSON object, without `recorded_to`, which a later revision decides."""
    return {
        "id": memory.id,
        "revision": memory.revision,
        "partition": str(memory.partition),
        "content": memory.content,
        "fingerprint": memory.fingerprint,
        "type": memory.type,
        "created_at": iso(memory.created_at),
        "recorded_at": iso(memory.recorded_at),
        "valid_from": iso(memory.valid_from),
        "key": memory.key,
        "importance": float(memory.importance),
        "tags": list(memory.tags),
        "pinned": memory.pinned,
        "trust": memory.trust,
        "status": memory.status,
        "source": memory.source,
        "metadata": dict(memory.metadata),
        "valid_to": _iso_or_none(memory.valid_to),
        "expires_at": _iso_or_none(memory.expires_at),
        "evidence": memory.evidence,
        "merged": memory.merged,
        "superseded_by": memory.superseded_by,
    }


def memory_of(document: Mapping[str, Any], recorded_to: datetime | None) -> Memory:
    """The revision that `memory_document` wrote."""
    valid_to, expires_at = document["valid_to"], document["expires_at"]
    return Memory(
        id=document["id"],
        revision=document["revision"],
        partition=partition_of(document["partition"]),
        content=document["content"],
        fingerprint=document["fingerprint"],
        type=_TYPES[document["type"]],
        created_at=datetime.fromisoformat(document["created_at"]),
        recorded_at=datetime.fromisoformat(document["recorded_at"]),
        valid_from=datetime.fromisoformat(document["valid_from"]),
        key=document["key"],
        importance=document["importance"],
        tags=tuple(document["tags"]),
        pinned=document["pinned"],
        trust=_TRUSTS[document["trust"]],
        status=_STATUSES[document["status"]],
        source=document["source"],
        metadata=MappingProxyType(document["metadata"]) if document["metadata"] else NOTHING,
        recorded_to=recorded_to,
        valid_to=datetime.fromisoformat(valid_to) if valid_to else None,
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        evidence=document["evidence"],
        merged=document["merged"],
        superseded_by=document["superseded_by"],
    )


def journalled(write: Write, number: int) -> Change:
    """The journal entry of a write."""
    return Change(
        number=number,
        verb=write.verb,
        memory_id=write.memory.id,
        revision=write.memory.revision,
        at=write.memory.recorded_at,
        user=write.actor.user,
        agent=write.actor.agent,
        client=write.actor.client,
        reason=write.reason,
    )


def erased(memory_id: str, revision: int, actor: Actor, number: int, at: datetime) -> Change:
    """The journal entry that says a memory was erased, which was at `revision`."""
    return Change(
        number=number,
        verb=ChangeKind.ERASE,
        memory_id=memory_id,
        revision=revision,
        at=at,
        user=actor.user,
        agent=actor.agent,
        client=actor.client,
        reason="",
    )


def change_document(change: Change) -> dict[str, Any]:
    """A journal entry as a JSON object."""
    return {
        "number": change.number,
        "verb": change.verb,
        "memory_id": change.memory_id,
        "revision": change.revision,
        "at": iso(change.at),
        "user": change.user,
        "agent": change.agent,
        "client": change.client,
        "reason": change.reason,
    }


def change_of(document: Mapping[str, Any]) -> Change:
    """The journal entry that `change_document` wrote."""
    return Change(
        number=document["number"],
        verb=ChangeKind(document["verb"]),
        memory_id=document["memory_id"],
        revision=document["revision"],
        at=moment(document["at"]),
        user=document["user"],
        agent=document["agent"],
        client=document["client"],
        reason=document["reason"],
    )


def trace_document(trace: Trace) -> dict[str, Any]:
    """A trace as a JSON object."""
    return {
        "id": trace.id,
        "at": iso(trace.at),
        "partitions": [str(p) for p in trace.partitions],
        "query": trace.query,
        "memory_ids": list(trace.memory_ids),
        "document": plain(trace.document),
    }


def trace_of(document: Mapping[str, Any]) -> Trace:
    """The trace that `trace_document` wrote."""
    return Trace(
        id=document["id"],
        at=moment(document["at"]),
        partitions=tuple(map(partition_of, document["partitions"])),
        query=document["query"],
        memory_ids=tuple(document["memory_ids"]),
        document=MappingProxyType(document["document"]),
    )


def labels(tags: tuple[str, ...], metadata: Json) -> list[str]:
    """Tags and members of metadata as texts, for containment: equal texts, equal labels.

    JSON has one kind of number, so 1.0 and 1 give the same label; true gives another.
    """
    members = [f"m{canonical([name, _one_number(value)])}" for name, value in metadata.items()]
    return [*(f"t{tag}" for tag in tags), *members]


def plain(value: object) -> Any:
    """JSON with every mapping a dict and every sequence a list."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return {name: plain(member) for name, member in items}
    if isinstance(value, list | tuple):
        return [plain(member) for member in cast("list[object]", value)]
    return value


@lru_cache(maxsize=4096)
def partition_of(text: str) -> Partition:
    """The partition whose `str()` is `text`."""
    return Partition.parse(text)


def _one_number(value: object) -> Any:
    value = plain(value)
    if isinstance(value, dict):
        members = cast("dict[str, object]", value).items()
        return {name: _one_number(member) for name, member in members}
    if isinstance(value, list):
        return [_one_number(member) for member in cast("list[object]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _iso_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def _mapping(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    raise TypeError(f"{type(value).__name__} is not JSON")


_ENCODER = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    default=_mapping,
)
