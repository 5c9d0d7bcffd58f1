"""The index: what reads are answered from, in SQLite. A projection of the record.

The store's lock guards all that writes; reads go through `reading` from any thread.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from mcp_memory.domain.memory import Change, Memory
from mcp_memory.storage import codec, queries
from mcp_memory.storage.contract import VectorSpace
from mcp_memory.storage.embedded.index import projection, reads, schema, vector_format
from mcp_memory.storage.embedded.index.connection import (
    BUSY_MS,
    Readers,
    connect,
    full_told,
    rows,
    transaction,
)
from mcp_memory.storage.embedded.shared.errors import may_be_index_damage
from mcp_memory.storage.embedded.shared.file_identity import FileIdentity
from mcp_memory.storage.embedded.shared.files import set_aside, shown
from mcp_memory.storage.embedded.shared.hash_chain import GENESIS, Entry
from mcp_memory.storage.embedded.shared.migrations import Unnumbered
from mcp_memory.storage.embedded.shared.repair_log import CheckResults, note, noted, repaired
from mcp_memory.storage.embedded.shared.watermark import WatermarkFile

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Windows

_Q = queries.load(schema.SQL / "queries.sql")


class Index:
    """Vectors, full text and the whole documents, up to a watermark in the journal."""

    number: int
    """The change up to which the index is true."""
    head: bytes
    """The head of the chain there."""
    generation: int
    """How often it was made anew; what was read from another one no longer counts."""

    def __init__(self, folder: Path, damaged: Path, space: VectorSpace) -> None:
        """Open or create the index; one that is damaged is put aside in `damaged`.

        `findings` says so, and so when its vectors were those of another model.
        """
        self.findings = CheckResults(damaged.parent)
        self.watermark_file = WatermarkFile(damaged.parent)
        self.path = folder / "index.sqlite"
        self.generation = 0
        self._damaged = damaged
        self._space = space
        self._readers = Readers(self.path)
        try:
            self._open()
        except Exception as error:
            if not may_be_index_damage(error):
                raise
            is_numbered = not isinstance(error, Unnumbered)
            what = "could not be opened" if is_numbered else "has a schema number that is none"
            self.renew(f"the index {what}", error)

    @staticmethod
    def retire(folder: Path, damaged: Path) -> None:
        """Put aside an index that cannot be used."""
        for path in _files(folder / "index.sqlite"):
            if path.exists():
                set_aside(path, damaged)

    def renew(self, reason: str, cause: object = "") -> None:
        """Begin again with an empty index; the file there was is put aside."""
        with self._begun_again():
            there = [path for path in _files(self.path) if path.exists()]
            kept = [shown(set_aside(path, self._damaged)) for path in there]
            old = kept[0] if kept else "gone"
            detail = f"{reason}; it was made anew from the record, the old is {old}"
            note(self.findings, repaired(detail), cause)

    def empty(self) -> None:
        """Begin again with an empty index; the file there was is removed."""
        with self._begun_again():
            for path in _files(self.path):
                path.unlink(missing_ok=True)

    def displaced(self) -> list[str]:
        """The names of its files that somebody else removed or replaced."""
        return self._identity.changes() if self._is_open else []

    def look_again(self) -> None:
        """Read the watermark again, which somebody else may have moved."""
        self.number, self.head = schema.watermark(self._writer)

    def open_again(self) -> None:
        """Open the index if renewing it failed half way."""
        if not self._is_open:
            self._open()

    def reading(self) -> AbstractContextManager[apsw.Connection]:
        """A connection of one's own on one snapshot, for reads only."""
        return self._readers.reading()

    def apply(
        self, entries: Sequence[Entry], packed: Sequence[Sequence[bytes] | None] = ()
    ) -> list[projection.Removed]:
        """Take in the entries that follow the watermark and move it, in one transaction.

        `packed` are the vectors of each entry, if any. Returns what erasures removed.
        """
        removed: list[projection.Removed] = []
        with transaction(self._writer):
            for place, entry in enumerate(entries):
                windows = packed[place] if packed else None
                removed += projection.apply(self._writer, entry, windows)
            number, head = entries[-1].change.number, entries[-1].head
            schema.set_watermark(self._writer, number, head)
        self.number, self.head = number, head
        if number > self.watermark_file.number:  # else it catches up with what was seen before
            first = entries[0].head if entries[0].change.number == 1 else b""
            self.watermark_file.see(number, head, first)
        return removed

    def embed(self, packed: Mapping[tuple[str, int], Sequence[bytes]]) -> None:
        """Give revisions their vectors, in place of those they have."""
        with transaction(self._writer):
            for (memory_id, revision), windows in packed.items():
                asked = {"memory_id": memory_id, "revision": revision}
                for row, part in rows(self._writer, _Q["row_of"], asked):
                    projection.drop_vectors(self._writer, row)
                    projection.add_vectors(self._writer, row, part, windows)
                    self._writer.execute(_Q["mark_embedded"], {"row": row})

    def pack(self, windows: Windows | None) -> list[bytes] | None:
        """Vectors as the index keeps them. Raises InvalidInput for those of another space."""
        return None if windows is None else vector_format.pack(windows, self._space)

    def changes_of(self, request: str) -> list[Change]:
        """What was done for a request; [] when it is new."""
        found = rows(self._writer, _Q["changes_of_request"], {"request": request})
        return [reads.change_of(row) for row in found]

    def current(self, ids: Iterable[str]) -> dict[str, int]:
        """The newest revision of each of these memories that exists."""
        return dict(rows(self._writer, _Q["current"], {"ids": json.dumps(list(ids))}))

    def holders(self, noun: str, slots: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
        """Live memories that hold slots: (memory id, partition, "text" or "key" value)."""
        asked = {"slots": json.dumps(list(slots))}
        return rows(self._writer, _Q[f"holders_of_{noun}"], asked)

    def revisions_of(self, ids: Iterable[str]) -> list[Memory]:
        """Every revision of these memories."""
        found = rows(self._writer, _Q["rows_by_id"], {"values": json.dumps(list(ids))})
        return reads.memories(self._writer, [row for (row,) in found])

    def entries(self, after: int, limit: int) -> list[Entry]:
        """Entries `after` a number, in order, at most `limit`."""
        found = rows(self._writer, _Q["entries"], {"after": after, "limit": limit})
        return [_entry_of(row) for row in found]

    def head_at(self, number: int) -> bytes | None:
        """The head after change `number`, None where there is no such change."""
        if number == 0:
            return GENESIS
        found = rows(self._writer, _Q["head_at"], {"number": number})
        return found[0][0] if found else None

    # --- erasing -----------------------------------------------------------------------

    def needs_scrubbing(self) -> bool:
        """Whether traces of erased texts may be left in the files."""
        return self.last_erasure() > int(schema.meta(self._writer, "scrubbed", "0"))

    def last_erasure(self) -> int:
        """The number of the newest erasure, 0 when there is none."""
        return rows(self._writer, _Q["last_erasure"])[0][0]

    def scrub(self, terms: Iterable[str] | None) -> None:
        """Overwrite what erased texts left behind; `terms` are theirs, None if unknown.

        Deleted rows are overwritten as they go. What stays are the terms by which full
        text finds its pages, and the pages in the write-ahead log.
        """
        with self._readers.alone():
            if terms is None or self._separates(set(terms)):
                with transaction(self._writer):
                    self._writer.execute(_Q["rebuild_words"])
            self._truncate_log()
            schema.set_meta(self._writer, "scrubbed", str(self.number))  # now that it is true
        self.watermark_file.see_scrubbed(self.number)

    def _separates(self, terms: set[str]) -> bool:
        known = {term for (term,) in rows(self._writer, _Q["separators"])}
        return any(term.startswith(separator) for term in terms for separator in known)

    def _truncate_log(self) -> None:
        with full_told(self._writer):
            ((busy, *_),) = rows(self._writer, "PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            raise apsw.BusyError("the write-ahead log is in use")

    # --- upkeep ------------------------------------------------------------------------

    def tidy(self) -> None:
        """Move the write-ahead log into the file and empty it, if no reader is in the way."""
        self._writer.set_busy_timeout(0)
        try:
            with full_told(self._writer):
                rows(self._writer, "PRAGMA wal_checkpoint(TRUNCATE)")
                rows(self._writer, "PRAGMA optimize")
        finally:
            self._writer.set_busy_timeout(BUSY_MS)

    def faults(self) -> list[str]:
        """What SQLite's own check finds wrong, [] when all is well."""
        # FTS5 checks what its connection last knew of the structure: only a new one is right.
        with contextlib.closing(connect(self.path)) as connection:
            found = [text for (text,) in rows(connection, "PRAGMA integrity_check(10)")]
        return [] if found == ["ok"] else found

    def counts(self) -> dict[str, int]:
        """How many there are of what, under the names shown by a check."""
        names = ("changes", "revisions", "documents", "unembedded", "windows", "codes")
        with self.reading() as connection:
            found = [*rows(connection, _Q["counts"])[0], *rows(connection, _Q["count_windows"])[0]]
        return dict(zip(names, found, strict=True))

    def close(self) -> None:
        """Let go of the files."""
        with self._readers.away():
            self._let_go()

    @contextlib.contextmanager
    def _begun_again(self) -> Generator[None]:
        """While this lasts nobody has the file open; then it is opened, or made."""
        with self._readers.away():
            self.generation += 1
            self.number, self.head = 0, GENESIS
            self._let_go()
            yield
            self._open()

    def _open(self) -> None:
        self._is_open = False
        self.path.parent.mkdir(mode=0o700, exist_ok=True)  # somebody may have removed it
        self._writer = connect(self.path)
        try:
            schema.migrate(self._writer, self._space)
            if schema.set_space(self._writer, self._space):
                note(self.findings, noted("the model changed; vectors are made anew"))
            self.number, self.head = schema.watermark(self._writer)
        except BaseException:
            self._writer.close()
            raise
        self._identity = FileIdentity(shared=_files(self.path))
        self._is_open = True

    def _let_go(self) -> None:
        if self._is_open:
            if self.displaced():  # the log that lies there now is not ours to remove
                self._writer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self._is_open = False
            self._writer.close()


def _files(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]


def _entry_of(row: Sequence[Any]) -> Entry:
    *change, request, salt, digest, head, document = row
    return Entry(
        change=reads.change_of(change),
        memory=None if document is None else codec.memory_of(json.loads(document), None),
        request=request,
        salt=salt,
        digest=digest,
        head=head,
    )
