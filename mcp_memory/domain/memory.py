"""The nouns: frozen value objects that every layer shares.

Times are aware and in UTC. An absent text is "", an absent time is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from mcp_memory.domain.permissions import EVERYTHING, Permissions

Json = Mapping[str, Any]
"""A JSON object."""

NOTHING: Json = MappingProxyType({})


class Type(StrEnum):
    """What kind of statement a memory is."""

    PROFILE = "profile"
    PREFERENCE = "preference"
    TASK = "task"
    FACT = "fact"
    PROCEDURE = "procedure"
    EPISODE = "episode"
    SUMMARY = "summary"


class Scope(StrEnum):
    """How far a memory reaches. Project, agent and session lie within the user."""

    TENANT = "tenant"
    USER = "user"
    PROJECT = "project"
    AGENT = "agent"
    SESSION = "session"


class Trust(StrEnum):
    """Where a memory comes from."""

    STATED = "stated"
    OBSERVED = "observed"
    INFERRED = "inferred"
    IMPORTED = "imported"


class Status(StrEnum):
    """Where a memory is in its life. Erased memories leave no row."""

    ACTIVE = "active"
    PENDING = "pending"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    FORGOTTEN = "forgotten"


class ChangeKind(StrEnum):
    """What a change did."""

    REMEMBER = "remember"
    MERGE = "merge"
    SUPERSEDE = "supersede"
    UPDATE = "update"
    RESTORE = "restore"
    FORGET = "forget"
    EXPIRE = "expire"
    ERASE = "erase"


@dataclass(frozen=True, kw_only=True, slots=True)
class Partition:
    """The set of memories that share an owner: one scope of one caller.

    `name` is the project, agent or session id; "" for the tenant and user scopes.
    All parts match `[a-z0-9._-]{1,64}`, so that `str()` is unambiguous.
    """

    tenant: str
    scope: Scope
    user: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.tenant}/{self.scope}/{self.user}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Partition:
        """The partition whose `str()` is `text`."""
        tenant, scope, user, name = text.split("/")
        return cls(tenant=tenant, scope=Scope(scope), user=user, name=name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who is calling and what it may do. `sources` names what decided each part.

    Names match `[a-z0-9._-]{1,64}`; project, agent and session may be "" (none).
    `project_label` is the project as people know it, e.g. `github.com/acme/app`; `zone` is
    the time zone of the caller's days. `notes` are what the caller should know of all this.
    `joined` are other names of the project, by id with their labels: what is there is seen too.
    """

    tenant: str
    user: str
    project: str = ""
    agent: str = ""
    session: str = ""
    client: str = ""
    project_label: str = ""
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    permissions: Permissions = EVERYTHING
    zone: tzinfo = UTC
    notes: tuple[str, ...] = ()
    joined: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def partition(self, scope: Scope) -> Partition | None:
        """The caller's partition in `scope`, or None when it has no part in it."""
        if scope is Scope.TENANT:
            return Partition(tenant=self.tenant, scope=scope)
        if scope is Scope.USER:
            return Partition(tenant=self.tenant, scope=scope, user=self.user)
        name = {"project": self.project, "agent": self.agent, "session": self.session}[scope]
        own = Partition(tenant=self.tenant, scope=scope, user=self.user, name=name)
        return own if name else None

    def at(self, scope: Scope) -> tuple[Partition, ...]:
        """The partitions in `scope` that the caller may see, its own first."""
        own = self.partition(scope)
        if own is None:
            return ()
        others = self.joined if scope is Scope.PROJECT else ()
        return (own, *(replace(own, name=name) for name in others))

    def partitions(self) -> tuple[Partition, ...]:
        """Every partition the caller may see, widest first."""
        return tuple(partition for scope in Scope for partition in self.at(scope))


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """One memory as one of its revisions says it.

    `recorded_at`..`recorded_to` is when the store believed this revision (record time),
    `valid_from`..`valid_to` when the statement held in the world (valid time); both are
    half-open and None means without end. `fingerprint` identifies the key and what is said.
    `merged` is the other wording that this revision took in, "" for none.
    """

    id: str
    revision: int
    partition: Partition
    content: str
    fingerprint: str
    type: Type
    created_at: datetime
    recorded_at: datetime
    valid_from: datetime
    key: str = ""
    importance: float = 0.5
    tags: tuple[str, ...] = ()
    pinned: bool = False
    trust: Trust = Trust.STATED
    status: Status = Status.ACTIVE
    source: str = ""
    metadata: Json = field(default_factory=lambda: NOTHING)
    recorded_to: datetime | None = None
    valid_to: datetime | None = None
    expires_at: datetime | None = None
    evidence: int = 1
    merged: str = ""
    superseded_by: str = ""

    @property
    def scope(self) -> Scope:
        """How far the memory reaches."""
        return self.partition.scope

    @property
    def searched(self) -> str:
        """The text whose words it is found by: its key, if it has one, and its content."""
        return f"{self.key} {self.content}" if self.key else self.content


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One entry of the journal: who did what to which memory, from which client, and why.

    `number` counts the changes of a store from 1 without gaps.
    """

    number: int
    verb: ChangeKind
    memory_id: str
    revision: int
    at: datetime
    user: str
    agent: str
    client: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """One version of a memory, with the change that made it."""

    memory: Memory
    change: Change


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """What one recall searched, what it found, and how each score came about.

    `partitions` are those that were searched; only a caller who sees all of them may
    read the trace. `document` holds ids and numbers, never the text of a memory.
    """

    id: str
    at: datetime
    partitions: tuple[Partition, ...]
    query: str
    memory_ids: tuple[str, ...]
    document: Json
