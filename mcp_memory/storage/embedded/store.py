"""The embedded store: a DuckDB record, a SQLite index, one owner."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

import apsw

from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Change, Memory, Partition, Revision, Trace
from mcp_memory.domain.results import EraseReceipt
from mcp_memory.errors import StoreClosed, StoreTooNew
from mcp_memory.storage import codec
from mcp_memory.storage.contract import (
    Actor,
    CheckResult,
    Filter,
    Order,
    Progress,
    SearchResult,
    Stats,
    StoreMetrics,
    VectorSpace,
    Write,
)
from mcp_memory.storage.embedded import erase
from mcp_memory.storage.embedded.group_commit import GroupCommit, Packed, Pending
from mcp_memory.storage.embedded.index import reads, schema, search
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.embedded.index.search import SearchRequest
from mcp_memory.storage.embedded.index.vector_search import DistanceCache
from mcp_memory.storage.embedded.lag import Lag
from mcp_memory.storage.embedded.lock import Lock
from mcp_memory.storage.embedded.ownership import Ownership
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.repair import health, rebuild_record, recovery, verify
from mcp_memory.storage.embedded.shared import hash_chain
from mcp_memory.storage.embedded.shared.errors import is_index_damage, mapped
from mcp_memory.storage.embedded.sync import IndexSync

if TYPE_CHECKING:
    from mcp_memory.storage.contract import QueryVector, Windows

_TRACES_MAX = 1_000
_REBUILT_AT_ONCE = 200
_Found = TypeVar("_Found")
_Mark = tuple[int, int]


class EmbeddedStore:
    """A Store in one folder; see `mcp_memory.storage.contract.Store`."""

    def __init__(self, home: Path, space: VectorSpace) -> None:
        """Open or create the store in `home`, repairing what a crash left.

        Raises StoreLocked, StoreTooNew, StoreDamaged, StoreFull, MigrationFailed.
        """
        self._home = home
        self._guard = RLock()
        self._closed = False
        self._reach = DistanceCache()
        with mapped(f"making the folder {home}"):
            for folder in (home, home / "record", home / "index"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = Lock(home)
        try:
            with mapped("opening the store"):
                self._record, self._index = _opened(home, space)
                self._step = IndexSync(home, self._record, self._index)
                self._holding = Ownership(self._lock, self._record, self._index, self._step)
        except BaseException:
            self._lock.release()
            raise
        self._commits = GroupCommit(
            self._record,
            self._index,
            alone=lambda: self._writing("writing a memory"),
            project=self._project,
        )

    # --- writing -----------------------------------------------------------------------

    def write(self, request: str, writes: Sequence[Write]) -> list[Change]:
        """See `Store.write`."""
        packed = [self._index.pack(write.vectors) for write in writes]
        return self._commits.write(Pending(request=request, writes=writes, packed=packed))

    def _project(self, entries: Sequence[hash_chain.Entry], packed: Sequence[Packed]) -> None:
        """Tell the index of a commit, once that is known to be where it will be found."""
        with mapped("looking after the record"):
            self._holding.assure_written(entries[-1].head)
        self._step.project(entries, packed)

    def embed(self, vectors: Mapping[tuple[str, int], Windows]) -> None:
        """See `Store.embed`."""
        packed = {place: self._index.pack(windows) or [] for place, windows in vectors.items()}
        with self._writing("adding vectors"):
            self._index.embed(packed)

    def erase(self, memory_ids: Sequence[str], actor: Actor) -> EraseReceipt:
        """See `Store.erase`."""
        with self._writing("erasing"):
            # One that failed half way is asked for again: what it left goes first.
            self._step.finish_erasures()
            return erase.erase(self._home, self._record, self._index, memory_ids, actor)

    # --- reading -----------------------------------------------------------------------

    def select(
        self, where: Filter, *, order: Order = Order.NEWEST, limit: int = 50, after: str = ""
    ) -> list[Memory]:
        """See `Store.select`."""

        def work(connection: apsw.Connection) -> list[Memory]:
            def find(most: int) -> list[Memory]:
                return reads.select(connection, where, order, most, after)

            return self._lag(connection).shown(find, limit)

        behind = (i for i in self._step.lag.last if ending(i) in where.endings)
        return self._read(work, (*where.ids, *behind))

    def history(self, memory_id: str, partitions: Sequence[Partition]) -> list[Revision]:
        """See `Store.history`."""

        def work(connection: apsw.Connection) -> list[Revision]:
            is_hidden = self._lag(connection).hides(memory_id)
            return [] if is_hidden else reads.history(connection, memory_id, partitions)

        return self._read(work, (memory_id,))

    def reasons(self, partitions: Sequence[Partition], *, after: int, limit: int) -> list[Change]:
        """See `Store.reasons`."""
        return self._read(lambda c: reads.reasons(c, partitions, after, limit))

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
        """See `Store.propose`."""
        if not callable(vector):
            asked = SearchRequest(vector=vector, limit=limit, least=least, reach=reach)
            return self._search(where, terms, None, asked)
        # No snapshot is held while the query is embedded: an erase would wait for it.
        heard = self._read(lambda c: (self._mark(c), search.listen(c, where, terms, limit)))
        asked = SearchRequest(vector=vector(), limit=limit, least=least, reach=reach)
        return self._search(where, terms, heard, asked)

    def _search(
        self,
        where: Filter,
        terms: Sequence[str],
        heard: tuple[_Mark, search.TextHits] | None,
        asked: SearchRequest,
    ) -> SearchResult:
        """Search by vector, and by text unless what was `heard` still holds."""

        def work(connection: apsw.Connection) -> SearchResult:
            lag = self._lag(connection)
            if heard and heard[0] == self._mark(connection):
                known = heard[1]
            else:
                known = search.listen(connection, where, terms, asked.limit)
            return lag.without(search.propose(connection, known, asked, self._reach))

        return self._read(work)

    def _mark(self, connection: apsw.Connection) -> _Mark:
        """Which state of which index a snapshot shows."""
        return self._index.generation, schema.watermark(connection)[0]

    def _lag(self, connection: apsw.Connection) -> Lag:
        """What a snapshot shows as it no longer is."""
        lag = self._step.lag
        return lag.at(schema.watermark(connection)[0]) if lag.last else lag

    def unembedded(self, limit: int) -> list[Memory]:
        """See `Store.unembedded`."""
        return self._read(lambda c: reads.unembedded(c, limit))

    def overdue(self, now: datetime, limit: int) -> list[Memory]:
        """See `Store.overdue`."""
        return self._read(
            lambda c: self._lag(c).shown(lambda most: reads.overdue(c, now, most), limit)
        )

    def stats(self, partitions: Sequence[Partition]) -> Stats:
        """See `Store.stats`."""
        return self._read(lambda c: reads.stats(c, partitions))

    def held(self) -> Mapping[Partition, int]:
        """See `Store.held`."""
        return self._read(reads.held)

    def figures(self) -> StoreMetrics:
        """See `Store.figures`."""
        return self._read(lambda c: reads.figures(c, self._record.number))

    # --- traces and settings -----------------------------------------------------------

    def save_traces(self, traces: Sequence[Trace]) -> None:
        """See `Store.save_traces`."""
        by_id = {trace.id: codec.trace_document(trace) for trace in traces}
        with self._open(), mapped("keeping traces"):
            if by_id:
                documents = codec.canonical(list(by_id.values()))
                self._record.save_traces(list(by_id), documents, _TRACES_MAX)

    def trace(self, trace_id: str, partitions: Sequence[Partition]) -> Trace | None:
        """See `Store.trace`."""
        with self._open():
            document = self._record.trace(trace_id)
        if document is None:
            return None
        trace = codec.trace_of(json.loads(document))
        return trace if set(trace.partitions) <= set(partitions) else None

    def traces_of(self, of: Partition, seen: Sequence[Partition], limit: int) -> list[Trace]:
        """See `Store.traces_of`."""
        with self._open():
            found = self._record.traces_of(str(of), [str(p) for p in seen], limit)
        return [codec.trace_of(json.loads(document)) for document in found]

    def setting(self, name: str, default: str) -> str:
        """See `Store.setting`."""
        with self._open():
            return self._record.setting(name, default)

    # --- upkeep ------------------------------------------------------------------------

    def check(self) -> list[CheckResult]:
        """See `Store.check`."""
        with self._writing("checking the store"):
            faults = health.Faults(record=recovery.secure(self._record, self._index))
            self._step.catch_up()
            if fault := verify.index_fault(self._index):
                self._renew(self._index.generation, fault)
                self._step.catch_up()
                faults.index = verify.index_fault(self._index)
            return health.check(self._home, self._record, self._index, faults)

    def lag(self) -> str:
        """See `Store.lag`."""
        self._refuse_closed()
        return self._step.lag.at(self._index.number).note

    def catch_up(self, changes_max: int | None = None) -> int:
        """See `Store.catch_up`."""
        self._refuse_closed()
        if not self._step.lag.last:  # nobody has to wait for a write that is on its way
            return 0
        with self._open(), mapped("bringing the index up to date"):
            return self._step.catch_up(changes_max)

    def rebuild(self, progress: Progress) -> int:
        """See `Store.rebuild`."""
        with self._open(), mapped("making the index anew"):
            self._step.begin_again()
            total = left = self._step.behind
        while left:
            left = self.catch_up(_REBUILT_AT_ONCE)
            progress(total - min(left, total), total)
        with self._writing("making the index anew"):
            self._step.finish_erasures()
            return self._index.counts()["unembedded"]

    def maintain(self) -> None:
        """See `Store.maintain`."""
        with self._writing("tidying up"):
            self._step.finish_erasures()
            if self._record.is_due():
                self._record.compact()
            self._index.tidy()

    def close(self) -> None:
        """See `Store.close`."""
        with self._guard:
            if not self._closed:
                self._closed = True
                self._index.close()
                self._record.close()
                self._lock.release()

    @contextmanager
    def _open(self) -> Generator[None]:
        with self._guard:
            self._refuse_closed()
            with mapped("looking after the store's files"):
                self._holding.assure()
            yield

    @contextmanager
    def _writing(self, doing: str) -> Generator[None]:
        """Alone, with the index in step, and engines' errors turned into ours."""
        with self._open(), mapped(doing):
            self._step.catch_up()
            yield

    def _read(self, work: Callable[[apsw.Connection], _Found], ids: Collection[str] = ()) -> _Found:
        """Read from the index; one that turns out damaged is made anew first.

        `ids` are the memories asked for by name, which it must know of.
        """
        self._refuse_closed()
        with mapped("reading the index"):
            if self._index.displaced():
                with self._open():  # which puts it in its place
                    pass
            self._try_to_catch_up(ids)
            generation = self._index.generation
            try:
                with self._index.reading() as connection:
                    return work(connection)
            except (apsw.Error, UnicodeDecodeError) as error:
                if not is_index_damage(error):
                    raise
                self._renew(generation, str(error))
                self._try_to_catch_up(ids)
                with self._index.reading() as connection:
                    return work(connection)

    def _renew(self, generation: int, fault: str) -> None:
        """Make the index anew, unless somebody else did since this `generation`."""
        with self._open():
            if self._index.generation == generation:
                self._step.begin_again(fault)
                if self._step.behind <= recovery.AT_ONCE_MAX:
                    self._step.try_to_catch_up()
                if not self._step.behind:  # what was put aside may hold what was erased
                    self._step.finish_erasures()

    def _try_to_catch_up(self, ids: Collection[str]) -> None:
        """Catch up unless somebody is at it, or it would take long: reads go on without.

        So they do where there is no room to catch up. They leave out what is outdated. Yet
        to say that there is no memory with an id takes an index that knows of it.
        """
        is_named = any(map(self._step.lag.last.__contains__, ids))
        if not is_named and not 0 < self._step.behind <= recovery.AT_ONCE_MAX:
            return
        if not self._guard.acquire(blocking=is_named):
            return
        try:
            with self._open():
                self._step.try_to_catch_up()
        finally:
            self._guard.release()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreClosed("the store was closed; open it again to go on")


def _opened(home: Path, space: VectorSpace) -> tuple[Record, Index]:
    index = _index(home, space)
    record = None
    try:
        record = Record(home / "record", home / "damaged")
        recovery.put_right(home, record, index)
        record.mend = partial(rebuild_record.mend, record, index)
    except BaseException:
        index.close()
        if record is not None:
            record.close()
        raise
    return record, index


def _index(home: Path, space: VectorSpace) -> Index:
    """The index; one that says it is too new, beside a record that is not, is damaged."""
    try:
        return Index(home / "index", home / "damaged", space)
    except StoreTooNew:
        Record(home / "record", home / "damaged").close()
        Index.retire(home / "index", home / "damaged")
        return Index(home / "index", home / "damaged", space)
