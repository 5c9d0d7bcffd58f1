"""A schema number that no version wrote, in one database of a store or in both."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import duckdb
import pytest

from mcp_memory.errors import StoreTooNew
from mcp_memory.storage.embedded.shared.files import Generations
from tests.support.factories import memory, open_store, put, where

KEPT = [memory(f"statement {n}") for n in range(3)]
NONE = ["-1", "abc", "", "0", "00", "1.0", "1e3", " ", "\uff11", "0x1", "1_0", "9" * 12, "9" * 999]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a closed store that holds KEPT, to be copied."""
    home = tmp_path_factory.mktemp("written") / "home"
    store = open_store("embedded", home)
    put(store, *KEPT)
    store.close()
    return home


@pytest.fixture
def home(written: Path, tmp_path: Path) -> Path:
    """A copy of the store, for one test to change."""
    return shutil.copytree(written, tmp_path / "home")


def note(home: Path, side: str, number: str | None) -> None:
    """Write a schema number into the record or the index of a store; None removes it."""
    change = "UPDATE meta SET value = ? WHERE name = 'schema_version'"
    values = [number]
    if number is None:
        change, values = "DELETE FROM meta WHERE name = 'schema_version'", []
    if side == "record":
        live = Generations(home / "record").current()
        with duckdb.connect(str(live)) as record:
            record.execute(change, values)
    else:
        index = apsw.Connection(str(home / "index" / "index.sqlite"))
        index.execute(change, values)
        index.close()


@pytest.mark.parametrize("number", [*NONE, None], ids=lambda number: str(number)[:12])
@pytest.mark.parametrize("sides", [("record",), ("index",), ("record", "index")], ids=" and ".join)
def test_a_schema_number_that_is_none_is_put_right_and_told(
    home: Path, sides: tuple[str, ...], number: str | None
) -> None:
    for side in sides:
        note(home, side, number)
    store = open_store("embedded", home)
    assert {m.id for m in store.select(where())} == {m.id for m in KEPT}
    bad = [finding for finding in store.check() if not finding.ok]
    store.close()
    assert {finding.name for finding in bad} == {"repair"}
    for side in sides:
        assert any(f"the {side} has a schema number that is none" in f.detail for f in bad)
    store = open_store("embedded", home)
    assert all(finding.ok for finding in store.check()), "it was put right"
    put(store, memory("statement 4"))
    store.close()


@pytest.mark.parametrize("number", ["777", "9999"])
def test_a_record_of_a_newer_version_is_refused_by_its_number(home: Path, number: str) -> None:
    note(home, "record", number)
    with pytest.raises(StoreTooNew, match=f"schema version {number}.*upgrade"):
        open_store("embedded", home)
