"""Builders of real values with sensible defaults, for tests that care about one field."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import ChangeKind, Memory, Partition, Scope, Trace, Type
from mcp_memory.domain.statements import fingerprint
from mcp_memory.storage.contract import (
    Actor,
    Filter,
    Order,
    SearchResult,
    Store,
    VectorSpace,
    Write,
)

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Vector, Windows

STORES = ("in-memory", "embedded")
SPACE = VectorSpace(name="hand-made", dimensions=384, digest="5eed" * 16)
EXACT = 1e-3
"""How far a cosine, or a number of a vector, may be from the exact one."""
START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ACTOR = Actor(user="alice", agent="claude", client="claude-code")

SHARED = Partition(tenant="acme", scope=Scope.TENANT)
ALICE = Partition(tenant="acme", scope=Scope.USER, user="alice")
ALICE_APP = Partition(tenant="acme", scope=Scope.PROJECT, user="alice", name="app")
BOB = Partition(tenant="acme", scope=Scope.USER, user="bob")


class Clock:
    """A clock that moves only when told to. Calling it gives the time."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **amount: float) -> datetime:
        """Move on by `timedelta(**amount)`, one minute by default, and give the new time."""
        self.now += timedelta(**(amount or {"minutes": 1}))
        return self.now


def open_store(kind: str, home: Path) -> Store:
    """A store of this kind, in `home` if it needs a place."""
    # Imported here so that tests of pure functions do not pay for loading the engines.
    if kind == "in-memory":
        from mcp_memory.storage.in_memory import InMemoryStore

        return InMemoryStore(SPACE)
    from mcp_memory.storage.embedded import open_embedded

    return open_embedded(home, SPACE)


def copied_store(kind: str, home: Path, blank: Path) -> Store:
    """The same, of a copy of `blank`: with the identity of every other copy."""
    if kind != "in-memory":
        shutil.copytree(blank, home)
    return open_store(kind, home)


def memory(content: str = "Alice drinks her tea black.", **fields: Any) -> Memory:
    """A new memory of Alice's, recorded at START unless `fields` say otherwise."""
    at = fields.get("recorded_at", START)
    made = Memory(
        id=new_id(),
        revision=1,
        partition=ALICE,
        content=content,
        fingerprint=fingerprint(content, fields.get("key", "")),
        type=Type.FACT,
        created_at=at,
        recorded_at=at,
        valid_from=at,
    )
    return replace(made, **fields)


def revised(before: Memory, **fields: Any) -> Memory:
    """The next revision, a minute later unless `fields` say otherwise."""
    said = {"key": before.key, "content": before.content, **fields}
    changes: dict[str, Any] = {
        "revision": before.revision + 1,
        "recorded_at": before.recorded_at + timedelta(minutes=1),
        "recorded_to": None,
        "fingerprint": fingerprint(said["content"], said["key"]),
    }
    return replace(before, **(changes | fields))


def write(
    made: Memory,
    vectors: Windows | None = None,
    *,
    verb: ChangeKind | None = None,
    reason: str = "",
) -> Write:
    """A write of this revision by ACTOR."""
    verb = verb or (ChangeKind.REMEMBER if made.revision == 1 else ChangeKind.UPDATE)
    return Write(verb=verb, memory=made, actor=ACTOR, reason=reason, vectors=vectors)


def put(store: Store, *memories: Memory, vectors: Sequence[Windows] | None = None) -> None:
    """Store the memories in one batch, with the windows of each if given."""
    windows = vectors or [None] * len(memories)
    store.write(new_id(), [write(m, w) for m, w in zip(memories, windows, strict=True)])


def where(*partitions: Partition, **fields: Any) -> Filter:
    """A filter over Alice's partition, or those given, at START unless `fields` say."""
    return Filter(partitions=partitions or (ALICE,), now=fields.pop("now", START), **fields)


def unit(values: Any) -> Vector:
    """The float32 vector of length one in this direction."""
    vector = np.asarray(values, dtype=np.float64)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def vector(seed: int) -> Vector:
    """A unit vector that depends on the seed alone; two of them are nearly orthogonal."""
    return unit(np.random.default_rng(seed).standard_normal(SPACE.dimensions))


def windows(*seeds: int) -> Windows:
    """One window for each seed."""
    return np.stack([vector(seed) for seed in seeds])


def towards(target: Vector, cosine: float, seed: int) -> Vector:
    """A unit vector whose cosine to `target` is `cosine`; the seed decides the rest."""
    other = vector(seed)
    aside = unit(other - float(other @ target) * target)
    return unit(cosine * target + np.sqrt(1 - cosine**2) * aside)


def trace(query: str = "what does she drink", **fields: Any) -> Trace:
    """A trace of a recall in Alice's partition."""
    made = Trace(
        id=new_id(), at=START, partitions=(ALICE,), query=query, memory_ids=(), document={"k": 10}
    )
    return replace(made, **fields)


def ids(found: Sequence[Memory] | SearchResult) -> list[str]:
    """The ids of memories, or of a proposal's candidates, in order."""
    if isinstance(found, SearchResult):
        return [candidate.memory.id for candidate in found.candidates]
    return [m.id for m in found]


def pages(
    store: Store, asked: Filter, *, order: Order = Order.NEWEST, size: int = 1000
) -> list[Memory]:
    """Everything that matches, read page by page. Fails where a page repeats a memory."""
    seen: list[Memory] = []
    known: set[str] = set()
    while page := store.select(asked, order=order, limit=size, after=seen[-1].id if seen else ""):
        assert len(page) <= size
        assert known.isdisjoint(ids(page)), "a page repeats what an earlier one had"
        known.update(ids(page))
        seen += page
    return seen
