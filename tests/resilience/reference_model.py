"""What a memory server should believe, in its simplest form: lists, and no index.

It follows the rules of the README by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from mcp_memory.domain.memory import Caller, Memory, Partition, Scope, Status
from mcp_memory.domain.requests import Draft
from mcp_memory.domain.results import RememberResult
from mcp_memory.domain.statements import fingerprint, slot_of
from mcp_memory.domain.text import terms
from mcp_memory.ranking import contradict

RETRY = timedelta(minutes=10)
ECHO = timedelta(hours=1)
DAYS = {"": None, "1d": timedelta(days=1), "7d": timedelta(days=7)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One revision of one memory."""

    id: str
    revision: int
    partition: Partition
    content: str
    key: str
    status: Status
    recorded_at: datetime
    valid_from: datetime
    valid_to: datetime | None = None
    expires_at: datetime | None = None
    superseded_by: str = ""
    merged: str = ""

    def is_due(self, now: datetime) -> bool:
        """Whether its time is up and nobody has written so."""
        expired = self.expires_at is not None and self.expires_at <= now
        return self.status is Status.ACTIVE and expired


def said(memory: Memory) -> Said:
    """A revision as the service tells it, with the fields that are believed here."""
    names = Said.__dataclass_fields__
    return Said(**{name: getattr(memory, name) for name in names})


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What counts for every draft of one call: when it came, what it says, and which
    memories its user was given lately.
    """

    now: datetime
    prints: frozenset[str]
    echoes: frozenset[str]


@dataclass(kw_only=True)
class Believed:
    """Every memory with its revisions, oldest first."""

    lives: dict[str, list[Said]] = field(default_factory=dict[str, list[Said]])
    returned: dict[tuple[str, str, str], datetime] = field(
        default_factory=dict[tuple[str, str, str], datetime]
    )
    """When recall gave a memory to a user of a tenant last."""

    def recalled(self, caller: Caller, found: Iterable[Memory], now: datetime) -> None:
        """Note what recall returned."""
        for memory in found:
            self.returned[caller.tenant, caller.user, memory.id] = now

    def current(self, caller: Caller) -> list[Said]:
        """What the caller may see, of any status."""
        partitions = caller.partitions()
        return [life[-1] for life in self.lives.values() if life[-1].partition in partitions]

    def active(self, caller: Caller, now: datetime) -> list[Said]:
        """What is in force for the caller."""
        return [s for s in self.current(caller) if s.status is Status.ACTIVE and not s.is_due(now)]

    def as_of(self, caller: Caller, then: datetime) -> list[Said]:
        """What was believed to hold at that moment, of what the caller may see now."""
        return [
            one
            for now in self.current(caller)
            for one in self._standing(now.id, then)
            if one.status is Status.ACTIVE
            and one.partition in caller.partitions()
            and one.valid_from <= then
            and not (one.valid_to and one.valid_to <= then)
            and not (one.expires_at and one.expires_at <= then)
        ]

    def remember(
        self, caller: Caller, drafts: list[Draft], answers: list[RememberResult], now: datetime
    ) -> None:
        """Follow one call; fails where an answer is not what follows."""
        places = [_partition(caller, draft) for draft in drafts]
        prints = {fingerprint(draft.content, draft.key) for draft in drafts}
        self._end_touched(places, prints, drafts, now)
        echoes = {
            memory_id
            for (tenant, user, memory_id), at in self.returned.items()
            if (tenant, user) == (caller.tenant, caller.user) and at >= now - ECHO
        }
        self.call = Call(now=now, prints=frozenset(prints), echoes=frozenset(echoes))
        for n, (draft, place, answer) in enumerate(zip(drafts, places, answers, strict=True)):
            self._take(draft, place, answer, now + timedelta(microseconds=n))

    def change(self, memory_id: str, now: datetime, **fields: object) -> Said:
        """The next revision of a memory."""
        life = self.lives[memory_id]
        at = max(now, life[-1].recorded_at)
        values: dict[str, Any] = {"merged": "", **fields}
        made = replace(life[-1], revision=life[-1].revision + 1, recorded_at=at, **values)
        life.append(made)
        return made

    def expire(self, now: datetime) -> None:
        """Mark all whose time is up."""
        self._end((life[-1] for life in list(self.lives.values())), now)

    def holder(self, place: Partition, key: str, text: str) -> Said | None:
        """Who has this key, or says this under this key, in force."""
        wanted = fingerprint(text, key)
        for life in self.lives.values():
            one = life[-1]
            if one.partition == place and one.status is Status.ACTIVE:
                if text and fingerprint(one.content, one.key) == wanted:
                    return one
                if not text and slot_of(one.key) == slot_of(key):
                    return one
        return None

    def _standing(self, memory_id: str, then: datetime) -> Iterator[Said]:
        life = self.lives[memory_id]
        ends = [*(later.recorded_at for later in life[1:]), None]
        for one, end in zip(life, ends, strict=True):
            if one.recorded_at <= then and (end is None or then < end):
                yield one

    def _end(self, those: Iterable[Said], now: datetime) -> None:
        for one in those:
            if one.is_due(now):
                self.change(one.id, now, status=Status.EXPIRED)

    def _end_touched(
        self, places: list[Partition], prints: set[str], drafts: list[Draft], now: datetime
    ) -> None:
        """What a call looks at and finds overdue, it ends on the way."""
        keys = {(place, slot_of(d.key)) for place, d in zip(places, drafts, strict=True) if d.key}
        named = {memory_id for draft in drafts for memory_id in draft.supersedes}
        touched = [
            life[-1]
            for life in self.lives.values()
            if life[-1].id in named
            or (life[-1].partition, slot_of(life[-1].key)) in keys
            or (
                life[-1].partition in places
                and fingerprint(life[-1].content, life[-1].key) in prints
            )
        ]
        self._end(touched, now)

    def _take(self, draft: Draft, place: Partition, answer: RememberResult, now: datetime) -> None:
        same = self.holder(place, draft.key, draft.content)
        slot = self.holder(place, draft.key, "") if draft.key else None
        lasts = DAYS[draft.expires_in]
        if lasts is None and place.scope is Scope.SESSION:
            lasts = timedelta(days=30)
        until = now + lasts if lasts else None
        if same is not None:
            assert answer.id == same.id
            self._merge(same, draft, until, now)
        elif slot is not None:
            assert (answer.id, answer.status) == (slot.id, "superseded")
            made = {"content": draft.content, "valid_from": now, "expires_at": until}
            self.change(slot.id, now, **made, valid_to=None, superseded_by="")
        else:
            first = Said(
                id=answer.id,
                revision=1,
                partition=place,
                content=draft.content,
                key=draft.key,
                status=Status.ACTIVE,
                recorded_at=now,
                valid_from=now,
                expires_at=until,
            )
            self.lives[answer.id] = [first]
        self._supersede(draft, answer, self.call.now)
        assert answer.revision in {one.revision for one in self.lives[answer.id]}

    def _merge(self, old: Said, draft: Draft, until: datetime | None, now: datetime) -> None:
        both = (old.expires_at, until)
        later = None if None in both else max(filter(None, both))
        other = "" if draft.content == old.content else draft.content
        is_soon = self.call.now - old.recorded_at <= RETRY or old.id in self.call.echoes
        is_news = any(self._overrules(life[-1], old) for life in self.lives.values())
        since = max(old.valid_from, now) if is_news else old.valid_from
        if other or later != old.expires_at or is_news or not is_soon:
            self.change(old.id, now, expires_at=later, merged=other, valid_from=since)

    def _overrules(self, one: Said, old: Said) -> bool:
        """Whether it says something else of the same, and later."""
        return (
            (one.partition, one.status) == (old.partition, Status.ACTIVE)
            and not one.is_due(self.call.now)
            and (one.valid_from, one.id) > (old.valid_from, old.id)
            and contradict(terms(one.content), terms(old.content))
            and not (
                old.id in self.call.echoes and fingerprint(one.content, one.key) in self.call.prints
            )
        )

    def _supersede(self, draft: Draft, answer: RememberResult, now: datetime) -> None:
        kept = self.lives[answer.id][-1]
        for memory_id in dict.fromkeys(draft.supersedes):
            old = self.lives[memory_id][-1]
            if memory_id != answer.id and old.status is Status.ACTIVE:
                ended = max(old.valid_from, kept.valid_from)
                gone = {"status": Status.SUPERSEDED, "superseded_by": answer.id}
                self.change(memory_id, now, **gone, valid_to=ended)


def _partition(caller: Caller, draft: Draft) -> Partition:
    scope = Scope(draft.scope) if draft.scope else Scope.PROJECT
    found = caller.partition(scope) or caller.partition(Scope.USER)
    assert found is not None
    return found
