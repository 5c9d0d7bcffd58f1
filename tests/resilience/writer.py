"""Writes to a store from several threads and says so on stdout, until it is killed.

Lines: "kept <id> <revision>" once a write was acknowledged, "erasing <id>" before an
erase, "erased <id>" once that was acknowledged.
"""

from __future__ import annotations

import os
import random
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Memory
from mcp_memory.storage.contract import Store
from tests.support.factories import ACTOR, memory, open_store, revised, trace, windows, write

THREADS = 3


def say(line: str) -> None:
    """One whole line at once, straight to the pipe."""
    os.write(1, f"{line}\n".encode())


def keep(store: Store, made: Memory, seed: int | None) -> None:
    """Write, and acknowledge once the store has."""
    store.write(new_id(), [write(made, None if seed is None else windows(seed))])
    say(f"kept {made.id} {made.revision}")


def work(store: Store, rng: random.Random) -> None:
    """Remember, update, embed, trace, compact and now and then erase, for ever."""
    mine: list[Memory] = []
    while True:
        chance = rng.random()
        if chance < 0.6 or not mine:
            made = memory(f"note{rng.getrandbits(64):x} of a long day, written down in full")
            keep(store, made, rng.choice([None, rng.randrange(99)]))
            mine.append(made)
        elif chance < 0.85:
            n = rng.randrange(len(mine))
            mine[n] = revised(mine[n], importance=rng.random())
            keep(store, mine[n], None)
        elif chance < 0.92:
            late = timedelta(milliseconds=rng.randrange(9**9))
            store.save_traces([replace(trace(), at=trace().at + late)])
            store.embed({(m.id, m.revision): windows(1) for m in store.unembedded(3)})
        elif chance < 0.97:
            store.maintain()
        else:
            gone = mine.pop(rng.randrange(len(mine)))
            say(f"erasing {gone.id}")
            store.erase([gone.id], ACTOR)
            say(f"erased {gone.id}")


def main() -> None:
    """Open the store in the folder given and write to it, with the seed given."""
    store = open_store("embedded", Path(sys.argv[1]))
    say("open")
    for n in range(THREADS):
        Thread(target=work, args=(store, random.Random(f"{sys.argv[2]}/{n}"))).start()


if __name__ == "__main__":
    main()
