"""The embedded store's folder: one owner, private files, generations of the record."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from mcp_memory.errors import StoreLocked, StoreTooNew
from mcp_memory.storage.contract import Store
from mcp_memory.storage.embedded.record import connection as duck
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.shared import hash_chain
from mcp_memory.storage.embedded.shared.files import wal_of
from tests.support.factories import memory, open_store, put, where, windows, write

ROOT = Path(__file__).parents[4]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for a store; it does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def opened(home: Path) -> Iterator[Store]:
    """An embedded store in `home`."""
    store = open_store("embedded", home)
    yield store
    store.close()


def live_file(home: Path) -> Path:
    """The file that CURRENT names."""
    return home / "record" / (home / "record" / "CURRENT").read_text(encoding="ascii")


def test_a_second_open_in_the_same_process_is_refused(home: Path, opened: Store) -> None:
    with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
        open_store("embedded", home)
    put(opened, memory())
    assert len(opened.select(where())) == 1


def test_another_process_is_told_who_has_the_store(home: Path, opened: Store) -> None:
    script = "from tests.support.factories import *; open_store('embedded', Path(sys.argv[1]))"
    other = subprocess.run(
        [sys.executable, "-c", f"import sys; {script}", str(home)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    last = other.stderr.strip().splitlines()[-1]
    assert "StoreLocked" in last
    assert f"process {os.getpid()}" in last
    assert str(home) in last
    assert "--home" in last
    assert opened.select(where()) == []


def test_closing_lets_the_next_one_in(home: Path) -> None:
    for _ in range(3):
        open_store("embedded", home).close()


def test_an_open_that_fails_keeps_no_lock(home: Path) -> None:
    open_store("embedded", home).close()
    with duckdb.connect(str(live_file(home))) as connection:
        duck.Schema(connection).advance("SELECT 1", 777)
    for _ in range(2):
        with pytest.raises(StoreTooNew):
            open_store("embedded", home)
    with duckdb.connect(str(live_file(home))) as connection:
        duck.Schema(connection).advance("SELECT 1", 1)
    open_store("embedded", home).close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_folders_and_files_are_for_their_owner_alone(home: Path, opened: Store) -> None:
    put(opened, memory(), vectors=[windows(1)])
    opened.maintain()
    modes = {p: stat.S_IMODE(p.stat().st_mode) for p in (home, *home.rglob("*"))}
    assert {p for p, mode in modes.items() if mode & 0o077} == set()


def test_sql_reaches_no_file_outside_the_record(tmp_path: Path) -> None:
    (tmp_path / "record").mkdir()
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    with duck.connect(tmp_path / "record") as connection:
        for query in ("SELECT * FROM read_text(?)", "ATTACH ? AS other"):
            with pytest.raises(duckdb.Error):
                connection.execute(query, [str(tmp_path / "secret")])
        with pytest.raises(duckdb.Error):
            connection.execute("SET enable_external_access = true")


def test_compaction_moves_everything_to_a_new_generation(home: Path) -> None:
    store = open_store("embedded", home)
    kept = [memory(f"number {n}") for n in range(5)]
    put(store, *kept)
    store.setting("secret", "of this store")
    store.close()
    before = live_file(home)
    record = Record(home / "record", home / "damaged")
    gone = record.compact()
    record.close()
    assert before in gone
    assert not before.exists()
    assert live_file(home) != before
    again = open_store("embedded", home)
    assert {m.id for m in again.select(where())} == {m.id for m in kept}
    assert again.setting("secret", "another") == "of this store"
    assert all(finding.ok for finding in again.check())
    again.close()


def test_a_long_journal_is_compacted_by_upkeep(home: Path, opened: Store) -> None:
    before = live_file(home)
    for turn in range(6):
        put(opened, *(memory(f"number {turn} {n}") for n in range(900)))
    opened.maintain()
    assert live_file(home) != before
    assert all(finding.ok for finding in opened.check())
    assert opened.stats(where().partitions).revisions == 5400


@pytest.mark.parametrize(("log_mb", "is_due"), [(31, False), (33, True)])
def test_a_long_log_is_compacted(home: Path, log_mb: int, is_due: bool) -> None:
    store = open_store("embedded", home)
    put(store, memory())
    store.close()
    record = Record(home / "record", home / "damaged")
    try:
        assert not record.is_due()
        with wal_of(record.path).open("ab") as file:
            file.truncate(log_mb << 20)
        assert record.is_due() == is_due
    finally:
        record.close()


def test_what_an_interrupted_compaction_left_is_removed(home: Path) -> None:
    store = open_store("embedded", home)
    put(store, kept := memory())
    store.close()
    strays = ["draft.duckdb", "draft.duckdb.wal", "g000777.duckdb", "g000777.duckdb.wal"]
    for name in strays:
        (home / "record" / name).write_bytes(b"left over")
    again = open_store("embedded", home)
    assert again.select(where()) == [kept]
    assert not [name for name in strays if (home / "record" / name).exists()]
    again.close()


def test_a_record_whose_last_commit_is_uncertain_reads_its_number_from_the_disk(
    tmp_path: Path,
) -> None:
    record = Record(tmp_path, tmp_path / "damaged")
    record.close()  # as when opening it again fails after a commit that reported an error
    other = Record(tmp_path, tmp_path / "damaged")
    other.append(hash_chain.seal("r1", [write(memory())], other.number, other.head))
    other.close()
    assert record.number == 0
    record.open_again()
    assert (record.number, record.head) == (1, other.head)
    record.append(hash_chain.seal("r2", [write(memory())], record.number, record.head))
    assert hash_chain.first_break(record.entries(0, 10), hash_chain.GENESIS) == 0
    record.close()


def test_a_lost_pointer_loses_nothing(home: Path) -> None:
    store = open_store("embedded", home)
    put(store, kept := memory())
    store.close()
    (home / "record" / "CURRENT").unlink()
    again = open_store("embedded", home)
    assert again.select(where()) == [kept]
    assert all(finding.ok for finding in again.check())
    again.close()
