"""Fills a store up to a limit on the size of files, then goes on once it is lifted.

Lines: "kept <id>" once a write was acknowledged, "full <message>" when there was no room,
then what was checked.
"""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from mcp_memory.errors import StoreFull
from mcp_memory.ids import new_id
from mcp_memory.storage.contract import Store, Write
from tests.factories import memory, open_store, pages, where, windows, write

BATCH = 20
BATCHES_MAX = 2000
REFUSALS = 5


def batch(n: int) -> list[Write]:
    """Twenty memories of about a kilobyte each, with vectors."""
    return [
        write(memory(f"number{n}x{i} " + f"word{n * BATCH + i} " * 80), windows(i))
        for i in range(BATCH)
    ]


def keep(store: Store, request: str, writes: list[Write]) -> None:
    """Write, and acknowledge once the store has."""
    store.write(request, writes)
    for written in writes:
        print(f"kept {written.memory.id}", flush=True)


def fill(store: Store) -> tuple[str, list[Write]]:
    """Write until there is no room; the request that was refused."""
    for n in range(BATCHES_MAX):
        request, writes = new_id(), batch(n)
        try:
            keep(store, request, writes)
        except StoreFull as error:
            print(f"full {error}", flush=True)
            return request, writes
    raise AssertionError("the limit was never reached")


def refuse_again(store: Store) -> None:
    """Further writes and housekeeping are refused as clearly, and reads go on."""
    before = len(pages(store, where()))
    for n in range(REFUSALS):
        try:
            store.write(new_id(), batch(BATCHES_MAX + n))
        except StoreFull:
            continue
    try:
        store.maintain()
    except StoreFull:
        print("housekeeping had no room", flush=True)
    assert len(pages(store, where())) >= before
    assert store.propose(where(), terms=["word1"], vector=None, limit=5).candidates


def main() -> None:
    """Fill the store in the folder given up to so many bytes beyond its largest file."""
    home, room_bytes = Path(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = open_store("embedded", home)
    keep(store, new_id(), batch(BATCHES_MAX + REFUSALS))
    largest = max(p.stat().st_size for p in home.rglob("*") if p.is_file())
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + room_bytes, hard))
    request, writes = fill(store)
    refuse_again(store)

    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    keep(store, request, writes)
    found = store.select(where(ids=tuple(w.memory.id for w in writes)), limit=1000)
    assert len(found) == BATCH
    keep(store, new_id(), batch(BATCHES_MAX + REFUSALS + 1))
    store.maintain()
    bad = [finding for finding in store.check() if not finding.ok]
    assert not bad, bad
    store.close()
    print("done", flush=True)


if __name__ == "__main__":
    main()
