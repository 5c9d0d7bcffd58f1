"""The plan of one remember: which drafts are new, which merge, which replace another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mcp_memory.domain.memory import ChangeKind, Json, Memory, Partition, Status
from mcp_memory.domain.results import RememberResult, SimilarMemory
from mcp_memory.domain.statements import slot_of
from mcp_memory.ranking import may_conflict, tells
from mcp_memory.service import policy as limits
from mcp_memory.service.core import expiry_of, successor
from mcp_memory.service.policy import Policy
from mcp_memory.storage.contract import Actor, Candidate, Write

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Windows

_EXCERPT_CHARS = 240
_ECHO = "recall returned this; nothing was added"
_Slot = tuple[Partition, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A draft ready to be planned: its first revision, its vectors, what lies near it.

    `echo`: the memory that it is a recalled line of, and adds nothing to. `is_known`: whether
    the model can tell its text from others.
    """

    memory: Memory
    echo: Memory | None
    supersedes: tuple[str, ...]
    windows: Windows | None
    is_known: bool
    neighbours: tuple[Candidate, ...]


@dataclass(kw_only=True, slots=True)
class Plan:
    """Works through the drafts in order and gathers the writes and the outcomes.

    `state` is each known memory as the writes gathered so far leave it, so that later
    drafts of a batch see what earlier ones do. `returned`: what recall gave the caller lately;
    `said`: the fingerprints of all drafts.
    """

    policy: Policy
    by: Actor
    now: datetime
    returned: frozenset[str]
    said: frozenset[str]
    writes: list[Write] = field(default_factory=list[Write])
    outcomes: list[RememberResult] = field(default_factory=list[RememberResult])
    state: dict[str, Memory] = field(default_factory=dict[str, Memory])
    _slots: dict[_Slot, str] = field(default_factory=dict[_Slot, str])
    _fresh: list[tuple[Memory, Windows | None]] = field(
        default_factory=lambda: list[tuple[Memory, "Windows | None"]]()
    )

    def know(self, memories: Iterable[Memory]) -> None:
        """Learn of stored memories that the drafts may touch; end those whose time is up.

        Where several hold a slot, as they might when its spelling counted, the newest does.
        """
        known = {memory.id: memory for memory in memories}
        for memory in sorted(known.values(), key=lambda m: (m.recorded_at, m.id)):
            self._note(memory)
            if due := expiry_of(memory, self.now, self.by):
                self._put(due)

    def take(self, item: Prepared) -> None:
        """Plan one draft."""
        draft = item.memory
        same = self._active(draft.partition, "text", draft.fingerprint)
        slot = self._active(draft.partition, "key", slot_of(draft.key)) if draft.key else None
        similar = self._similar(item)
        if item.echo is not None:
            kept, status, reason = self.state.get(item.echo.id, item.echo), "merged", _ECHO
        elif same is not None:
            kept, status, reason = self._merge(same, draft, similar)
        elif slot is not None:
            kept, status, reason = self._refill(slot, item)
        else:
            kept, status, reason = self._store(item)
        replaced = self._supersede(item, kept)
        if slot is not None and slot.id == kept.id and status == "superseded":
            replaced = (slot.id, *replaced)
        if replaced and status == "stored":
            status, reason = "superseded", "stored; it replaces what supersedes names"
        elif item.supersedes and not replaced:
            reason = "; ".join(filter(None, (reason, "what supersedes names had ended before")))
        self._answer(kept, status, reason, replaced, similar)

    def _answer(
        self,
        kept: Memory,
        status: str,
        reason: str,
        replaced: tuple[str, ...],
        similar: tuple[SimilarMemory, ...],
    ) -> None:
        gone = {kept.id, *replaced}
        known = {**self.state, kept.id: kept}
        touched = tuple((i, known[i].partition) for i in dict.fromkeys((kept.id, *replaced)))
        self.outcomes.append(
            RememberResult(
                id=kept.id,
                status=status,
                revision=kept.revision,
                scope=kept.scope,
                expires_at=kept.expires_at,
                reason=reason,
                replaced=replaced,
                similar=tuple(s for s in similar if s.id not in gone)[: self.policy.similar_max],
                touched=touched,
            )
        )

    def _active(self, partition: Partition, kind: str, value: str) -> Memory | None:
        """The active memory of a partition with that text (fingerprint) or key."""
        found = self.state.get(self._slots.get((partition, kind, value), ""))
        if found is None or found.status is not Status.ACTIVE:
            return None
        # A slot may be of an earlier revision, before the memory took another text.
        holds = found.fingerprint if kind == "text" else slot_of(found.key)
        return found if holds == value else None

    def _note(self, memory: Memory) -> None:
        self.state[memory.id] = memory
        if memory.status is Status.ACTIVE:
            self._slots[memory.partition, "text", memory.fingerprint] = memory.id
            if memory.key:
                self._slots[memory.partition, "key", slot_of(memory.key)] = memory.id

    def _put(self, write: Write) -> None:
        self.writes.append(write)
        self._note(write.memory)

    def _store(self, item: Prepared) -> tuple[Memory, str, str]:
        write = Write(
            verb=ChangeKind.REMEMBER, memory=item.memory, actor=self.by, vectors=item.windows
        )
        self._put(write)
        self._fresh.append((item.memory, item.windows if item.is_known else None))
        return item.memory, "stored", ""

    def _refill(self, slot: Memory, item: Prepared) -> tuple[Memory, str, str]:
        """A key remembered again: the slot's next revision holds the new value."""
        draft = item.memory
        changed = replace(
            draft,
            id=slot.id,
            key=slot.key,
            revision=slot.revision + 1,
            created_at=slot.created_at,
            recorded_at=max(draft.recorded_at, slot.recorded_at),
        )
        reason = f"replaces the former value of key {slot.key}"
        self._put(
            Write(
                verb=ChangeKind.SUPERSEDE,
                memory=changed,
                actor=self.by,
                reason=reason,
                vectors=item.windows,
            )
        )
        return changed, "superseded", reason

    def _merge(
        self, old: Memory, draft: Memory, similar: Sequence[SimilarMemory]
    ) -> tuple[Memory, str, str]:
        """The old memory gains what the draft adds; no text is lost."""
        other = "" if draft.content == old.content else draft.content
        merged = successor(
            old,
            draft.recorded_at,
            tags=_both_tags(old, draft),
            importance=max(old.importance, draft.importance),
            pinned=old.pinned or draft.pinned,
            metadata=_both_metadata(old, draft),
            expires_at=_later(old.expires_at, draft.expires_at),
            evidence=old.evidence + (old.id not in self.returned),
            merged=other,
        )
        is_news = self._is_overruled(old, similar)
        if is_news:
            merged = replace(merged, valid_from=max(old.valid_from, draft.valid_from))
        if not other and self._adds_nothing(old, merged) and not is_news:
            echo = old.id in self.returned
            return old, "merged", _ECHO if echo else "already remembered"
        reason = "says the same as this memory" if other else "the same statement again"
        self._put(Write(verb=ChangeKind.MERGE, memory=merged, actor=self.by, reason=reason))
        return merged, "merged", reason

    def _is_overruled(self, old: Memory, similar: Iterable[SimilarMemory]) -> bool:
        """Whether something later contradicts it, so that saying it again is news.

        Not when recall returned both and the same call repeats both.
        """
        since = (old.valid_from, old.id)
        rivals = [self.state[s.id] for s in similar if s.may_conflict and s.id in self.state]
        return any(
            (rival.valid_from, rival.id) > since
            and not (old.id in self.returned and rival.fingerprint in self.said)
            for rival in rivals
        )

    def _adds_nothing(self, old: Memory, merged: Memory) -> bool:
        """Whether this is a retry or an echo: the same again, with nothing new."""
        is_retry = self.now - old.recorded_at <= self.policy.retry_window
        if not (is_retry or old.id in self.returned):
            return False
        return (old.tags, old.importance, old.pinned, old.expires_at, dict(old.metadata)) == (
            merged.tags,
            merged.importance,
            merged.pinned,
            merged.expires_at,
            dict(merged.metadata),
        )

    def _supersede(self, item: Prepared, kept: Memory) -> tuple[str, ...]:
        """End the memories that the draft names, and all others that hold its slot; those
        that ended before stay as they are.
        """
        ended: list[str] = []
        for memory_id in dict.fromkeys((*item.supersedes, *self._rivals(kept))):
            old = self.state[memory_id]
            if old.id == kept.id or old.status is not Status.ACTIVE:
                continue
            gone = successor(
                old,
                self.now,
                status=Status.SUPERSEDED,
                superseded_by=kept.id,
                valid_to=max(old.valid_from, kept.valid_from),
            )
            reason = f"superseded by {kept.id}"
            self._put(Write(verb=ChangeKind.SUPERSEDE, memory=gone, actor=self.by, reason=reason))
            ended.append(old.id)
        return tuple(ended)

    def _rivals(self, kept: Memory) -> list[str]:
        """Who else holds the slot of what was kept."""
        slot = slot_of(kept.key)
        known = self.state.values() if slot else ()
        return [m.id for m in known if (m.partition, slot_of(m.key)) == (kept.partition, slot)]

    def _similar(self, item: Prepared) -> tuple[SimilarMemory, ...]:
        """The memories that may conflict, then those that say something similar, nearest first."""
        scored = [
            (c.similarity or 0.0, self.state[c.memory.id])
            for c in item.neighbours
            if c.memory.id in self.state
        ]
        scored += [
            (_cosine(windows, item), self.state[memory.id])
            for memory, windows in self._fresh
            if memory.partition == item.memory.partition
        ]
        scored = [pair for pair in scored if pair[1].status is Status.ACTIVE]
        scored.sort(key=lambda pair: -pair[0])
        is_telling = tells(item.memory.content)
        found = [
            SimilarMemory(
                id=m.id,
                content=_excerpt(m.content),
                score=round(min(1.0, s), 3),
                updated_at=m.recorded_at,
                may_conflict=may_conflict(item.memory, m),
            )
            for s, m in scored
            if s >= self.policy.similar or is_telling
        ]
        found = [s for s in found if s.score >= self.policy.similar or s.may_conflict]
        return tuple(sorted(found, key=lambda s: not s.may_conflict))  # only so many are told


def _cosine(windows: Windows | None, item: Prepared) -> float:
    """Of the best window of a text to a draft; 0 where the model cannot tell."""
    if windows is None or item.windows is None or not item.is_known:
        return 0.0
    return float((windows @ item.windows[0]).max())


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later end; None is without end."""
    return None if one is None or other is None else max(one, other)


def _both_tags(old: Memory, draft: Memory) -> tuple[str, ...]:
    """The tags of both; those of the draft alone stay out when they would be too many."""
    both = tuple(dict.fromkeys((*old.tags, *draft.tags)))
    return both if len(both) <= limits.TAGS_MAX else old.tags


def _both_metadata(old: Memory, draft: Memory) -> Json:
    """The metadata of both, the draft's first; the old alone when they would be too much."""
    both = {**old.metadata, **draft.metadata}
    size = len(json.dumps(both, ensure_ascii=False).encode())
    return both if size <= limits.METADATA_BYTES_MAX else old.metadata


def _excerpt(content: str) -> str:
    return content if len(content) <= _EXCERPT_CHARS else content[:_EXCERPT_CHARS] + "…"
