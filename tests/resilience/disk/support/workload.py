"""What a store goes through in the lives of its process, while the disk is recorded."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Memory, Status
from mcp_memory.errors import StoreError
from mcp_memory.storage.contract import Store, Write
from mcp_memory.storage.embedded.record.record import Record
from tests.resilience.disk.support import control
from tests.resilience.disk.support.acknowledgements import SETTING, told
from tests.support.factories import (
    ACTOR,
    memory,
    open_store,
    pages,
    revised,
    trace,
    where,
    windows,
    write,
)

ACTIONS = 30
COMPACT_AFTER_CHANGES = 25
_FAULTS = (("SWDT", 1), ("S", 1), ("ST", 3), ("D", 1))
"""Kinds of operations that fail, and how many in a row: DuckDB undoes a failed sync twice."""
_LENGTHS = (0, 0, 10, 150, 900)
"""Words that follow the first: from a line to more than a block of the disk."""


def live(home: str, unfinished: str, seed: str, fate: str) -> None:
    """One life of a process: open the store, finish what the one before began, and work.

    Its `fate` is a plan that kills it, "faulty" when the disk fails now and then, or "".
    The file `unfinished` outlives the process, as a caller does that sends again.
    """
    Record.compact_after_changes = COMPACT_AFTER_CHANGES
    kills, rng = fate.startswith("kill"), Random(seed)
    control.plan(fate if kills else "")
    store = open_store("embedded", Path(home))
    life = _Life(store, Path(unfinished), rng)
    control.note(json.dumps({"setting": store.setting(SETTING, "of this store")}))
    life.finish()
    for turn in range(ACTIONS * 50 if kills else ACTIONS):
        if fate == "faulty" and turn % 2:
            kinds, count = rng.choice(_FAULTS)
            control.plan(f"fail {kinds} {errno.EIO} {rng.randint(1, 3)} {count}")
        life.act()
        if not kills:
            control.plan("")
    store.close()


class _Life:
    def __init__(self, store: Store, unfinished: Path, rng: Random) -> None:
        self._store = store
        self._unfinished = unfinished
        self._rng = rng
        self._mine = pages(store, where())

    def act(self) -> None:
        """Do one thing, and again when the disk failed."""
        actions: dict[Callable[[], None], int] = {
            self._remember: 6,
            self._remember_many: 2,
            self._update: 4,
            self._supersede: 2,
            self._merge: 1,
            self._embed: 2,
            self._trace: 1,
            self._erase: 1,
            self._store.maintain: 1,
        }
        (action,) = self._rng.choices(list(actions), list(actions.values()))
        try:
            action()
        except StoreError:
            control.plan("")
            self.finish()
            self._mine = pages(self._store, where())

    def finish(self) -> None:
        """Send again what was not acknowledged."""
        if not self._unfinished.exists():
            return
        request, *memories = json.loads(self._unfinished.read_text("utf-8"))
        made = [memory(content, id=memory_id) for memory_id, content in memories]
        self._send(request, [write(m) for m in made])
        self._mine += made

    def _send(self, request: str, writes: Sequence[Write]) -> None:
        made = [each.memory for each in writes]
        control.note(told("trying", made))
        self._store.write(request, writes)
        control.note(told("kept", made))
        self._unfinished.unlink(missing_ok=True)

    def _text(self) -> str:
        words = " ".join(f"w{self._rng.getrandbits(24):x}" for _ in range(self._length()))
        return f"note{self._rng.getrandbits(64):016x} {words}"

    def _length(self) -> int:
        return self._rng.choice(_LENGTHS)

    def _remember(self) -> None:
        self._begin([memory(self._text())], None)

    def _remember_many(self) -> None:
        self._begin([memory(self._text()) for _ in range(self._rng.randint(2, 5))], 3)

    def _begin(self, made: list[Memory], seed: int | None) -> None:
        request = new_id()
        sent = [request, *((m.id, m.content) for m in made)]
        self._unfinished.write_text(json.dumps(sent), "utf-8")
        vectors = None if seed is None else windows(seed)
        self._send(request, [write(m, vectors) for m in made])
        self._mine += made

    def _revise(self, *revisions: Memory) -> None:
        self._send(new_id(), [write(m) for m in revisions])
        by_id = {m.id: m for m in revisions}
        self._mine = [by_id.pop(m.id, m) for m in self._mine] + list(by_id.values())
        self._mine = [m for m in self._mine if m.status is Status.ACTIVE]

    def _update(self) -> None:
        if self._mine:
            self._revise(revised(self._rng.choice(self._mine), content=self._text()))

    def _supersede(self) -> None:
        """A key gets another value."""
        taken = [m for m in self._mine if m.key == "drink"]
        made = memory(self._text(), key="drink")
        ended = [revised(m, status=Status.SUPERSEDED, superseded_by=made.id) for m in taken]
        self._revise(*ended, made)

    def _merge(self) -> None:
        if self._mine:
            before = self._rng.choice(self._mine)
            self._revise(revised(before, merged=self._text(), evidence=before.evidence + 1))

    def _embed(self) -> None:
        waiting = self._store.unembedded(3)
        self._store.embed({(m.id, m.revision): windows(1) for m in waiting})

    def _trace(self) -> None:
        late = timedelta(seconds=self._rng.randrange(10**6))
        self._store.save_traces([replace(trace(), at=trace().at + late)])

    def _erase(self) -> None:
        if not self._mine:
            return
        gone = self._mine.pop(self._rng.randrange(len(self._mine)))
        control.note(json.dumps({"erasing": [gone.id]}))
        self._store.erase([gone.id], ACTOR)
        control.note(json.dumps({"erased": [gone.id]}))
