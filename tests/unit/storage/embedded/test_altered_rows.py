"""Rows that are not what was written: never returned, mended from the other side, or counted."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from mcp_memory.storage.contract import CheckResult, Store
from mcp_memory.storage.embedded.index.connection import connect
from mcp_memory.storage.embedded.shared.errors import is_record_damage
from tests.support.factories import (
    ACTOR,
    ALICE,
    ids,
    memory,
    open_store,
    put,
    revised,
    where,
    windows,
)

MADE = [memory(f"number{n} of many", source=f"counting #{n}") for n in range(20)]
LATER = revised(MADE[3], content="number3 of many more")
LOST = "1 changes could be read neither in the record nor in the index and are lost: of "


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of a closed store that holds MADE, then LATER as change 21."""
    home = tmp_path / "home"
    store = open_store("embedded", home)
    put(store, *MADE, vectors=[windows(n) for n in range(len(MADE))])
    put(store, LATER)
    store.close()
    return home


def in_the_record(home: Path, query: str) -> None:
    """Alter the record behind the store's back."""
    live = home / "record" / (home / "record" / "CURRENT").read_text(encoding="ascii")
    with duckdb.connect(str(live)) as connection:
        connection.execute(query)


def in_the_index(home: Path, query: str) -> None:
    """Alter the index behind the store's back."""
    with closing(connect(home / "index" / "index.sqlite")) as connection:
        connection.execute(query)


def bad(store: Store) -> list[CheckResult]:
    """What a check finds wrong."""
    return [finding for finding in store.check() if not finding.ok]


def assert_goes_on(home: Path, store: Store, expected: Iterable[str]) -> None:
    """What is left is right, and neither a write nor a restart finds anything wrong again."""
    assert set(ids(store.select(where(), limit=100))) == set(expected)
    put(store, new := memory("one more"))
    store.close()
    again = open_store("embedded", home)
    assert bad(again) == []
    assert set(ids(again.select(where(), limit=100))) == {*expected, new.id}
    again.close()


@pytest.mark.parametrize(
    "altered",
    [
        "UPDATE documents SET document = replace(document, 'many', 'none')",
        "UPDATE documents SET document = x'00ff'",
        "UPDATE revisions SET recorded_to = NULL WHERE row = 4",
        "UPDATE windows SET vector = zeroblob(768)",
    ],
)
def test_what_was_altered_in_the_index_is_never_returned(home: Path, altered: str) -> None:
    in_the_index(home, altered)
    store = open_store("embedded", home)
    found = store.propose(where(), terms=["mani"], vector=windows(1)[0], limit=50)
    expected = {one.id: one for one in (*MADE, LATER)}
    assert {c.memory.id: c.memory for c in found.candidates} == expected
    assert [r.memory.content for r in store.history(LATER.id, [ALICE])] == [
        MADE[3].content,
        LATER.content,
    ]
    assert ["made anew" in finding.detail for finding in bad(store)] == [True]
    store.close()


@pytest.mark.parametrize(
    "altered",
    [
        "UPDATE revisions SET partition = 777 WHERE row = 5",
        "UPDATE revisions SET status = 'forgotten' WHERE row = 5",
        "UPDATE revisions SET key = 'another' WHERE row = 5",
        "UPDATE partitions SET memories = 3",
        "UPDATE changes SET user = 'mallory' WHERE number = 5",
        "DELETE FROM documents WHERE row = 5",
        "DELETE FROM codes WHERE rowid = 5 * 1024",
        "UPDATE windows SET vector = (SELECT vector FROM windows WHERE id = 1024)",
    ],
)
def test_a_check_finds_every_row_of_the_index_that_was_altered(home: Path, altered: str) -> None:
    in_the_index(home, altered)
    store = open_store("embedded", home)
    assert ["made anew" in finding.detail for finding in bad(store)] == [True]
    assert_goes_on(home, store, ids(MADE))


def test_a_text_that_both_sides_have_lost_is_counted_and_the_rest_stays(home: Path) -> None:
    in_the_record(home, "UPDATE revisions SET content = 'never said' WHERE change = 5")
    in_the_index(home, "UPDATE documents SET document = replace(document, '4', '5') WHERE row = 5")
    store = open_store("embedded", home)
    (loss,) = [finding for finding in bad(store) if finding.name == "loss"]
    assert loss.detail.startswith(f"{LOST}1 memories")
    assert_goes_on(home, store, set(ids(MADE)) - {MADE[4].id})


def test_a_change_that_both_sides_have_lost_is_counted_and_those_after_it_move_up(
    home: Path,
) -> None:
    in_the_record(home, "DELETE FROM changes WHERE number = 5")
    in_the_record(home, "DELETE FROM revisions WHERE change = 5")
    in_the_index(home, "DELETE FROM changes WHERE number = 5")
    store = open_store("embedded", home)
    (loss,) = [finding for finding in bad(store) if finding.name == "loss"]
    assert loss.detail.startswith(f"{LOST}1 changes of which nothing is known")
    assert [r.change.number for r in store.history(LATER.id, [ALICE])] == [4, 20]
    assert_goes_on(home, store, set(ids(MADE)) - {MADE[4].id})


def test_an_erased_text_does_not_come_back_from_a_side_that_missed_it(home: Path) -> None:
    index = home / "index" / "index.sqlite"
    before = index.read_bytes()
    store = open_store("embedded", home)
    store.erase([MADE[4].id], ACTOR)
    store.close()
    index.write_bytes(before)
    in_the_record(home, "UPDATE revisions SET content = 'never said' WHERE change = 7")
    store = open_store("embedded", home)
    assert {finding.name for finding in bad(store)} == {"repair"}
    assert store.history(MADE[4].id, [ALICE]) == []
    assert_goes_on(home, store, set(ids(MADE)) - {MADE[4].id})
    left = [
        file for file in home.rglob("*") if file.is_file() and b"number4 of" in file.read_bytes()
    ]
    assert left == []


def test_a_write_that_meets_damage_in_the_record_is_done_all_the_same(home: Path) -> None:
    store = open_store("embedded", home)
    store.erase([MADE[0].id], ACTOR)  # what was in the log is in the blocks of a new file now
    store.close()
    live = home / "record" / (home / "record" / "CURRENT").read_text(encoding="ascii")
    whole = live.read_bytes()
    for block in range(12_288, len(whole), 262_144):
        live.write_bytes(whole[:block] + bytes(262_144) + whole[block + 262_144 :])
        store = open_store("embedded", home)
        put(store, new := memory(f"new beside block {block}"))
        assert new.id in ids(store.select(where(), limit=100))
        assert {finding.name for finding in bad(store)} <= {"repair"}
        store.close()
        live = home / "record" / (home / "record" / "CURRENT").read_text(encoding="ascii")
        whole = live.read_bytes()


def test_an_index_of_the_first_version_is_brought_up_to_date_with_its_vectors(home: Path) -> None:
    in_the_index(home, "DROP INDEX revisions_by_ending")
    in_the_index(home, "DROP INDEX revisions_by_thread")
    in_the_index(home, "DROP INDEX revisions_by_owner")
    in_the_index(home, "ALTER TABLE revisions DROP COLUMN thread")
    in_the_index(home, "ALTER TABLE revisions DROP COLUMN position")
    in_the_index(home, "ALTER TABLE documents DROP COLUMN checksum")
    in_the_index(home, "UPDATE meta SET value = '1' WHERE name = 'schema_version'")
    store = open_store("embedded", home)
    assert ids(store.unembedded(100)) == [LATER.id]
    assert bad(store) == []
    near = store.propose(where(), terms=["number7"], vector=None, limit=1, reach=1)
    assert set(ids(near)) == {MADE[n].id for n in (6, 7, 8)}
    assert_goes_on(home, store, ids(MADE))


def test_an_index_that_claims_to_be_of_a_newer_version_is_made_anew(home: Path) -> None:
    in_the_index(home, "UPDATE meta SET value = '9' WHERE name = 'schema_version'")
    store = open_store("embedded", home)
    assert_goes_on(home, store, ids(MADE))
    assert list((home / "damaged").glob("*index.sqlite"))


def test_the_order_in_which_metadata_was_given_is_no_damage(tmp_path: Path) -> None:
    store = open_store("embedded", tmp_path / "home")
    put(store, memory("with words beside it", metadata={"n": True, "m": [1]}, tags=("y", "x")))
    assert bad(store) == []
    store.close()


@pytest.mark.parametrize(
    ("error", "is_damage"),
    [
        (duckdb.FatalException("FATAL Error: fsync failed!"), False),
        (duckdb.IOException("IO Error: Could not write file: Input/output error"), False),
        (duckdb.IOException("IO Error: Corrupt database file: computed checksum 1"), True),
        (duckdb.FatalException("FATAL Error: Failed to append to PRIMARY_revisions_0"), True),
    ],
)
def test_a_disk_that_refuses_is_told_from_a_damaged_record(
    error: duckdb.Error, is_damage: bool
) -> None:
    assert is_record_damage(error) is is_damage
