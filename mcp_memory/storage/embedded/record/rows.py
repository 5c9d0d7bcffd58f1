"""Journal entries as rows of the record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from mcp_memory.domain.memory import NOTHING, Change, ChangeKind, Memory, Status, Trust, Type
from mcp_memory.storage import codec
from mcp_memory.storage.embedded.shared.hash_chain import Entry


def change_row(entry: Entry) -> list[Any]:
    """An entry as a row of the table `changes`."""
    change = entry.change
    return [
        change.number,
        str(change.verb),
        change.memory_id,
        change.revision,
        _naive(change.at),
        change.user,
        change.agent,
        change.client,
        change.reason,
        entry.request,
        entry.salt,
        entry.digest,
        entry.head,
    ]


def revision_row(memory: Memory, change: int) -> list[Any]:
    """What change number `change` made, as a row of the table `revisions`."""
    return [
        memory.id,
        memory.revision,
        change,
        memory.partition.tenant,
        str(memory.scope),
        memory.partition.user,
        memory.partition.name,
        memory.content,
        memory.fingerprint,
        str(memory.type),
        memory.key,
        float(memory.importance),
        list(memory.tags),
        memory.pinned,
        str(memory.trust),
        str(memory.status),
        memory.source,
        codec.canonical(memory.metadata),
        memory.evidence,
        memory.merged,
        memory.superseded_by,
        _naive(memory.created_at),
        _naive(memory.recorded_at),
        _naive(memory.valid_from),
        _naive(memory.valid_to),
        _naive(memory.expires_at),
    ]


def entry_of(row: Sequence[Any]) -> Entry:
    """The entry in a row of the query `entries`."""
    number, verb, memory_id, revision, at, user, agent, client, reason = row[:9]
    request, salt, digest, head, *rest = row[9:]
    change = Change(
        number=number,
        verb=ChangeKind(verb),
        memory_id=memory_id,
        revision=revision,
        at=at.replace(tzinfo=UTC),
        user=user,
        agent=agent,
        client=client,
        reason=reason,
    )
    return Entry(
        change=change,
        memory=None if rest[1] is None else _memory_of(memory_id, revision, rest),
        request=request,
        salt=salt,
        digest=digest,
        head=head,
    )


def _memory_of(memory_id: str, revision: int, row: Sequence[Any]) -> Memory:
    (partition, content, fingerprint, kind, key, importance, tags, pinned, trust, status) = row[:10]
    (source, metadata, evidence, merged, superseded_by, *times) = row[10:]
    created_at, recorded_at, valid_from, valid_to, expires_at = map(_aware, times)
    assert created_at and recorded_at and valid_from  # NOT NULL in the schema
    members = json.loads(metadata)
    return Memory(
        id=memory_id,
        revision=revision,
        partition=codec.partition_of(partition),
        content=content,
        fingerprint=fingerprint,
        type=Type(kind),
        key=key,
        importance=importance,
        tags=tuple(tags),
        pinned=pinned,
        trust=Trust(trust),
        status=Status(status),
        source=source,
        metadata=MappingProxyType(members) if members else NOTHING,
        evidence=evidence,
        merged=merged,
        superseded_by=superseded_by,
        created_at=created_at,
        recorded_at=recorded_at,
        valid_from=valid_from,
        valid_to=valid_to,
        expires_at=expires_at,
    )


def _aware(moment: datetime | None) -> datetime | None:
    # The record keeps UTC without a zone: fetching one with a zone would need pytz.
    return None if moment is None else moment.replace(tzinfo=UTC)


def _naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
