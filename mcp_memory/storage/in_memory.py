"""A store in the memory of one process: complete, brute force, gone when closed.

It answers as every other store does, and is for tests and for trying things out.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from mcp_memory.domain import text
from mcp_memory.domain.memory import Change, Json, Memory, Partition, Revision, Status, Trace
from mcp_memory.domain.results import EraseReceipt
from mcp_memory.errors import InvalidInput, StoreClosed, WriteConflict
from mcp_memory.storage import codec
from mcp_memory.storage.brute_force import Row, candidate, text_scorer, top, vector_scorer
from mcp_memory.storage.contract import (
    Actor,
    CheckResult,
    Corpus,
    Filter,
    Order,
    Progress,
    SearchResult,
    Stats,
    StoreMetrics,
    VectorSpace,
    Write,
)
from mcp_memory.storage.filtering import (
    Slot,
    claim,
    is_current,
    is_in_sight,
    last_seen,
    matches,
    placed,
    places_around,
    slots,
    sort_key,
    traces_of,
    traces_to_drop,
)

if TYPE_CHECKING:
    from mcp_memory.storage.contract import QueryVector, Windows

_TRACES_MAX = 1000


class InMemoryStore:
    """A Store that keeps everything in dictionaries, behind one lock."""

    def __init__(self, space: VectorSpace) -> None:
        self._space = space
        self._lock = Lock()
        self._closed = False
        self._rows: dict[str, list[Row]] = {}
        self._journal: list[Change] = []
        self._requests: dict[str, range] = {}
        self._traces: dict[str, Trace] = {}
        self._settings: dict[str, str] = {}

    def write(self, request: str, writes: Sequence[Write]) -> list[Change]:
        """Make all the writes, or none, and return the journal; see `Store.write`."""
        with self._open():
            if request and request in self._requests:
                return [self._journal[number - 1] for number in self._requests[request]]
            first = len(self._journal) + 1
            staged: dict[str, list[Row]] = {}
            for number, write in enumerate(writes, start=first):
                known = self._rows.get(write.memory.id, [])
                self._append(staged.setdefault(write.memory.id, list(known)), write, number)
            self._refuse_twins(staged)
            changes = [codec.journalled(write, n) for n, write in enumerate(writes, start=first)]
            self._rows.update(staged)
            self._journal.extend(changes)
            if request:
                self._requests[request] = range(first, first + len(changes))
            return changes

    def select(
        self, where: Filter, *, order: Order = Order.NEWEST, limit: int = 50, after: str = ""
    ) -> list[Memory]:
        """The memories that match, sorted; see `Store.select`."""
        with self._open():
            found = [row.memory for row in self._matching(where)]
            seen = last_seen([row.memory for row in self._rows.get(after, [])], where)
        if after:
            before = sort_key(seen, order) if seen else None
            found = [memory for memory in found if before and sort_key(memory, order) < before]
        return sorted(found, key=lambda memory: sort_key(memory, order), reverse=True)[:limit]

    def history(self, memory_id: str, partitions: Sequence[Partition]) -> list[Revision]:
        """Every visible revision of a memory, oldest first; see `Store.history`."""
        with self._open():
            return self._history(memory_id, partitions)

    def reasons(self, partitions: Sequence[Partition], *, after: int, limit: int) -> list[Change]:
        """The changes of which `history` tells a reason; see `Store.reasons`."""
        with self._open():
            seen = [r.change for i in self._rows for r in self._history(i, partitions)]
        found = [change for change in seen if change.reason and change.number > after]
        return sorted(found, key=lambda change: change.number)[:limit]

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
        """The `limit` best by text and the `limit` best by vector; see `Store.propose`."""
        asked = tuple(dict.fromkeys(terms[: text.QUERY_TERMS_MAX]))
        near = vector() if callable(vector) else vector
        with self._open():
            rows = list(self._matching(where))
            corpus = self._corpus(where.partitions, asked)
        best: dict[str, Row] = {}
        for score in (text_scorer(asked, corpus), vector_scorer(near)):
            best.update((row.memory.id, row) for row in top(rows, score, limit))
        around = places_around((row.memory for row in best.values()), reach)
        best.update((row.memory.id, row) for row in rows if placed(row.memory) in around)
        return SearchResult(
            candidates=tuple(candidate(row, near) for row in best.values()),
            corpus=corpus,
            unembedded=sum(row.windows is None for row in rows),
        )

    def unembedded(self, limit: int) -> list[Memory]:
        """Revisions that wait for vectors, newest first."""
        with self._open():
            waiting = [row.memory for row in self._revisions() if row.windows is None]
        waiting.sort(key=lambda m: (m.recorded_at, m.id, m.revision), reverse=True)
        return waiting[:limit]

    def overdue(self, now: datetime, limit: int) -> list[Memory]:
        """Active memories whose `expires_at` is at or before `now`, longest overdue first."""
        with self._open():
            due = [
                (memory.expires_at, memory.id, memory)
                for memory in self._current()
                if memory.status is Status.ACTIVE
                and memory.expires_at is not None
                and memory.expires_at <= now
            ]
        return [memory for *_, memory in heapq.nsmallest(limit, due)]

    def embed(self, vectors: Mapping[tuple[str, int], Windows]) -> None:
        """Add vectors by (memory id, revision); see `Store.embed`."""
        with self._open():
            checked = {place: self._checked(windows) for place, windows in vectors.items()}
            for (memory_id, revision), windows in checked.items():
                rows = self._rows.get(memory_id, [])
                if 1 <= revision <= len(rows):
                    rows[revision - 1] = replace(rows[revision - 1], windows=windows)

    def erase(self, memory_ids: Sequence[str], actor: Actor) -> EraseReceipt:
        """Remove memories with their history and traces for good; see `Store.erase`."""
        with self._open():
            erased = {i: self._rows.pop(i) for i in dict.fromkeys(memory_ids) if i in self._rows}
            rows = [row for revisions in erased.values() for row in revisions]
            doomed, traces = traces_to_drop([*self._traces.values()], [r.memory for r in rows])
            for trace_id in doomed:
                del self._traces[trace_id]
            entries = self._blank_journal(erased.keys())
            for memory_id, revisions in erased.items():
                number, at = len(self._journal) + 1, datetime.now(UTC)
                revision = revisions[-1].memory.revision
                self._journal.append(codec.erased(memory_id, revision, actor, number, at))
        return EraseReceipt(
            memories=len(erased),
            revisions=len(rows),
            journal_entries=entries,
            traces=traces,
            index_entries=len(rows),
            vectors=sum(len(row.windows) for row in rows if row.windows is not None),
            files=(),
        )

    def save_traces(self, traces: Sequence[Trace]) -> None:
        """Keep traces, the newest 1,000 of all."""
        with self._open():
            self._traces.update((trace.id, trace) for trace in traces)
            for old in sorted(self._traces.values(), key=lambda t: (t.at, t.id))[:-_TRACES_MAX]:
                del self._traces[old.id]

    def trace(self, trace_id: str, partitions: Sequence[Partition]) -> Trace | None:
        """The trace, if all the partitions it searched are among those given."""
        with self._open():
            trace = self._traces.get(trace_id)
        return trace if trace and set(trace.partitions) <= set(partitions) else None

    def traces_of(self, of: Partition, seen: Sequence[Partition], limit: int) -> list[Trace]:
        """See `Store.traces_of`."""
        with self._open():
            return traces_of(self._traces.values(), of, seen, limit)

    def setting(self, name: str, default: str) -> str:
        """The stored value of a setting; the first call stores `default`."""
        with self._open():
            return self._settings.setdefault(name, default)

    def stats(self, partitions: Sequence[Partition]) -> Stats:
        """Counts over the given partitions."""
        with self._open():
            rows = [row for row in self._revisions() if row.memory.partition in partitions]
        current = [row for row in rows if is_current(row.memory)]
        return Stats(
            by_status=Counter(str(row.memory.status) for row in current),
            by_type=Counter(str(row.memory.type) for row in current),
            by_scope=Counter(str(row.memory.scope) for row in current),
            revisions=len(rows),
            unembedded=sum(row.windows is None for row in current),
        )

    def held(self) -> Mapping[Partition, int]:
        """Every partition with its number of active memories."""
        with self._open():
            found = Counter({row.memory.partition: 0 for row in self._revisions()})
            found.update(m.partition for m in self._current() if m.status is Status.ACTIVE)
        return found

    def figures(self) -> StoreMetrics:
        """Counts over the whole store; reads are never behind."""
        with self._open():
            active = sum(memory.status is Status.ACTIVE for memory in self._current())
            waiting = sum(row.windows is None for row in self._revisions())
            n = len(self._journal)
        return StoreMetrics(memories=active, unembedded=waiting, changes=n, changes_read=n)

    def check(self) -> list[CheckResult]:
        """Verify that every revision has the journal entry that made it."""
        with self._open():
            rows = list(self._revisions())
            strays = sum(self._journal[r.change - 1].memory_id != r.memory.id for r in rows)
        return [
            CheckResult(
                name="journal",
                ok=not strays,
                detail=f"{len(rows)} revisions, {strays} without their journal entry",
                advice="close this store and open a new one" if strays else "",
            )
        ]

    def lag(self) -> str:
        """Reads are never behind; see `Store.lag`."""
        with self._open():
            return ""

    def catch_up(self, changes_max: int | None = None) -> int:
        """There is never anything to take in; see `Store.catch_up`."""
        with self._open():
            return 0

    def rebuild(self, progress: Progress) -> int:
        """There is nothing to be made anew; see `Store.rebuild`."""
        with self._open():
            total = len(self._journal)
            waiting = sum(row.windows is None for row in self._revisions())
        if total:
            progress(total, total)
        return waiting

    def maintain(self) -> None:
        """Nothing is ever due; see `Store.maintain`."""
        with self._open():
            pass

    def close(self) -> None:
        """Drop everything; every later call raises StoreClosed."""
        with self._lock:
            self._closed = True
            self._rows.clear()
            self._traces.clear()

    @contextmanager
    def _open(self) -> Generator[None, None, None]:
        with self._lock:
            if self._closed:
                raise StoreClosed("the store was closed; open it again to go on")
            yield

    def _revisions(self) -> Iterator[Row]:
        for revisions in self._rows.values():
            yield from revisions

    def _history(self, memory_id: str, partitions: Sequence[Partition]) -> list[Revision]:
        rows = self._rows.get(memory_id, [])
        if not rows or rows[-1].memory.partition not in partitions:
            return []
        return [
            Revision(memory=row.memory, change=self._journal[row.change - 1])
            for row in rows
            if row.memory.partition in partitions
        ]

    def _matching(self, where: Filter) -> Iterator[Row]:
        for revisions in self._rows.values():
            if is_in_sight(revisions[-1].memory, where):
                yield from (row for row in revisions if matches(row.memory, where))

    def _current(self) -> Iterator[Memory]:
        return (revisions[-1].memory for revisions in self._rows.values())

    def _append(self, rows: list[Row], write: Write, number: int) -> None:
        memory = write.memory
        last = rows[-1] if rows else None
        current = last.memory.revision if last else 0
        if memory.revision != current + 1:
            raise WriteConflict(
                f"memory '{memory.id}' is at revision {current}, so revision {memory.revision}"
                " cannot follow; read it again and retry"
            )
        windows = None if write.vectors is None else self._checked(write.vectors)
        if last:
            if windows is None and last.memory.content == memory.content:
                windows = last.windows
            rows[-1] = replace(last, memory=replace(last.memory, recorded_to=memory.recorded_at))
        kept = replace(memory, recorded_to=None, metadata=_own(memory.metadata))
        terms = tuple(text.terms(memory.searched))
        rows.append(Row(memory=kept, change=number, terms=terms, windows=windows))

    def _refuse_twins(self, staged: Mapping[str, list[Row]]) -> None:
        claimed: set[Slot] = set()
        for memory in (revisions[-1].memory for revisions in staged.values()):
            claim(claimed, memory)
        for memory in self._current():
            if memory.id not in staged and not claimed.isdisjoint(slots(memory)):
                claim(claimed, memory)

    def _checked(self, windows: Windows) -> Windows:
        """Our own, unchangeable copy. Raises InvalidInput for another space's vectors."""
        copy = np.array(windows, dtype=np.float32)
        width = self._space.dimensions
        if copy.ndim != 2 or copy.shape[1] != width or not np.isfinite(copy).all():
            expected = f"expected finite rows of {width} numbers, as '{self._space.name}' makes"
            raise InvalidInput("vectors", copy.shape, expected)
        copy.flags.writeable = False
        return copy

    def _corpus(self, partitions: Sequence[Partition], asked: Sequence[str]) -> Corpus:
        rows = [
            row
            for row in (revisions[-1] for revisions in self._rows.values())
            if row.memory.partition in partitions and row.memory.status is Status.ACTIVE
        ]
        having = Counter(term for row in rows for term in set(asked).intersection(row.terms))
        return Corpus(
            memories=len(rows),
            terms=sum(len(row.terms) for row in rows),
            frequencies={term: having[term] for term in asked},
        )

    def _blank_journal(self, memory_ids: Iterable[str]) -> int:
        ids = set(memory_ids)
        entries = [change for change in self._journal if change.memory_id in ids]
        for change in entries:
            self._journal[change.number - 1] = replace(change, reason="")
        return len(entries)


def _own(metadata: Json) -> Json:
    """A copy of the JSON object that its giver cannot change."""
    return MappingProxyType(json.loads(json.dumps(dict(metadata))))
