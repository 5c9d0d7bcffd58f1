"""A store whose texts were compared by an earlier rule goes on, and is compared by today's."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from mcp_memory.domain.memory import Caller, Memory, Status
from mcp_memory.domain.requests import Draft, Patch
from mcp_memory.domain.statements import fingerprint
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service import MemoryService
from mcp_memory.storage.contract import Store
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.shared import hash_chain
from tests.support.factories import START, memory, open_store, where, write

OLD = "0" * 32
ALICE = Caller(tenant="acme", user="alice")
EARLIER = f"""
    UPDATE revisions SET fingerprint = '{OLD}', key = (
        SELECT d.document ->> '$.key' FROM documents d WHERE d.row = revisions.row
    );
    DROP INDEX revisions_by_owner;
    UPDATE meta SET value = '4' WHERE name = 'schema_version';
"""


def of_an_earlier_version(home: Path, *memories: Memory, is_indexed: bool) -> None:
    """A store with these memories as an earlier version left it, with its index or without."""
    (home / "record").mkdir()
    record = Record(home / "record", home / "damaged")
    record.append(hash_chain.seal("", [write(made) for made in memories], 0, hash_chain.GENESIS))
    record.close()
    if is_indexed:
        open_store("embedded", home).close()
        (index,) = home.rglob("index.sqlite")
        with contextlib.closing(apsw.Connection(str(index))) as connection:
            connection.execute(EARLIER)


def assert_whole(store: Store) -> None:
    assert [finding for finding in store.check() if not finding.ok] == []


@pytest.fixture(params=[True, False], ids=["with its index", "made anew"])
def is_indexed(request: pytest.FixtureRequest) -> bool:
    """Whether the store of before has its index still."""
    return request.param


def test_a_text_of_before_is_known_again_and_the_store_is_whole(
    tmp_path: Path, embedder: Embedder, is_indexed: bool
) -> None:
    kept = memory("Alice drinks tea.", fingerprint=OLD)
    of_an_earlier_version(tmp_path, kept, is_indexed=is_indexed)
    store = open_store("embedded", tmp_path)
    assert store.select(where(fingerprints=(OLD,))) == []
    (found,) = store.select(where(fingerprints=(fingerprint(kept.content),)))
    assert found.id == kept.id
    assert_whole(store)
    service = MemoryService(store, embedder)
    (again,) = service.remember(ALICE, [Draft(content="Alice drinks tea")])
    assert (again.id, again.status) == (kept.id, "merged")
    assert_whole(store)
    service.close()


@pytest.mark.parametrize("deed", ["remember the newest", "remember the oldest", "new", "update"])
def test_of_keys_that_were_spelt_apart_the_newest_holds_and_the_rest_ends_with_the_next_write(
    tmp_path: Path, embedder: Embedder, is_indexed: bool, deed: str
) -> None:
    values = {"Time Zone": "UTC", "timezone": "Europe/Berlin", "time_zone": "Asia/Tokyo"}
    old = [
        memory(said, key=key, fingerprint=OLD, recorded_at=START + timedelta(hours=n))
        for n, (key, said) in enumerate(values.items())
    ]
    of_an_earlier_version(tmp_path, *old, is_indexed=is_indexed)
    store = open_store("embedded", tmp_path)
    assert_whole(store)
    service = MemoryService(store, embedder)
    assert {m.content for m in service.recent(ALICE)} == set(values.values())
    if deed == "update":
        service.update(ALICE, old[2].id, Patch(content="Asia/Osaka"))
    else:
        said = {"remember the newest": "Asia/Tokyo", "remember the oldest": "UTC"}
        draft = Draft(content=said.get(deed, "Asia/Osaka"), key="TimeZone", scope="user")
        service.remember(ALICE, [draft])
    (one,) = service.recent(ALICE)
    wanted = {"remember the newest": "Asia/Tokyo", "remember the oldest": "UTC"}
    assert one.content == wanted.get(deed, "Asia/Osaka")
    gone = [service.get(ALICE, m.id) for m in old if m.id != one.id]
    assert [(m.status, m.superseded_by) for m in gone] == [(Status.SUPERSEDED, one.id)] * 2
    assert [m.content for m in gone] == [m.content for m in old if m.id != one.id]
    assert_whole(store)
    service.close()
