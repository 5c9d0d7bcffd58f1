"""A store whose texts were compared by an earlier rule goes on, and is compared by today's."""

from __future__ import annotations

import contextlib
from pathlib import Path

import apsw
import pytest

from mcp_memory.embedding import Embedder
from mcp_memory.likeness import fingerprint
from mcp_memory.model import Memory, Scope
from mcp_memory.requests import Draft
from mcp_memory.service import MemoryService
from tests.factories import memory, open_store, put, where

OLD = "0" * 32
ALICE = Scope(tenant="acme", user="alice")


def of_an_earlier_version(home: Path, *memories: Memory, script: str) -> None:
    """A store with these memories, and an index of an earlier schema: as `script` makes it."""
    store = open_store("embedded", home)
    put(store, *memories)
    store.close()
    (index,) = home.rglob("index.sqlite")
    with contextlib.closing(apsw.Connection(str(index))) as connection:
        connection.execute(script)


def without_index(home: Path) -> None:
    """Remove the index, so that it is made anew from the record."""
    for file in (home / "index").iterdir():
        file.unlink()


@pytest.mark.parametrize("is_made_anew", [False, True])
def test_a_text_of_before_is_known_again_and_the_store_is_whole(
    tmp_path: Path, embedder: Embedder, is_made_anew: bool
) -> None:
    kept = memory("Alice drinks tea.", fingerprint=OLD)
    script = f"""
        UPDATE revisions SET fingerprint = '{OLD}';
        UPDATE meta SET value = '4' WHERE name = 'schema_version';
    """
    of_an_earlier_version(tmp_path / "home", kept, script=script)
    if is_made_anew:
        without_index(tmp_path / "home")
    store = open_store("embedded", tmp_path / "home")
    assert store.select(where(fingerprints=(OLD,))) == []
    (found,) = store.select(where(fingerprints=(fingerprint(kept.content),)))
    assert found.id == kept.id
    assert [finding for finding in store.check() if not finding.ok] == []
    service = MemoryService(store, embedder)
    (again,) = service.remember(ALICE, [Draft(content="Alice drinks tea")])
    assert (again.id, again.status) == (kept.id, "merged")
    assert [finding for finding in store.check() if not finding.ok] == []
    service.close()
