"""The Store contract: what a place for memories must be able to do.

A store keeps and finds; it knows no policy. One suite of tests, `tests/contract`, runs
on every store. All calls are synchronous and may come from any thread. Every time is
aware and in UTC, every vector is float32, of unit length.

Every read takes the partitions that the caller may see, and the search itself is
confined to them: a store never filters by owner after it has searched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from mcp_memory.domain.memory import (
    NOTHING,
    Change,
    ChangeKind,
    Json,
    Memory,
    Partition,
    Revision,
    Status,
    Trace,
    Type,
)
from mcp_memory.domain.results import EraseReceipt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    """One unit vector, shape (dimensions,)."""
    Windows = NDArray[np.float32]
    """The vectors of one text's overlapping windows, shape (windows, dimensions)."""
    QueryVector = Vector | Callable[[], Vector | None] | None
    """A vector to search for, or a function that gives it when it is needed; None for none."""


Progress = Callable[[int, int], None]
"""Called with how much of how much is done; may raise to stop the work, and goes through."""


class Order(StrEnum):
    """How `select` sorts. Ties are broken by id, newest first."""

    NEWEST = "newest"
    """By `recorded_at`, latest first."""
    IMPORTANT = "important"
    """Pinned first, then by importance, then newest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who makes a change, for the journal."""

    user: str
    agent: str
    client: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One new revision of one memory.

    `memory.revision` is 1 for a new memory, else one more than the current revision.
    `vectors` are None when the text has not been embedded yet; when the content is that
    of the revision before, a store keeps the vectors it has.
    """

    verb: ChangeKind
    memory: Memory
    actor: Actor
    reason: str = ""
    vectors: Windows | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which memories a read may return; an empty field does not restrict.

    Without `as_of`, the current revision of each memory whose status is in `statuses`
    (empty: any) and, unless "expired" is among `statuses` or `statuses` is empty, that
    has not expired at `now`. With `as_of`, the revision recorded by then, if its status
    is in `statuses`, its validity contains that moment and it had not expired; yet only
    of a memory whose current revision is in `partitions` too.

    `tags` must all be present; `types`, `ids`, `endings` (the last 8 characters of an id) and
    `fingerprints` match any; `key` matches however it is spelt (`statements.slot_of`).
    `metadata` must be contained (top-level members equal). `since` (inclusive) and `until`
    (exclusive) bound `recorded_at` (with `as_of`: of that revision), `begins_since` and
    `begins_until` in the same way `valid_from`.
    """

    partitions: tuple[Partition, ...]
    now: datetime
    statuses: tuple[Status, ...] = (Status.ACTIVE,)
    ids: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    key: str = ""
    types: tuple[Type, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Json = field(default_factory=lambda: NOTHING)
    since: datetime | None = None
    until: datetime | None = None
    begins_since: datetime | None = None
    begins_until: datetime | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A memory that a search proposes, with what ranking needs to score it.

    `terms` are those of its key and text, in order, repeats included (see `domain.text.terms`).
    `similarity` is the cosine to the query of its best window, to three decimals at least,
    and `vector` that window; both None when there is no query vector or the memory has none.
    """

    memory: Memory
    terms: tuple[str, ...]
    similarity: float | None
    vector: Vector | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    """Statistics of the searched partitions, for text scoring.

    Over their current, active memories: how many, how many terms in all, and in how
    many of them each asked term occurs. Other partitions never count.
    """

    memories: int
    terms: int
    frequencies: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """What a search proposes. `notes` say where it was cut short, "" never."""

    candidates: tuple[Candidate, ...]
    corpus: Corpus
    unembedded: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """Counts of current memories in the given partitions."""

    by_status: Mapping[str, int]
    by_type: Mapping[str, int]
    by_scope: Mapping[str, int]
    revisions: int
    unembedded: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreMetrics:
    """Counts over the whole store, for whoever runs it.

    `memories` are the active ones, `unembedded` the revisions that wait for vectors,
    `changes` the entries of the journal, `changes_read` those that reads have taken in.
    """

    memories: int
    unembedded: int
    changes: int
    changes_read: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckResult:
    """One thing a check looked at. `advice` says what to do when it is not `ok`."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorSpace:
    """Which model made the vectors; those of different models are never compared."""

    name: str
    dimensions: int
    digest: str


class Store(Protocol):
    """A place for memories."""

    def write(self, request: str, writes: Sequence[Write]) -> list[Change]:
        """Make all the writes durable in one transaction, or none, and return the journal.

        Writes apply in order; a batch may hold several revisions of one memory. Each
        ends the revision before it: that one's `recorded_to` becomes its `recorded_at`.

        `request` identifies the call: a request that was written before is not written
        again, and its journal entries are returned. At most one active memory per
        partition has a given key, however spelt, and at most one a given fingerprint, after
        the whole batch. Raises WriteConflict where that or a revision number does not hold,
        StoreFull when there is no room.
        """
        ...

    def select(
        self, where: Filter, *, order: Order = Order.NEWEST, limit: int = 50, after: str = ""
    ) -> list[Memory]:
        """The memories that match, sorted; `after` is the id of the last one seen.

        Nothing comes after an id that is unknown or not visible in the filter's partitions.
        """
        ...

    def history(self, memory_id: str, partitions: Sequence[Partition]) -> list[Revision]:
        """Every revision of a memory, oldest first; [] when its current one is not visible.

        Revisions from when it was in a partition that is not visible are left out.
        """
        ...

    def reasons(self, partitions: Sequence[Partition], *, after: int, limit: int) -> list[Change]:
        """The changes whose reasons `history` tells, of all memories; by number, `after` one."""
        ...

    def propose(
        self,
        where: Filter,
        *,
        terms: Sequence[str],
        vector: QueryVector,
        limit: int,
        least: float = -1.0,
        reach: int = 0,
    ) -> SearchResult:
        """Search by text and by vector, within `where`.

        A `vector` that is a function may take its time, for nothing waits for it: a query
        can be embedded while the text is searched. What it is compared with is what there
        is when it returns.

        Returns the union of about `limit` best matches of each half; by vector, what is
        less similar than `least` may be left out, which can be much faster. Added to these
        is what was said at most `reach` places before or after one of them in the same
        conversation (see `domain.conversation`) and partition. Terms beyond 64 are ignored.

        A large store may search approximately, so long as what is clearly best is always
        among what it proposes; the scores and statistics it gives are exact.
        """
        ...

    def unembedded(self, limit: int) -> list[Memory]:
        """Revisions that wait for vectors, newest first, of all partitions."""
        ...

    def overdue(self, now: datetime, limit: int) -> list[Memory]:
        """Active memories of all partitions whose `expires_at` is at or before `now`."""
        ...

    def embed(self, vectors: Mapping[tuple[str, int], Windows]) -> None:
        """Add vectors by (memory id, revision). What no longer exists is passed over."""
        ...

    def erase(self, memory_ids: Sequence[str], actor: Actor) -> EraseReceipt:
        """Remove memories with their history for good, from every file.

        When it returns, the data folder holds neither their text, key, terms nor
        vectors. Traces that mention them go too, and those of who could see them, whose query
        or filters share a term with them; only the former are counted. The journal keeps that,
        when and by whom they were erased.
        """
        ...

    def save_traces(self, traces: Sequence[Trace]) -> None:
        """Keep traces, the newest 1,000 of all."""
        ...

    def trace(self, trace_id: str, partitions: Sequence[Partition]) -> Trace | None:
        """The trace, if all the partitions it searched are among those given."""
        ...

    def traces_of(self, of: Partition, seen: Sequence[Partition], limit: int) -> list[Trace]:
        """The newest traces that have a partition, newest first, that `trace` gives for `seen`."""
        ...

    def setting(self, name: str, default: str) -> str:
        """The stored value of a setting; the first call stores `default`."""
        ...

    def stats(self, partitions: Sequence[Partition]) -> Stats:
        """Counts over the given partitions."""
        ...

    def held(self) -> Mapping[Partition, int]:
        """Every partition that anything was written to, and its number of active memories."""
        ...

    def figures(self) -> StoreMetrics:
        """Counts over the whole store, cheap enough to be asked every few seconds."""
        ...

    def check(self) -> list[CheckResult]:
        """Verify the store: readable, whole, record and index in agreement."""
        ...

    def lag(self) -> str:
        """How far reads are behind what was written, in words; "" when they are not.

        Only a store that was found damaged, or could not follow, is. Reads then leave out
        what is outdated; a write, and a read that names a memory by id, catch up first.
        """
        ...

    def catch_up(self, changes_max: int | None = None) -> int:
        """Let reads take in what they are behind by, or so many changes; how many are left.

        Cheap while there are none.
        """
        ...

    def rebuild(self, progress: Progress) -> int:
        """Make anew, from what is durable, all that reads are answered from, but for vectors.

        How many revisions wait for their vectors then. `progress` counts changes, and is
        called between batches of them, while others may read and write. When it raises,
        what is left is caught up with as at any other time.
        """
        ...

    def maintain(self) -> None:
        """Do the housekeeping that is due. Safe to call at any time."""
        ...

    def close(self) -> None:
        """Release files and locks. Nothing acknowledged is lost without it."""
        ...
