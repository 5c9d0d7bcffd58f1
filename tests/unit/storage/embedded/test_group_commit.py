"""Writes that arrive while another is committing share the next commit, each with its own fate."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

import pytest

from mcp_memory.domain.memory import Change, Memory
from mcp_memory.errors import StoreError, WriteConflict
from mcp_memory.storage.embedded.group_commit import REQUESTS_MAX, WRITES_MAX, GroupCommit, Pending
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.embedded.record.record import Record
from mcp_memory.storage.embedded.shared import hash_chain
from tests.support.factories import SPACE, memory, revised, write
from tests.support.waiting import until
from tests.support.watchdog import WAIT_S


class Quay:
    """Group commit on a real record and index; `held` keeps every commit waiting."""

    def __init__(self, folder: Path, pool: ThreadPoolExecutor) -> None:
        for name in ("record", "index"):
            (folder / name).mkdir(parents=True)
        self.record = Record(folder / "record", folder / "damaged")
        self.index = Index(folder / "index", folder / "damaged", SPACE)
        self.held = RLock()
        self.commits: list[int] = []
        self.group_commit = GroupCommit(
            self.record, self.index, alone=self._alone, project=self._project
        )
        self._pool = pool

    @contextmanager
    def _alone(self) -> Generator[None]:
        with self.held:
            self.record.open_again()
            yield

    def _project(
        self, entries: Sequence[hash_chain.Entry], packed: Sequence[list[bytes] | None]
    ) -> None:
        self.commits.append(len(entries))
        self.index.apply(entries, packed)

    def send(self, *made: Memory, request: str = "") -> Future[list[Change]]:
        """Have a thread write; returns once the request waits for its commit."""
        before = self.group_commit.waiting
        writes = [write(one) for one in made]
        pending = Pending(request=request, writes=writes, packed=[None] * len(writes))
        sent = self._pool.submit(self.group_commit.write, pending)
        until(lambda: self.group_commit.waiting != before or sent.done())
        return sent

    def whole(self) -> bool:
        """Whether record and index hold the same, and the chain of changes has no break."""
        entries = self.record.entries(0, 10_000)
        is_linked = not hash_chain.first_break(entries, hash_chain.GENESIS)
        same = (self.index.number, self.index.head) == (self.record.number, self.record.head)
        return is_linked and same and self.index.entries(0, 10_000) == entries


@pytest.fixture
def quay(tmp_path: Path) -> Iterator[Quay]:
    """Group commit on an empty store, and threads enough."""
    with ThreadPoolExecutor(REQUESTS_MAX + 8) as pool:
        made = Quay(tmp_path, pool)
        yield made
    made.index.close()
    made.record.close()


def test_writes_that_wait_share_one_commit_in_the_order_of_asking(quay: Quay) -> None:
    with quay.held:
        sent = [quay.send(memory(f"number {n}"), memory(f"{n} more")) for n in range(5)]
    numbers = [[change.number for change in each.result(WAIT_S)] for each in sent]
    assert numbers == [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]
    assert quay.commits == [10]
    assert quay.whole()


def test_a_request_that_conflicts_fails_alone(quay: Quay) -> None:
    first, twin, keyed = memory("same words"), memory("same words"), memory("a", key="slot")
    with quay.held:
        sent = [
            quay.send(first),
            quay.send(memory("one"), twin),
            quay.send(keyed),
            quay.send(revised(first, pinned=True)),
            quay.send(revised(first, importance=1.0)),
            quay.send(memory("b", key="slot")),
            quay.send(memory("one")),
        ]
    errors = [each.exception(20) for each in sent]
    assert [type(e) for e in errors if e] == [WriteConflict] * 3
    assert [n for n, error in enumerate(errors) if error] == [1, 4, 5]
    assert quay.commits == [4]
    assert quay.whole()


def test_a_slot_given_up_is_free_for_the_next_in_the_same_commit(quay: Quay) -> None:
    holder = memory("a", key="slot")
    quay.group_commit.write(Pending(request="", writes=[write(holder)], packed=[None]))
    heir, late = memory("b", key="slot"), memory("c", key="other")
    with quay.held:
        sent = [
            quay.send(revised(holder, key="other")),
            quay.send(heir),
            quay.send(late),
            quay.send(revised(heir, key="third"), memory("d", key="slot")),
        ]
    assert [each.exception(20) is None for each in sent] == [True, True, False, True]
    assert quay.commits == [1, 4]
    assert quay.whole()


def test_one_request_sent_twice_is_written_once_and_both_hear_the_same(quay: Quay) -> None:
    made = memory("once")
    with quay.held:
        sent = [quay.send(made, request="r1"), quay.send(memory("between"), request="r2")]
        sent.append(quay.send(made, request="r1"))
    first, _, again = (each.result(WAIT_S) for each in sent)
    assert first == again
    assert quay.commits == [2]
    assert quay.whole()


def test_of_a_commit_that_fails_only_what_is_at_fault_fails(quay: Quay) -> None:
    """What the record cannot take in is refused by its engine, with all that shares its commit."""
    with quay.held:
        sent = [quay.send(memory(f"number {n}"), request=f"r{n}") for n in range(3)]
        sent.append(quay.send(memory("too much", evidence=2**40), request="r3"))
        sent.append(quay.send(memory("after"), request="r4"))
    errors = [each.exception(20) for each in sent]
    assert [type(error) for error in errors] == [type(None)] * 3 + [StoreError, type(None)]
    assert quay.commits == [1] * 4
    assert quay.whole()


def test_a_commit_holds_only_so_much(quay: Quay) -> None:
    def many(count: int) -> list[Memory]:
        return [memory(f"{count} {n}") for n in range(count)]

    with quay.held:
        sent = [quay.send(*many(n)) for n in (WRITES_MAX - 10, 10, 11, WRITES_MAX + 1)]
        sent += [quay.send(memory(f"single {n}")) for n in range(REQUESTS_MAX + 1)]
    for each in sent:
        each.result(WAIT_S)
    assert quay.commits == [WRITES_MAX, 11, WRITES_MAX + 1, REQUESTS_MAX, 1]
    assert quay.whole()
