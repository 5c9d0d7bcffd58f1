"""Fills a store until there is no room, then goes on once there is some.

Room is made scarce by a limit on the size of files, or by ballast on a small disk. Lines:
"kept <id>" once a write was acknowledged, "full <message>" when there was no room,
"found <id>" for what is there in the end, and "done".
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from mcp_memory.domain.ids import new_id
from mcp_memory.errors import StoreFull
from mcp_memory.storage.contract import Store, Write
from tests.support.factories import ids, memory, open_store, pages, where, windows, write

BATCH = 20
BATCHES_MAX = 2000
REFUSALS = 5
FIRST = BATCHES_MAX + REFUSALS
"""The number of the batch that is there before room is scarce."""


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
    assert store.propose(where(), terms=[f"word{FIRST * BATCH}"], vector=None, limit=5).candidates


def limit_files(home: Path, room_bytes: int) -> Callable[[], None]:
    """Let no file grow more than so many bytes beyond the largest; gives what lifts that."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    largest = max(p.stat().st_size for p in home.rglob("*") if p.is_file())
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + room_bytes, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def load_disk(home: Path, room_bytes: int) -> Callable[[], None]:
    """Leave so many bytes of the disk, which should be a small one; gives what frees the rest."""
    ballast = home.with_name("ballast")
    free = shutil.disk_usage(home).free
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free - room_bytes))
    return ballast.unlink


def check(store: Store) -> None:
    """Everything is well but for the size of the disk."""
    bad = [finding for finding in store.check() if not finding.ok and finding.name != "disk"]
    assert not bad, bad


def main() -> None:
    """Fill the store in the folder given until so many more bytes are used up."""
    home, room_bytes, how = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    store = open_store("embedded", home)
    keep(store, new_id(), batch(FIRST))
    make_scarce = {"limit": limit_files, "ballast": load_disk}[how]
    make_room = make_scarce(home, room_bytes)
    request, writes = fill(store)
    refuse_again(store)

    make_room()
    keep(store, request, writes)
    found = store.select(where(ids=tuple(w.memory.id for w in writes)), limit=1000)
    assert len(found) == BATCH
    keep(store, new_id(), batch(FIRST + 1))
    store.maintain()
    check(store)
    store.close()

    store = open_store("embedded", home)
    check(store)
    for memory_id in ids(pages(store, where())):
        print(f"found {memory_id}")
    store.close()
    print("done", flush=True)


if __name__ == "__main__":
    main()
