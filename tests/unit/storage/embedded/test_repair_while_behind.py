"""A record that is damaged while its index is far behind: mended or counted by and by."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from mcp_memory.storage.contract import CheckResult, Store
from mcp_memory.storage.embedded.repair.recovery import AT_ONCE_MAX
from tests.support.factories import ids, memory, open_store, put, where

MANY = [memory(f"number{n} of many") for n in range(AT_ONCE_MAX + 300)]
COUNT = len(MANY)
PLACE = AT_ONCE_MAX + 50
ALTERED = MANY[PLACE]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a closed store with MANY; the last of them is in the record's log alone."""
    home = tmp_path_factory.mktemp("filled") / "home"
    store = open_store("embedded", home)
    put(store, *MANY[:-1])
    store.close()
    live = home / "record" / (home / "record" / "CURRENT").read_text(encoding="ascii")
    with duckdb.connect(str(live)) as connection:
        connection.execute("CHECKPOINT")
    store = open_store("embedded", home)
    put(store, MANY[-1])
    store.close()
    return home


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(filled, tmp_path / "home"))


def alter(home: Path, document: str) -> None:
    """Alter one revision in the record behind the store's back."""
    live = home / "record" / (home / "record" / "CURRENT").read_text(encoding="ascii")
    with duckdb.connect(str(live)) as connection:
        connection.execute(f"UPDATE revisions SET {document} WHERE memory_id = ?", [ALTERED.id])


def bad(store: Store) -> list[CheckResult]:
    """What a check finds wrong."""
    return [finding for finding in store.check() if not finding.ok]


@pytest.mark.parametrize("document", ["content = 'other'", "status = 'nonsense'"])
def test_what_is_found_while_catching_up_is_counted_and_nothing_waits(
    home: Path, document: str
) -> None:
    alter(home, document)
    shutil.rmtree(home / "index")
    store = open_store("embedded", home)
    assert store.lag()
    while store.catch_up(100):
        pass
    found = store.select(where(), limit=COUNT)
    assert {m.id for m in found} == {m.id for m in MANY} - {ALTERED.id}
    put(store, new := memory("one more"))
    store.close()
    store = open_store("embedded", home)
    told = bad(store)
    assert [f.name for f in told if f.name == "loss"] == ["loss"]
    assert bad(store) == [] or all(f in told for f in bad(store))
    assert ids(store.select(where(ids=(new.id,)))) == [new.id]
    store.close()
    store = open_store("embedded", home)
    assert bad(store) == []
    store.close()


def test_a_rebuild_first_takes_from_the_index_what_the_record_lost(home: Path) -> None:
    alter(home, "content = 'other'")
    store = open_store("embedded", home)
    store.rebuild(lambda done, total: None)
    assert store.select(where(), limit=COUNT)[0] == MANY[-1]
    assert store.select(where(ids=(ALTERED.id,))) == [ALTERED]
    assert [f.name for f in bad(store)] == ["repair"]
    store.close()


def test_how_far_the_journal_had_come_is_known_while_the_index_catches_up(home: Path) -> None:
    shutil.rmtree(home / "index")
    store = open_store("embedded", home)
    assert store.catch_up(100) == COUNT - 100
    store.close()
    (log,) = (home / "record").glob("*.wal")
    log.unlink()
    store = open_store("embedded", home)
    store.catch_up()
    (loss,) = (f for f in bad(store) if f.name == "loss")
    assert loss.detail.startswith(f"the newest 1 of {COUNT} changes")
    store.close()
