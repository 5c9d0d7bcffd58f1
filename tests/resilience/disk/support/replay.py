"""What may be on a disk after a power cut, given what was done to it until then.

Data that was not synced may be there in part, see POLICIES. Names that were not synced
follow one of two models. *Ordered* is a journalling file system such as ext4: a sync of a
file that is new or has grown, and any sync of a folder, makes all earlier changes of names
durable, and of the rest there is a prefix. *POSIX only* promises no more than the standard:
a name is durable once its own folder was synced, and of the rest there is any subset.

After a sync that failed, the kernel takes its pages for clean: each may or may not be on
the disk, and no later sync will bring it there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from random import Random

from tests.resilience.disk.support.journal import Operation

State = dict[str, bytes | None]
"""What is at each path; None is a folder."""
_Policy = Callable[[Sequence[Operation], int, Random], Sequence[Operation]]


@dataclass(kw_only=True, slots=True, eq=False)
class Node:
    """A file or folder, whatever it is called: what is durable of it, and what is not."""

    is_folder: bool = False
    synced: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list[Operation])

    def has_grown(self) -> bool:
        """Whether a sync has to write the length as well."""
        end = len(self.synced)
        return any(op.kind == "T" or op.offset + len(op.data) > end for op in self.pending)

    def sync(self) -> None:
        """Make all of it durable."""
        for op in self.pending:
            _change(self.synced, op)
        self.pending.clear()

    def fail_to_sync(self, rng: Random) -> None:
        """Make some of it durable, and take the rest for it."""
        self.pending = [op for op in self.pending if rng.random() < 0.5]
        self.sync()

    def content(self, policy: str, rng: Random) -> bytes:
        """What is there after a power cut."""
        there = bytearray(self.synced)
        for op in POLICIES[policy](self.pending, len(there), rng):
            _change(there, op)
        return bytes(there)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Move:
    """A change of names, and the node that it is about."""

    op: Operation
    node: Node

    def folder(self) -> str:
        return _parent(self.op.other or self.op.path)

    def apply(self, names: dict[str, Node]) -> None:
        if self.op.kind in "UR":
            names.pop(self.op.path, None)
        if self.op.kind != "U":
            names[self.op.other or self.op.path] = self.node


class Disk:
    """A disk to which operations are done one by one, and whose power may be cut."""

    def __init__(self, rng: Random, *, is_ordered: bool) -> None:
        self._rng = rng
        self._is_ordered = is_ordered
        self._names: dict[str, Node] = {}
        self._durable: dict[str, Node] = {}
        self._moves: list[_Move] = []

    def apply(self, op: Operation) -> None:
        """Do one operation."""
        if op.kind in "CMUR":
            self._move(op)
        elif op.kind in "WT":
            self._names[op.path].pending.append(op)
        elif op.kind == "S":
            self._sync(self._names[op.path])
        elif op.kind == "D":
            self._settle(lambda move: self._is_ordered or move.folder() == op.path)
        elif op.kind == "E" and op.path in self._names:
            self._names[op.path].fail_to_sync(self._rng)

    def running(self) -> State:
        """What a process sees while the power is on."""
        return {
            path: None if node.is_folder else node.content("all", self._rng)
            for path, node in self._names.items()
        }

    def cut(self, policy: str, rng: Random) -> State:
        """What is there when the power comes back."""
        names = dict(self._durable)
        for move in self._kept_moves(policy, rng):
            move.apply(names)
        return {
            path: None if node.is_folder else node.content(policy, rng)
            for path, node in names.items()
            if all(str(above) in names for above in list(PurePosixPath(path).parents)[:-1])
        }

    def _move(self, op: Operation) -> None:
        node = Node(is_folder=op.kind == "M") if op.kind in "CM" else self._names[op.path]
        assert not (op.kind == "R" and node.is_folder), "no store renames a folder"
        self._moves.append(_Move(op=op, node=node))
        self._moves[-1].apply(self._names)

    def _sync(self, node: Node) -> None:
        is_new = any(move.node is node for move in self._moves)
        if self._is_ordered and (is_new or node.has_grown()):
            self._settle(lambda _: True)
        node.sync()

    def _settle(self, is_meant: Callable[[_Move], bool]) -> None:
        for move in self._moves:
            if is_meant(move):
                move.apply(self._durable)
        self._moves = [move for move in self._moves if not is_meant(move)]

    def _kept_moves(self, policy: str, rng: Random) -> Sequence[_Move]:
        if policy in ("none", "all"):
            return self._moves if policy == "all" else ()
        if self._is_ordered:
            return self._moves[: rng.randint(0, len(self._moves))]
        return [move for move in self._moves if rng.random() < 0.5]


def lay_out(state: State, folder: Path) -> None:
    """Make the files of a state."""
    for path, content in sorted(state.items()):
        if content is None:
            (folder / path).mkdir(parents=True)
        else:
            (folder / path).write_bytes(content)


def _change(content: bytearray, op: Operation) -> None:
    grown = op.offset - len(content)
    if grown > 0:
        content.extend(bytes(grown))
    if op.kind == "T":
        del content[op.offset :]
    else:
        content[op.offset : op.offset + len(op.data)] = op.data


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _prefix(ops: Sequence[Operation], _: int, rng: Random) -> Sequence[Operation]:
    return ops[: rng.randint(0, len(ops))]


def _subset(ops: Sequence[Operation], _: int, rng: Random) -> Sequence[Operation]:
    return [op for op in ops if rng.random() < 0.5]


def _torn(unit: int) -> _Policy:
    """Of each write some sectors of `unit` bytes."""

    def kept(ops: Sequence[Operation], _: int, rng: Random) -> Sequence[Operation]:
        return [
            part
            for op in ops
            for part in (_sectors(op, unit) if op.kind == "W" else [op])
            if rng.random() < 0.6
        ]

    return kept


def _sectors(op: Operation, unit: int) -> list[Operation]:
    begin, end = op.offset, op.offset + len(op.data)
    edges = [begin, *range(begin - begin % unit + unit, end, unit), end]
    return [
        replace(op, offset=low, data=op.data[low - begin : high - begin])
        for low, high in pairwise(edges)
    ]


def _zeros(ops: Sequence[Operation], end: int, _: Random) -> Sequence[Operation]:
    """The new length was written and the data was not."""
    return [
        replace(op, data=bytes(len(op.data))) if op.kind == "W" and op.offset >= end else op
        for op in ops
    ]


def _mixed(ops: Sequence[Operation], end: int, rng: Random) -> Sequence[Operation]:
    """Any of the others, for each file another one."""
    return POLICIES[rng.choice(list(POLICIES)[:-1])](ops, end, rng)


POLICIES: dict[str, _Policy] = {
    "none": lambda ops, end, rng: (),
    "all": lambda ops, end, rng: ops,
    "prefix": _prefix,
    "subset": _subset,
    "torn-512": _torn(512),
    "torn-4096": _torn(4096),
    "zeros": _zeros,
    "mixed": _mixed,
}
"""What of the data that was not synced is on the disk."""
