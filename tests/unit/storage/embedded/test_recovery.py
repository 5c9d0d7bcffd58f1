"""Record and index after something happened to one of them while the store was closed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from mcp_memory.storage.contract import CheckResult, Store
from mcp_memory.storage.embedded import open_embedded
from tests.support.factories import (
    ACTOR,
    ALICE,
    SPACE,
    ids,
    memory,
    open_store,
    put,
    revised,
    unit,
    vector,
    where,
    windows,
)

LIVES = [memory(f"number{n} of many", metadata={"n": n}, tags=("x",)) for n in range(30)]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a closed store that holds LIVES, one of them revised; to be copied."""
    home = tmp_path_factory.mktemp("lived") / "home"
    store = open_store("embedded", home)
    for n, made in enumerate(LIVES):
        put(store, made, vectors=[windows(n)])
    put(store, revised(LIVES[0], pinned=True))
    store.close()
    return home


@pytest.fixture
def home(lived: Path, tmp_path: Path) -> Path:
    """A copy of the store, for one test to harm."""
    return shutil.copytree(lived, tmp_path / "home")


def index_file(home: Path) -> Path:
    """The file of the index; closing has moved its log into it."""
    return home / "index" / "index.sqlite"


def live_file(home: Path) -> Path:
    """The file of the record."""
    return home / "record" / (home / "record" / "CURRENT").read_text(encoding="ascii")


def log_of(home: Path) -> Path:
    """The write-ahead log of the record."""
    return Path(f"{live_file(home)}.wal")


def assert_whole(store: Store) -> None:
    """Everything is there, found by text, and the journal goes on."""
    assert set(ids(store.select(where(), limit=100))) == set(ids(LIVES))
    for made in LIVES[1:]:
        term = made.content.split()[0]
        assert store.select(where(ids=(made.id,))) == [made]
        found = store.propose(where(), terms=[term], vector=None, limit=5)
        assert [c.memory for c in found.candidates] == [made]
    assert [r.memory.revision for r in store.history(LIVES[0].id, [ALICE])] == [1, 2]
    put(store, memory("one more"))
    assert [f for f in bad(store) if f.name != "repair"] == []


def bad(store: Store) -> list[CheckResult]:
    """What a check finds wrong."""
    return [finding for finding in store.check() if not finding.ok]


def reopened_whole(home: Path, *, repaired: str = "") -> None:
    """The store opens, is whole, and says what it repaired; the next open has nothing to say."""
    store = open_store("embedded", home)
    said = " ".join(finding.detail for finding in bad(store))
    assert repaired in said if repaired else not said
    assert_whole(store)
    store.close()
    again = open_store("embedded", home)
    assert bad(again) == []
    again.close()


def test_a_missing_index_is_made_anew(home: Path) -> None:
    shutil.rmtree(home / "index")
    reopened_whole(home)


def test_a_new_index_waits_for_its_vectors(home: Path) -> None:
    shutil.rmtree(home / "index")
    store = open_store("embedded", home)
    waiting = store.unembedded(100)
    assert len(waiting) == len(LIVES) + 1
    store.embed({(m.id, m.revision): windows(1) for m in waiting})
    assert store.unembedded(100) == []
    found = store.propose(where(), terms=[], vector=vector(1), limit=100)
    assert len(found.candidates) == len(LIVES)
    store.close()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 1000])
def test_an_index_that_is_no_database_is_put_aside_and_made_anew(
    home: Path, content: bytes
) -> None:
    index_file(home).write_bytes(content)
    reopened_whole(home, repaired="made anew" if content else "")
    assert [p.read_bytes() for p in (home / "damaged").glob("*")] == ([content] if content else [])


def test_an_index_that_turns_out_damaged_in_use_is_made_anew(home: Path) -> None:
    damaged = bytearray(index_file(home).read_bytes())
    for page in range(4096 * 2, len(damaged), 4096):
        damaged[page : page + 64] = b"\xff" * 64
    index_file(home).write_bytes(damaged)
    reopened_whole(home, repaired="made anew")


def test_an_index_that_fell_behind_catches_up(home: Path, tmp_path: Path) -> None:
    shutil.copy(index_file(home), tmp_path / "old.sqlite")
    store = open_store("embedded", home)
    later = memory("something else")
    put(store, later, revised(LIVES[1], importance=0.9))
    store.erase([LIVES[2].id], ACTOR)
    store.close()
    shutil.copy(tmp_path / "old.sqlite", index_file(home))
    again = open_store("embedded", home)
    found = set(ids(again.select(where(), limit=100)))
    assert found == {later.id, *ids(LIVES)} - {LIVES[2].id}
    assert again.select(where(ids=(LIVES[1].id,)))[0].importance == 0.9
    assert bad(again) == []
    again.close()


def test_an_index_of_another_store_is_made_anew(home: Path, tmp_path: Path) -> None:
    other = open_store("embedded", tmp_path / "other")
    for n in range(40):
        put(other, memory(f"stranger {n}"))
    other.close()
    shutil.copy(index_file(tmp_path / "other"), index_file(home))
    reopened_whole(home, repaired="made anew")


def test_vectors_of_another_model_are_dropped_and_texts_stay(home: Path) -> None:
    other = replace(SPACE, name="another", dimensions=64)
    store = open_embedded(home, other)
    assert len(store.unembedded(100)) == len(LIVES) + 1
    assert_whole(store)
    narrow = unit(vector(3)[: other.dimensions])
    store.embed({(LIVES[3].id, 1): narrow[None]})
    found = store.propose(where(), terms=[], vector=narrow, limit=5)
    assert ids(found) == [LIVES[3].id]
    store.close()


def test_a_lost_log_of_the_record_is_restored_from_the_index(home: Path) -> None:
    log_of(home).unlink()
    reopened_whole(home, repaired=f"lost its last {len(LIVES) + 1} changes")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_log_damaged_midway_is_salvaged_and_restored(home: Path, share: float) -> None:
    damaged = bytearray(log_of(home).read_bytes())
    place = int(len(damaged) * share)
    damaged[place] ^= 0x40
    log_of(home).write_bytes(damaged)
    store = open_store("embedded", home)
    assert "restored from the index" in " ".join(f.detail for f in bad(store))
    assert_whole(store)
    store.close()


def test_a_destroyed_record_is_restored_from_the_index(home: Path) -> None:
    live_file(home).write_bytes(b"not a database at all")
    log_of(home).unlink()
    reopened_whole(home, repaired="no file of the record could be opened")


def test_a_record_and_an_index_that_are_both_gone_are_counted_as_lost(home: Path) -> None:
    live_file(home).write_bytes(b"not a database at all")
    shutil.rmtree(home / "index")
    store = open_store("embedded", home)
    (loss,) = [finding for finding in bad(store) if finding.name == "loss"]
    assert f"the newest {len(LIVES) + 1} of {len(LIVES) + 1} changes" in loss.detail
    kept = [p.read_bytes() for p in (home / "damaged").glob("*.duckdb")]
    assert kept == [b"not a database at all"]
    put(store, memory("a new beginning"))
    assert len(store.select(where())) == 1
    store.close()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE revisions SET content = 'she never said that' WHERE revision = 2",
        "UPDATE changes SET reason = 'another' WHERE number = 7",
        "UPDATE changes SET head = digest WHERE number = 9",
        "DELETE FROM revisions WHERE change = 11",
        "DELETE FROM changes WHERE number = 12",
    ],
)
def test_a_record_that_was_altered_shows_and_is_restored(home: Path, tampering: str) -> None:
    with duckdb.connect(str(live_file(home))) as connection:
        connection.execute(tampering)
    reopened_whole(home, repaired="1 of its 31 changes were taken from the index")


@pytest.mark.parametrize("content", ["g000777.duckdb", "g0000\x11.duckdb", "", "nonsense" * 50])
def test_a_pointer_that_names_no_file_costs_nothing(home: Path, content: str) -> None:
    before = live_file(home)
    (home / "record" / "CURRENT").write_text(content, encoding="ascii")
    reopened_whole(home, repaired="CURRENT did not name its file")
    assert live_file(home) == before


def test_a_repair_is_told_after_a_restart_until_it_was_read(home: Path) -> None:
    log_of(home).unlink()
    open_store("embedded", home).close()
    store = open_store("embedded", home)
    (told,) = bad(store)
    assert "restored from the index" in told.detail
    assert bad(store) == []
    notes = [finding.detail for finding in store.check() if finding.name == "note"]
    assert len(notes) == 1
    assert notes[0].startswith("told before: on ")
    store.close()


def test_memories_can_be_read_with_plain_sql(home: Path) -> None:
    with duckdb.connect(str(live_file(home))) as connection:
        query = "SELECT content, metadata ->> 'n', tags[1], pinned FROM memories WHERE pinned"
        assert connection.execute(query).fetchall() == [(LIVES[0].content, "0", "x", True)]
        (count,) = connection.execute("SELECT count(*) FROM history").fetchall()[0]
    assert count == len(LIVES) + 1


def test_an_index_damaged_anywhere_is_made_anew(tmp_path: Path) -> None:
    made = [memory(f"statement number {n} about topic {n % 7}") for n in range(40)]
    store = open_embedded(tmp_path / "whole", SPACE)
    put(store, *made, vectors=[windows(n) for n in range(len(made))])
    store.maintain()
    store.close()
    size = (tmp_path / "whole" / "index" / "index.sqlite").stat().st_size
    noise = np.random.default_rng(3).bytes(8192)
    for offset in range(0, size, 8192):
        home = tmp_path / f"at{offset}"
        shutil.copytree(tmp_path / "whole", home)
        with (home / "index" / "index.sqlite").open("r+b") as file:
            file.seek(offset)
            file.write(noise)
        store = open_embedded(home, SPACE)
        found = store.propose(where(), terms=["statement"], vector=vector(3), limit=50)
        assert sorted(ids(found)) == sorted(ids(made)), offset
        put(store, memory("another one"), vectors=[windows(99)])
        store.check()
        assert all(finding.ok or finding.name == "repair" for finding in store.check()), offset
        store.close()
