"""An index that cannot follow its record: reads go on, leave out what is outdated, and say so."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import apsw
import pytest

from mcp_memory.domain.memory import Status
from mcp_memory.errors import StoreError, StoreFull
from mcp_memory.storage.contract import Filter
from mcp_memory.storage.embedded import EmbeddedStore, open_embedded
from mcp_memory.storage.embedded.index import reads
from mcp_memory.storage.embedded.index.connection import Readers, connect
from tests.support.factories import (
    ACTOR,
    ALICE,
    SPACE,
    ids,
    memory,
    put,
    revised,
    vector,
    where,
    windows,
    write,
)
from tests.support.waiting import until
from tests.support.watchdog import WAIT_S

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Vector

BEHIND_BY_ONE = "the index has taken in 2 of 3 changes; what the others are about is left out"
PENGUINS, TEA = memory("penguins like ice cream"), memory("tea is hot")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for a store."""
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[EmbeddedStore]:
    """A store that holds two memories."""
    opened = open_embedded(home, SPACE)
    put(opened, PENGUINS, TEA, vectors=[windows(1), windows(2)])
    yield opened
    opened.close()


def index_of(home: Path) -> apsw.Connection:
    """Somebody else's connection to the index."""
    return connect(home / "index" / "index.sqlite")


@pytest.fixture
def full_index(home: Path, store: EmbeddedStore) -> Iterator[apsw.Connection]:
    """An index that takes nothing in, as on a full disk, until the trigger is dropped."""
    connection = index_of(home)
    connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON changes"
        " BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
    )
    yield connection
    connection.close()


def search(store: EmbeddedStore, *terms: str) -> tuple[list[str], tuple[str, ...]]:
    """What a search finds, and its notes."""
    found = store.propose(where(), terms=terms, vector=lambda: vector(1), limit=5)
    return ids(found), found.notes


def test_what_is_outdated_is_left_out_with_a_note(
    store: EmbeddedStore, full_index: apsw.Connection
) -> None:
    forgotten = revised(PENGUINS, status=Status.FORGOTTEN)
    store.write("r1", [write(forgotten)])
    for _ in range(3):
        assert search(store, "penguin", "tea") == ([TEA.id], (BEHIND_BY_ONE,))
        assert ids(store.select(where(), limit=1)) == [TEA.id]
        assert store.history(PENGUINS.id, [ALICE]) == []
    with pytest.raises(StoreError, match="full"):
        put(store, memory("one more"))
    full_index.execute("DROP TRIGGER full")
    assert search(store, "penguin", "tea") == ([TEA.id], ())
    assert len(store.history(PENGUINS.id, [ALICE])) == 2
    (again,) = store.write("r1", [write(forgotten)])
    assert again.revision == 2
    assert [f for f in store.check() if not f.ok] == []


def test_an_erased_memory_is_never_shown_by_an_index_that_is_behind(
    store: EmbeddedStore, full_index: apsw.Connection
) -> None:
    with pytest.raises(StoreFull):
        store.erase([PENGUINS.id], ACTOR)
    assert search(store, "penguin", "tea") == ([TEA.id], (BEHIND_BY_ONE,))
    full_index.execute("DROP TRIGGER full")
    store.maintain()
    assert search(store, "penguin") == ([TEA.id], ())
    assert [f for f in store.check() if not f.ok] == []


def test_the_same_trouble_is_noted_once(store: EmbeddedStore, full_index: apsw.Connection) -> None:
    put(store, memory("one"))
    for _ in range(5):
        store.select(where())
    full_index.execute("DROP TRIGGER full")
    assert [f.name for f in store.check()].count("note") <= 2


def test_a_fault_of_ours_while_projecting_does_not_deny_a_durable_write(
    home: Path, store: EmbeddedStore
) -> None:
    connection = index_of(home)
    connection.execute("UPDATE documents SET terms = x'41' WHERE row = 1")  # bytes, not a text
    later = revised(PENGUINS, content="penguins like fish")
    (change,) = store.write("r1", [write(later)])
    assert change.revision == 2
    found = store.propose(where(), terms=["tea"], vector=None, limit=5)
    assert (ids(found), found.notes) == ([TEA.id], (BEHIND_BY_ONE,))
    with pytest.raises(StoreError, match="up to date"):
        put(store, memory("another"))
    terms = "2~penguin 2~like 2~ice 2~cream"
    connection.execute("UPDATE documents SET terms = ? WHERE row = 1", [terms])
    connection.close()
    put(store, memory("another"))
    assert store.select(where(ids=(PENGUINS.id,))) == [later]


def test_readers_of_one_damaged_index_renew_it_once(home: Path, store: EmbeddedStore) -> None:
    readers = 6
    store.maintain()
    damaged = bytearray((home / "index" / "index.sqlite").read_bytes())
    for page in range(4096 * 2, len(damaged), 4096):
        damaged[page : page + 64] = b"\xff" * 64
    store.close()
    (home / "index" / "index.sqlite").write_bytes(damaged)
    store = open_embedded(home, SPACE)
    barrier = Barrier(readers)

    def read(_: int) -> list[str]:
        barrier.wait(WAIT_S)
        return ids(store.select(where()))

    with ThreadPoolExecutor(readers) as pool:
        found = list(pool.map(read, range(readers)))
    assert sorted(ids(store.select(where()))) == sorted([PENGUINS.id, TEA.id])
    assert all(set(each) <= {PENGUINS.id, TEA.id} for each in found)
    assert [f.name for f in store.check()].count("repair") == 1
    assert len(list((home / "damaged").glob("*index.sqlite"))) == 1
    store.close()


def test_an_erase_does_not_wait_for_a_query_that_is_being_embedded(store: EmbeddedStore) -> None:
    def embedded() -> Vector:
        with ThreadPoolExecutor(1) as pool:
            receipt = pool.submit(store.erase, [PENGUINS.id], ACTOR).result(WAIT_S)
        assert receipt.memories == 1
        put(store, memory("penguins of somebody else", partition=ALICE))
        return vector(1)

    found = store.propose(where(), terms=["penguin"], vector=embedded, limit=5)
    said = {c.memory.content for c in found.candidates}
    assert said == {"tea is hot", "penguins of somebody else"}
    assert found.corpus.memories == 2


def test_reads_go_on_while_a_write_is_held_up(home: Path, store: EmbeddedStore) -> None:
    (log,) = (home / "record").glob("*.wal")
    before = log.stat().st_size
    with ThreadPoolExecutor(1) as pool, closing(index_of(home)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = pool.submit(put, store, memory("penguins are black"))
        until(lambda: log.stat().st_size != before)  # the record has it and the index waits
        assert sorted(search(store, "penguin")[0]) == sorted([PENGUINS.id, TEA.id])
        assert not writing.done()
        other.execute("ROLLBACK")
        writing.result(WAIT_S)
    assert len(search(store, "penguin")[0]) == 3


def test_a_reader_that_fails_says_why_and_leaves_no_broken_connection(home: Path) -> None:
    home.mkdir()
    readers = Readers(home / "index.sqlite")
    with pytest.raises(ValueError, match="the reason"), readers.reading() as connection:
        connection.close()
        raise ValueError("the reason")
    with readers.reading() as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    with readers.away():
        pass


def test_a_connection_that_cannot_be_set_up_is_closed(home: Path) -> None:
    home.mkdir()
    path = home / "index.sqlite"
    path.write_bytes(b"no database at all" * 1000)
    before = set(apsw.connections())
    with pytest.raises(apsw.NotADBError):
        connect(path)
    assert set(apsw.connections()) == before


def test_long_texts_are_not_kept_in_memory(store: EmbeddedStore) -> None:
    made = [memory(f"{n} " + "word " * 6000) for n in range(20)]
    put(store, *made)
    reads.forget_texts()
    assert len(store.select(Filter(partitions=(ALICE,), now=made[0].recorded_at))) == 22
    assert reads.remembered_count() == 2
