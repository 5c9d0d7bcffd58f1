"""A store on a disk that refuses: what it says, what it keeps, and how it goes on."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Memory
from mcp_memory.errors import McpMemoryError, StoreFull
from mcp_memory.storage.contract import Write
from mcp_memory.storage.embedded.record.record import Record
from tests.resilience.disk.support import control
from tests.resilience.disk.support.acknowledgements import (
    Promises,
    left_over,
    told,
    unkept,
    unpacked,
)
from tests.resilience.disk.support.operations import BEFORE
from tests.support.factories import ACTOR, memory, open_store, put, revised, where, windows, write

_Act = Callable[[], None]
_WITNESS = BEFORE[5]
"""What is never touched, and to be read at any time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What the disk refuses, from some operation on; see shim.c for the words."""

    form: str
    kinds: str
    error: int
    count: int

    def plan(self, place: int) -> str:
        """The plan that refuses from operation `place` on."""
        return f"{self.form} {self.kinds} {self.error} {place} {self.count}"

    def __str__(self) -> str:
        times = f"{self.count} times" if self.count else "from then on"
        return f"{errno.errorcode[self.error]} ({self.form}) of {self.kinds} {times}"


@dataclass(kw_only=True, slots=True)
class Suffered:
    """What came of it: how often the disk refused, and how often the store said so."""

    faults: int = 0
    raised: int = 0
    found: list[str] = field(default_factory=list[str])
    promises: str = ""


def suffer(
    home: str, deed: str, faults: list[dict[str, Any]], promises: str, most: int
) -> dict[str, Any]:
    """Do a deed again and again, each time with a fault at a later operation.

    After each the disk is well again: the same process has to succeed with the very same
    request, and to have lost nothing. `most` is at how many operations each fault comes.
    """
    patient = _Patient(Path(home), unpacked(promises))
    make = getattr(patient, deed)
    for fault in (Fault(**each) for each in faults):
        for place in _places(patient.count(make, fault.kinds), most):
            patient.suffer(make(), fault, place)
    patient.close()
    return asdict(patient.suffered)


def _places(operations: int, most: int) -> Sequence[int]:
    """Operations of one deed, evenly spread, the first among them."""
    return range(1, operations + 1, max(1, -(-operations // most)))


class _Patient:
    """A store, and what it promised. The deeds are its public methods: each prepares one."""

    def __init__(self, home: Path, promises: Promises) -> None:
        self.suffered = Suffered()
        self._home = home
        self._promises = promises
        self._store = open_store("embedded", home)
        self._doing = "nothing"
        self._is_for_room = False

    def count(self, make: Callable[[], _Act], kinds: str) -> int:
        """How many operations of these kinds a deed takes."""
        act = make()
        control.plan(f"count {kinds}")
        act()
        counted = control.count()
        control.plan("")
        return counted

    def suffer(self, act: _Act, fault: Fault, place: int) -> None:
        """Do this with the fault, look, and do it again without."""
        self._doing = f"{fault} at operation {place}"
        self._is_for_room = fault.error == errno.ENOSPC
        control.plan(fault.plan(place))
        self._attempt(act)
        if not fault.count:
            self._attempt(self.write())
        self._attempt(self._read, may_fail=False)
        self.suffered.faults += control.count() >= place
        control.plan("")
        self._attempt(act, may_fail=False)
        self._attempt(self._read, may_fail=False)
        found = [*unkept(self._store, self._promises)]
        found += left_over(self._store, self._home, self._promises)
        self._note(*found)

    def close(self) -> None:
        """See what a check says, and let go."""
        bad = [f for f in self._store.check() if not f.ok and f.name != "repair"]
        self._note(*(f"bad: {f.name}, {f.detail}" for f in bad))
        self._store.close()
        self.suffered.promises = self._promises.packed()

    # --- deeds -------------------------------------------------------------------------

    def write(self) -> _Act:
        """A batch of three new memories, two of them with vectors."""
        made = [memory(f"peculiar{new_id()} and more " + "word " * n * 300) for n in range(3)]
        windowed = [write(m, windows(n) if n else None) for n, m in enumerate(made)]
        return self._sending(windowed)

    def update(self) -> _Act:
        """A new text for one memory."""
        before = self._put()
        return self._sending([write(revised(before, content=f"peculiar{new_id()} anew"))])

    def erase(self) -> _Act:
        """One memory that had two revisions."""
        before = self._put()
        made = revised(before, content=f"peculiar{new_id()} anew")
        put(self._store, made)
        self._promises.hear(told("kept", [before, made]))

        def act() -> None:
            self._promises.hear(json.dumps({"erasing": [made.id]}))
            self._store.erase([made.id], ACTOR)
            self._promises.hear(json.dumps({"erased": [made.id]}))

        return act

    def compaction(self) -> _Act:
        """A new generation of the record."""
        self._put()

        def act() -> None:
            Record.compact_after_changes = 0
            self._store.maintain()
            Record.compact_after_changes = 5_000

        return act

    def _put(self) -> Memory:
        made = memory(f"peculiar{new_id()} at first")
        put(self._store, made, vectors=[windows(1)])
        self._promises.hear(told("kept", [made]))
        return made

    def _sending(self, writes: list[Write]) -> _Act:
        request, made = new_id(), [each.memory for each in writes]

        def act() -> None:
            self._promises.hear(told("trying", made))
            self._store.write(request, writes)
            self._promises.hear(told("kept", made))

        return act

    # --- what is looked at -------------------------------------------------------------

    def _read(self) -> None:
        (there,) = self._store.select(where(ids=(_WITNESS.id,)))
        assert there == _WITNESS

    def _attempt(self, act: _Act, *, may_fail: bool = True) -> None:
        try:
            act()
        except McpMemoryError as error:
            self.suffered.raised += may_fail
            if not may_fail:
                self._note(f"stuck: {error!r}")
            elif self._is_for_room and not isinstance(error, StoreFull):
                self._note(f"untold: {error!r}")
        except Exception as error:  # whatever it is, it is not one of ours
            self._note(f"raw: {error!r}")

    def _note(self, *found: str) -> None:
        self.suffered.found += [f"{one} after {self._doing}" for one in found]
