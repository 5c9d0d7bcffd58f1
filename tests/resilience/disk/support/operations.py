"""Things that a store is asked to do, the same in every process: to interrupt, and to repeat."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mcp_memory.domain.memory import Memory, Status
from mcp_memory.storage.contract import Store, Write
from mcp_memory.storage.embedded.record.record import Record
from tests.resilience.disk.support import control
from tests.resilience.disk.support.acknowledgements import told
from tests.support.factories import ACTOR, memory, open_store, put, revised, trace, windows, write

_Say = Callable[[str], None]


def numbered(n: int) -> Memory:
    """Memory number `n`, whose first word is its own; the same wherever it is made."""
    ordinary = " ".join(f"ordinary{n}x{i}" for i in range(n % 5 * 40))
    return memory(f"peculiar{n:06} {ordinary}", id=f"01a20256-0000-7000-8000-{n:012}")


BEFORE = tuple(numbered(n) for n in range(12))
"""What a store holds before anything is interrupted."""
REVISED = revised(BEFORE[0], content="peculiar-revised and told anew")


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """Something to do; `say` is told what is tried, and what was acknowledged."""

    do: Callable[[Store, _Say], None]
    prepare: Callable[[Path], None] = lambda home: None
    is_opening: bool = False
    """It is done by opening the store."""


def fill(home: str) -> list[str]:
    """Make the store that the deeds are done to; what it promises."""
    store = open_store("embedded", Path(home))
    put(store, *BEFORE, vectors=[windows(n) for n in range(len(BEFORE))])
    put(store, REVISED)
    store.save_traces([trace(), trace(memory_ids=(BEFORE[3].id,))])
    store.close()
    return [told("kept", [*BEFORE, REVISED])]


def act(home: str, name: str, plan: str, said: str) -> int:
    """Do a deed on a disk with a plan; how many operations that took.

    What it says goes to the file `said`, line by line, for it may not come to an end.
    """
    deed, folder = DEEDS[name], Path(home)
    deed.prepare(folder)
    store = None if deed.is_opening else open_store("embedded", folder)
    control.plan(plan)
    store = store or open_store("embedded", folder)
    with Path(said).open("a", encoding="utf-8", buffering=1) as lines:
        deed.do(store, lambda line: print(line, file=lines))
    counted = control.count()
    control.plan("")
    store.close()
    return counted


def insist(home: str, plan: str) -> None:
    """Write one memory on a disk with a plan, in the same request each time, and note it."""
    store = open_store("embedded", Path(home))
    made = numbered(100)
    control.plan(plan)
    store.write("insisted", [write(made)])
    control.note(told("kept", [made]))


def _write(store: Store, say: _Say) -> None:
    made = [numbered(n) for n in (100, 101, 102)]
    _send(store, say, "the writing", [write(m, windows(1)) for m in made])


def _update(store: Store, say: _Say) -> None:
    heir = numbered(103)
    other = revised(BEFORE[1], content="peculiar-updated in the middle")
    ended = revised(BEFORE[2], status=Status.SUPERSEDED, superseded_by=heir.id)
    _send(store, say, "the update", [write(m) for m in (other, ended, heir)])


def _send(store: Store, say: _Say, request: str, writes: list[Write]) -> None:
    made = [each.memory for each in writes]
    say(told("trying", made))
    store.write(request, writes)
    say(told("kept", made))


def _erase(store: Store, say: _Say) -> None:
    ids = [BEFORE[0].id, BEFORE[3].id]
    say(json.dumps({"erasing": ids}))
    store.erase(ids, ACTOR)
    say(json.dumps({"erased": ids}))


def _compact(store: Store, _: _Say) -> None:
    Record.compact_after_changes = 0
    store.maintain()


def _lose_index(home: Path) -> None:
    shutil.rmtree(home / "index", ignore_errors=True)


DEEDS = {
    "write": Deed(do=_write),
    "update": Deed(do=_update),
    "erase": Deed(do=_erase),
    "compaction": Deed(do=_compact),
    "rebuild": Deed(do=lambda store, say: None, prepare=_lose_index, is_opening=True),
}
"""By name."""
