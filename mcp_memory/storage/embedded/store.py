"""The embedded store: a DuckDB record, a SQLite index, one owner."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

import apsw

from mcp_memory.errors import StoreClosed, StoreDamaged, StoreError
from mcp_memory.model import Change, Erasure, Memory, Partition, Revision, Trace
from mcp_memory.storage import codec
from mcp_memory.storage.contract import (
    Actor,
    Filter,
    Finding,
    Order,
    Proposal,
    Stats,
    VectorSpace,
    Write,
)
from mcp_memory.storage.embedded import (
    chain,
    checks,
    erase,
    recovery,
    schema,
    search,
    selection,
)
from mcp_memory.storage.embedded.codes import Reach
from mcp_memory.storage.embedded.conflicts import refuse_conflicts
from mcp_memory.storage.embedded.faults import is_index_damage, mapped, translate
from mcp_memory.storage.embedded.findings import note, noted, repaired
from mcp_memory.storage.embedded.index import Index
from mcp_memory.storage.embedded.lock import Lock
from mcp_memory.storage.embedded.record import Record
from mcp_memory.storage.embedded.search import Asked

if TYPE_CHECKING:
    from mcp_memory.storage.contract import QueryVector, Windows

_TRACES_MAX = 1_000
BEHIND = "the index has not taken in the newest changes; what they are about is left out"
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
        self._behind: frozenset[str] = frozenset()
        self._reach = Reach()
        with mapped(f"making the folder {home}"):
            for folder in (home, home / "record", home / "index"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = Lock(home)
        try:
            with mapped("opening the store"):
                self._record, self._index = _opened(home, space)
        except BaseException:
            self._lock.release()
            raise

    # --- writing -----------------------------------------------------------------------

    def write(self, request: str, writes: Sequence[Write]) -> list[Change]:
        """See `Store.write`."""
        packed = [self._index.pack(write.vectors) for write in writes]
        with self._writing("writing a memory"):
            done = self._index.changes_of(request) if request else []
            if done or not writes:
                return done
            refuse_conflicts(self._index, writes)
            entries = chain.seal(request, writes, self._record.number, self._record.head)
            self._record.append(entries)
            self._project(entries, packed)
        return [entry.change for entry in entries]

    def embed(self, vectors: Mapping[tuple[str, int], Windows]) -> None:
        """See `Store.embed`."""
        packed = {place: self._index.pack(windows) or [] for place, windows in vectors.items()}
        with self._writing("adding vectors"):
            self._index.embed(packed)

    def erase(self, memory_ids: Sequence[str], actor: Actor) -> Erasure:
        """See `Store.erase`."""
        with self._writing("erasing"):
            # One that failed half way is asked for again: what it left goes first.
            recovery.finish_erasures(self._home, self._record, self._index)
            return erase.erase(self._home, self._record, self._index, memory_ids, actor)

    def _project(
        self, entries: Sequence[chain.Entry], packed: Sequence[list[bytes] | None]
    ) -> None:
        """Tell the index of what the record holds. Should that fail, nothing is lost.

        The index is then behind and catches up before the next use of it.
        """
        try:
            self._index.apply(entries, packed)
        except Exception as error:  # the write is durable: nothing here may say it failed
            self._behind |= {entry.change.memory_id for entry in entries}
            self._note_behind(error)

    def _note_behind(self, error: Exception) -> None:
        note(self._index.findings, noted(f"the index fell behind for a while ({error})"))

    # --- reading -----------------------------------------------------------------------

    def select(
        self, where: Filter, *, order: Order = Order.NEWEST, limit: int = 50, after: str = ""
    ) -> list[Memory]:
        """See `Store.select`."""

        def work(connection: apsw.Connection) -> list[Memory]:
            behind = self._behind
            found = selection.select(connection, where, order, limit + len(behind), after)
            return [memory for memory in found if memory.id not in behind][:limit]

        return self._read(work)

    def history(self, memory_id: str, partitions: Sequence[Partition]) -> list[Revision]:
        """See `Store.history`."""

        def work(connection: apsw.Connection) -> list[Revision]:
            outdated = memory_id in self._behind
            return [] if outdated else selection.history(connection, memory_id, partitions)

        return self._read(work)

    def propose(
        self,
        where: Filter,
        *,
        terms: Sequence[str],
        vector: QueryVector,
        limit: int,
        least: float = -1.0,
    ) -> Proposal:
        """See `Store.propose`."""
        if not callable(vector):
            return self._search(where, terms, None, Asked(vector=vector, limit=limit, least=least))
        # No snapshot is held while the query is embedded: an erase would wait for it.
        heard = self._read(lambda c: (self._mark(c), search.listen(c, where, terms, limit)))
        asked = Asked(vector=vector(), limit=limit, least=least)
        return self._search(where, terms, heard, asked)

    def _search(
        self,
        where: Filter,
        terms: Sequence[str],
        heard: tuple[_Mark, search.Heard] | None,
        asked: Asked,
    ) -> Proposal:
        """Search by vector, and by text unless what was `heard` still holds."""

        def work(connection: apsw.Connection) -> Proposal:
            behind = self._behind
            if heard and heard[0] == self._mark(connection):
                known = heard[1]
            else:
                known = search.listen(connection, where, terms, asked.limit)
            found = search.propose(connection, known, asked, self._reach)
            return _without(found, behind) if behind else found

        return self._read(work)

    def _mark(self, connection: apsw.Connection) -> _Mark:
        """Which state of which index a snapshot shows."""
        return self._index.generation, schema.watermark(connection)[0]

    def unembedded(self, limit: int) -> list[Memory]:
        """See `Store.unembedded`."""
        return self._read(lambda c: selection.unembedded(c, limit))

    def overdue(self, now: datetime, limit: int) -> list[Memory]:
        """See `Store.overdue`."""
        found = self._read(lambda c: selection.overdue(c, now, limit + len(self._behind)))
        return [memory for memory in found if memory.id not in self._behind][:limit]

    def stats(self, partitions: Sequence[Partition]) -> Stats:
        """See `Store.stats`."""
        return self._read(lambda c: selection.stats(c, partitions))

    # --- traces and settings -----------------------------------------------------------

    def save_traces(self, traces: Sequence[Trace]) -> None:
        """See `Store.save_traces`."""
        by_id = {trace.id: codec.trace_document(trace) for trace in traces}
        with self._writing("keeping traces"):
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

    def setting(self, name: str, default: str) -> str:
        """See `Store.setting`."""
        with self._open():
            return self._record.setting(name, default)

    # --- upkeep ------------------------------------------------------------------------

    def check(self) -> list[Finding]:
        """See `Store.check`."""
        with self._writing("checking the store"):
            if fault := checks.index_fault(self._index):
                self._renew(self._index.generation, fault)
            return checks.check(self._home, self._record, self._index)

    def maintain(self) -> None:
        """See `Store.maintain`."""
        with self._writing("tidying up"):
            recovery.finish_erasures(self._home, self._record, self._index)
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
            yield

    @contextmanager
    def _writing(self, doing: str) -> Generator[None]:
        """Alone, with the index in step, and engines' errors turned into ours."""
        with self._open(), mapped(doing):
            self._keep_step()
            yield

    def _read(self, work: Callable[[apsw.Connection], _Found]) -> _Found:
        """Read from the index; one that turns out damaged is made anew first."""
        self._refuse_closed()
        with mapped("reading the index"):
            self._try_to_keep_step()
            generation = self._index.generation
            try:
                with self._index.reading() as connection:
                    return work(connection)
            except apsw.Error as error:
                if not is_index_damage(error):
                    raise
                self._renew(generation, str(error))
                with self._index.reading() as connection:
                    return work(connection)

    def _renew(self, generation: int, fault: str) -> None:
        """Make the index anew, unless somebody else did since this `generation`."""
        with self._open():
            if self._index.generation == generation:
                self._behind = self._record.changed_after(0)
                self._index.renew(f"the index was damaged ({fault})")
                self._try_to_keep_step()
                if not self._behind:  # what was put aside may hold what was erased
                    recovery.finish_erasures(self._home, self._record, self._index)

    def _try_to_keep_step(self) -> None:
        """Catch up unless somebody is at it, who may take long: reads go on without.

        So they do where there is no room to catch up. They leave out what is outdated.
        """
        if self._index.number == self._record.number or not self._guard.acquire(blocking=False):
            return
        try:
            self._refuse_closed()
            self._keep_step()
        except StoreClosed:
            raise
        except Exception as error:  # whatever it is, what the index has can be read
            self._note_behind(error)
        finally:
            self._guard.release()

    def _keep_step(self) -> None:
        self._record.open_again()
        if self._index.number != self._record.number:
            self._behind = self._record.changed_after(self._index.number)
            try:
                _catch_up(self._record, self._index)
            except Exception as error:  # a fault of ours, too, is an error of the store
                if isinstance(error, StoreError):
                    raise
                raise translate("bringing the index up to date", error) from error
        self._behind = frozenset()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreClosed("the store was closed; open it again to go on")


def _without(found: Proposal, behind: frozenset[str]) -> Proposal:
    """What was found without what is outdated, and a note that says so."""
    kept = tuple(c for c in found.candidates if c.memory.id not in behind)
    return replace(found, candidates=kept, notes=(*found.notes, BEHIND))


def _opened(home: Path, space: VectorSpace) -> tuple[Record, Index]:
    index = Index(home / "index", home / "damaged", space)
    record = None
    try:
        record = _record(home, index)
        _put_right(home, record, index)
    except BaseException:
        index.close()
        if record is not None:
            record.close()
        raise
    return record, index


def _put_right(home: Path, record: Record, index: Index) -> None:
    """Bring both in step; an index that turns out damaged is made anew first."""
    try:
        index.findings += recovery.reconcile(record, index)
        recovery.finish_erasures(home, record, index)
    except (apsw.Error, StoreError) as error:
        if not is_index_damage(error):
            raise
        index.renew(f"the index was damaged ({error})")
        index.findings += recovery.reconcile(record, index)
        recovery.finish_erasures(home, record, index)


def _catch_up(record: Record, index: Index) -> None:
    try:
        recovery.catch_up(record, index)
    except apsw.Error as error:
        if not is_index_damage(error):
            raise
        index.renew(f"the index was damaged ({error})")
        recovery.catch_up(record, index)


def _record(home: Path, index: Index) -> Record:
    """The record; a new one, for the index to refill, when the old cannot be opened."""
    try:
        return Record(home / "record", home / "damaged")
    except StoreDamaged as error:
        if not index.number:
            raise
        kept = Record.retire(home / "record", home / "damaged")
        detail = f"{error}; a new record was made from the index, the old is {kept}"
        note(index.findings, repaired(detail))
        return Record(home / "record", home / "damaged")
