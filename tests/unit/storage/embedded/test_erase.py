"""An erased memory is in no byte of the store's folder, however the erasing went."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from mcp_memory.domain import text
from mcp_memory.domain.memory import Change, ChangeKind, Memory
from mcp_memory.storage.contract import Store
from mcp_memory.storage.embedded.index import vector_format
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.repair import recovery
from mcp_memory.storage.embedded.shared import hash_chain
from tests.support.erasure import left_in, read
from tests.support.factories import (
    ACTOR,
    ALICE,
    BOB,
    SPACE,
    memory,
    open_store,
    pages,
    put,
    revised,
    trace,
    where,
    windows,
    write,
)

SECRET = memory(
    "Zyxomatic quelbrant passports lie under floorboards/hiding.txt",
    key="vexingly_private_slot",
    tags=("hushhushtag",),
    source="diary://wrenfield",
    metadata={"mumblekey": "grumblevalue"},
)
REVISED = revised(
    SECRET, content="Quibberish plonkworthy safes 秘密の場所", merged="Frobnicated twin"
)
WINDOWS, WINDOWS_LATER = windows(90_001, 90_002), windows(90_003)


def traces_of(made: Memory) -> set[bytes]:
    """Everything that a memory could be known by."""
    said = [made.content, made.merged, made.key, *made.tags, made.source]
    said += [str(part) for pair in made.metadata.items() for part in pair]
    terms = {term for each in said for term in text.terms(each)}
    words = {word for each in said for word in each.split()}
    found = {piece.encode() for piece in {*said, *terms, *words} if len(piece) > 4}
    return {*found, made.fingerprint.encode()}


def vector_traces() -> set[bytes]:
    """The vectors in every form the index could keep, and parts of them."""
    packed = [p for w in (WINDOWS, WINDOWS_LATER) for p in vector_format.pack(w, SPACE)]
    whole = np.concatenate([WINDOWS, WINDOWS_LATER])
    floats = [row.tobytes() for row in whole]
    codes = [vector_format.code(p) for p in packed]
    return {*packed, *(p[:32] for p in packed), *floats, *codes, *(c[:16] for c in codes)}


def filled(home: Path, others: int) -> Store:
    """A store that holds the secret, its revision, traces of it, and other memories."""
    store = open_store("embedded", home)
    places = ("harbour", "orchard", "kettle")
    made = [
        memory(f"On day {n} Anna and Ben put lamp {7 * n} on the shelf by the {places[n % 3]}")
        for n in range(others)
    ]
    half = others // 2
    put(store, *made[:half], vectors=[windows(n) for n in range(half)])
    store.write("r1", [write(SECRET, WINDOWS, reason="because zyxomatic")])
    put(store, *made[half:], vectors=[windows(n) for n in range(half, others)])
    store.write("r2", [write(REVISED, WINDOWS_LATER, reason="quibberish after all")])
    store.save_traces([trace("where are the passports?"), trace(memory_ids=(SECRET.id,))])
    return store


ALL = traces_of(SECRET) | traces_of(REVISED) | vector_traces()


@pytest.mark.parametrize("others", [0, 20, 700])
@pytest.mark.parametrize("upkeep", [False, True])
def test_no_byte_of_an_erased_memory_is_left(tmp_path: Path, others: int, upkeep: bool) -> None:
    home = tmp_path / "home"
    store = filled(home, others)
    assert left_in(home, ALL), "the test must be able to see what is to go"
    if upkeep:
        store.maintain()
        store.close()
        store = open_store("embedded", home)
    store.propose(where(), terms=["zyxomat"], vector=WINDOWS[0], limit=5)
    receipt = store.erase([SECRET.id], ACTOR)
    assert (receipt.revisions, receipt.vectors, receipt.traces) == (2, 3, 1)
    assert left_in(home, ALL) == {}
    assert all(not (home / name).exists() for name in receipt.files)
    assert all(finding.ok for finding in store.check())
    store.close()
    assert left_in(home, ALL) == {}


def said_by(made: Memory) -> set[bytes]:
    """What somebody who reads a store would take for this memory."""
    return {made.content.encode(), made.key.encode(), made.tags[0].encode(), made.id.encode()}


def test_of_thousands_of_memories_nothing_of_an_erased_one_can_be_read(tmp_path: Path) -> None:
    """So many that the databases pack their texts; what is sought is found before it is gone."""
    home = tmp_path / "home"
    store = filled(home, 6_000)
    put(store, twin := memory("ordinary twin of quelbrant passports", partition=BOB))
    store.erase([twin.id], ACTOR)  # which writes everything anew
    live = (home / "record" / "CURRENT").read_text(encoding="ascii")
    for name in (live, "index.sqlite"):
        there = read(home)[name]
        for made in (SECRET, REVISED):
            assert {text for text in said_by(made) if text not in there} == set(), name
    in_bytes = (home / "record" / live).read_bytes()
    assert SECRET.content.encode() not in in_bytes, "texts are not packed: take more of them"
    store.erase([SECRET.id], ACTOR)
    assert left_in(home, ALL) == {}
    contents = {m.content for m in pages(store, where())}
    assert len(contents) == 6_000, "the others are all there"
    store.close()
    assert left_in(home, ALL) == {}


def test_nothing_comes_back_with_later_work(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = filled(home, 40)
    store.erase([SECRET.id], ACTOR)
    for n in range(30):
        put(store, memory(f"later {n}"), vectors=[windows(n)])
    store.maintain()
    store.close()
    store = open_store("embedded", home)
    assert store.history(SECRET.id, [ALICE]) == []
    store.close()
    assert left_in(home, ALL) == {}


def test_what_was_put_aside_goes_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    filled(home, 10).close()
    index = home / "index" / "index.sqlite"
    index.write_bytes(b"broken" + index.read_bytes())
    store = open_store("embedded", home)
    assert left_in(home / "damaged", ALL)
    receipt = store.erase([SECRET.id], ACTOR)
    assert any(name.startswith("damaged/") for name in receipt.files)
    store.close()
    assert left_in(home, ALL) == {}


def erase_in_the_record_alone(home: Path) -> None:
    """What a crash right after the deciding commit leaves behind."""
    record = Record(home / "record", home / "damaged")
    change = Change(
        number=record.number + 1,
        verb=ChangeKind.ERASE,
        memory_id=SECRET.id,
        revision=2,
        at=datetime.now(UTC),
        user="alice",
        agent="claude",
        client="claude-code",
        reason="",
    )
    names = [made.id for made in (trace(), trace())]
    record.erase([SECRET.id], [hash_chain.entry(change, None, "", record.head)], names)
    record.save_traces([], "[]", 0)
    record.close()


def assert_finished(home: Path) -> None:
    """The next start finishes what a crash cut short."""
    assert left_in(home, ALL)
    store = open_store("embedded", home)
    assert store.history(SECRET.id, [ALICE]) == []
    assert left_in(home, ALL) == {}
    assert all(finding.ok for finding in store.check() if finding.name != "repair")
    store.close()


def test_an_erasure_that_a_crash_cut_short_is_finished_at_the_next_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    filled(home, 40).close()
    index = home / "index" / "index.sqlite"
    index_before = index.read_bytes()
    erase_in_the_record_alone(home)
    assert index.read_bytes() == index_before
    assert_finished(home)


def test_an_index_damaged_during_an_erasure_is_not_kept(tmp_path: Path) -> None:
    home = tmp_path / "home"
    filled(home, 40).close()
    erase_in_the_record_alone(home)
    index = home / "index" / "index.sqlite"
    index.write_bytes(b"broken" + index.read_bytes())
    assert_finished(home)


def test_a_log_damaged_during_an_erasure_is_not_kept(tmp_path: Path) -> None:
    home = tmp_path / "home"
    filled(home, 40).close()
    live = home / "record" / (home / "record" / "CURRENT").read_text(encoding="ascii")
    log = Path(f"{live}.wal")
    before = log.read_bytes()
    erase_in_the_record_alone(home)
    index = Index(home / "index", home / "damaged", SPACE)
    record = Record(home / "record", home / "damaged")
    recovery.catch_up(record, index)
    index.close()
    record.close()
    log.write_bytes(before)  # the erasure was lost from the record, yet the index knows of it
    assert_finished(home)


def test_the_journal_still_verifies_and_keeps_who_erased(tmp_path: Path) -> None:
    store = filled(tmp_path / "home", 10)
    store.erase([SECRET.id], ACTOR)
    verified = {finding.name: finding.ok for finding in store.check()}
    assert verified["chain"]
    assert verified["agreement"]
    store.close()
