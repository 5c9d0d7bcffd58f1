"""An index that is missing, far behind or made anew: answers go on, and say how far it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcp_memory.config.settings import Settings
from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.errors import NotFound, StoreClosed
from mcp_memory.runtime import open_service
from mcp_memory.service import MemoryService, Policy
from mcp_memory.storage.contract import VectorSpace
from mcp_memory.storage.embedded import EmbeddedStore, open_embedded
from mcp_memory.storage.embedded.repair.recovery import AT_ONCE_MAX
from tests.support.factories import (
    ACTOR,
    ALICE,
    SPACE,
    Clock,
    ids,
    memory,
    pages,
    put,
    revised,
    where,
    windows,
)
from tests.support.waiting import until

MANY = [memory(f"number{n} of many") for n in range(AT_ONCE_MAX + 300)]
FIRST, LAST = MANY[0], MANY[-1]


class Stopped(BaseException):
    """What a caller raises that wants to stop."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a closed store: MANY, of which the first was revised and one erased."""
    home = tmp_path_factory.mktemp("filled") / "home"
    store = open_embedded(home, SPACE)
    put(store, *MANY[:-1], vectors=[windows(n) for n in range(len(MANY) - 1)])
    put(store, revised(FIRST, pinned=True))
    store.erase([MANY[1].id], ACTOR)
    put(store, LAST)
    store.close()
    return home


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    """The same without its index."""
    shutil.copytree(filled / "record", tmp_path / "home" / "record")
    return tmp_path / "home"


@pytest.fixture
def behind(home: Path) -> Iterator[EmbeddedStore]:
    """The store, just opened: its index knows of nothing."""
    store = open_embedded(home, SPACE)
    yield store
    store.close()


def notes(store: EmbeddedStore) -> tuple[str, ...]:
    """What a search says beside what it finds."""
    return store.propose(where(), terms=["many"], vector=None, limit=5).notes


def test_a_store_far_behind_opens_at_once_and_says_how_far_it_is(behind: EmbeddedStore) -> None:
    total = len(MANY) + 2
    said = "the index has taken in {} of 502 changes; what the others are about is left out"
    assert total == 502
    assert notes(behind) == (said.format(0),) == (behind.lag(),)
    assert behind.select(where()) == []
    assert behind.catch_up(100) == total - 100
    assert notes(behind) == (said.format(100),) == (behind.lag(),)
    found = ids(pages(behind, where()))
    assert sorted(found) == sorted(ids(MANY[2:100]))  # not the first, which changed later
    while behind.catch_up(100):
        pass
    assert (notes(behind), behind.lag(), behind.catch_up()) == ((), "", 0)
    assert sorted(ids(pages(behind, where()))) == sorted(ids([FIRST, *MANY[2:]]))


def test_what_is_asked_for_by_name_is_there_however_far_behind(behind: EmbeddedStore) -> None:
    behind.catch_up(20)
    assert behind.select(where(ids=("unknown",))) == []
    assert behind.lag() != ""
    assert ids(behind.select(where(ids=(LAST.id,)))) == [LAST.id]
    assert behind.lag() == ""


def test_a_history_is_whole_however_far_behind(behind: EmbeddedStore) -> None:
    behind.catch_up(20)
    assert behind.history(MANY[1].id, [ALICE]) == []
    assert [r.memory.revision for r in behind.history(FIRST.id, [ALICE])] == [1, 2]


def test_a_write_finds_the_index_in_step(behind: EmbeddedStore) -> None:
    behind.catch_up(20)
    put(behind, revised(LAST, pinned=True), memory("one more"))
    assert behind.lag() == ""
    assert [f for f in behind.check() if not f.ok] == []


def test_catching_up_goes_on_where_it_was_when_the_store_was_closed(home: Path) -> None:
    store = open_embedded(home, SPACE)
    left = store.catch_up(30)
    store.close()
    store = open_embedded(home, SPACE)
    assert store.catch_up(10) == left - 10
    store.close()
    with pytest.raises(StoreClosed):
        store.catch_up()


def test_a_rebuild_makes_the_index_anew_in_batches(behind: EmbeddedStore, home: Path) -> None:
    behind.catch_up()
    before = (pages(behind, where()), behind.history(FIRST.id, [ALICE]))
    told: list[tuple[int, int]] = []
    waiting = behind.rebuild(lambda done, total: told.append((done, total)))
    assert told == [(200, 502), (400, 502), (502, 502)]
    assert waiting == len(behind.unembedded(1000)) == len(MANY)
    assert (pages(behind, where()), behind.history(FIRST.id, [ALICE])) == before
    assert list(home.glob("damaged/*")) == []
    assert [f for f in behind.check() if not f.ok] == []


def test_a_rebuild_that_is_stopped_goes_on_by_itself(behind: EmbeddedStore) -> None:
    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        behind.rebuild(stop)
    assert "taken in 200 of 502" in behind.lag()
    assert LAST.id not in ids(pages(behind, where()))
    put(behind, memory("one more"))
    assert behind.lag() == ""
    assert [f for f in behind.check() if not f.ok] == []


def test_a_service_answers_while_its_index_is_behind_and_says_so(
    home: Path, embedder: Embedder
) -> None:
    caller = Caller(tenant=ALICE.tenant, user=ALICE.user)
    with closing(MemoryService(open_embedded(home, SPACE), embedder)) as service:
        for query in ("number7 of many", ""):
            answer = service.recall(caller, Query(query=query))
            assert answer.degraded
            assert "taken in 0 of 502 changes" in answer.reason
        with pytest.raises(NotFound):
            service.get(caller, MANY[1].id)
        assert service.get(caller, LAST.id) == LAST
        service.upkeep()
        found = service.recall(caller, Query(query="number7 of many"))
        assert found.memories[0].memory == MANY[7]
        assert (found.degraded, found.mode) == (False, "hybrid")


CHANGES: dict[str, Callable[[MemoryService, Caller], str]] = {
    "remember": lambda s, a: s.remember(a, [Draft(content=LAST.content, scope="user")])[0].status,
    "update": lambda s, a: s.update(a, LAST.id, Patch(pinned=True)).memory.id,
    "forget": lambda s, a: s.forget(a, ForgetRequest(ids=(LAST.id,))).memories[0].id,
    "preview": lambda s, a: (
        s.forget(a, ForgetRequest(query="number499", erase=True)).memories[0].id
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_decided_while_the_index_is_behind_knows_everything(
    home: Path, embedder: Embedder, change: Callable[[MemoryService, Caller], str]
) -> None:
    caller = Caller(tenant=ALICE.tenant, user=ALICE.user)
    with closing(MemoryService(open_embedded(home, SPACE), embedder)) as service:
        assert change(service, caller) in ("merged", LAST.id)
        assert [finding for finding in service.check() if not finding.ok] == []


def test_the_thread_that_does_the_housekeeping_catches_up_first(
    home: Path, embedder: Embedder
) -> None:
    store = open_embedded(home, SPACE)
    with closing(MemoryService(store, embedder)) as service:
        service.start()
        until(lambda: not store.lag())
        assert sorted(ids(pages(store, where()))) == sorted(ids([FIRST, *MANY[2:]]))


def test_a_service_rebuilds_with_vectors_and_tells_how_far_it_is(
    service: MemoryService, alice: Caller
) -> None:
    drafts = [Draft(content=f"Locker {n} belongs to guest {n * n}.") for n in range(40)]
    service.remember(alice, drafts)
    told: list[tuple[int, int]] = []
    service.rebuild(lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]
    found = service.recall(alice, Query(query="Locker 7"))
    assert (found.mode, found.degraded) == ("hybrid", False)
    assert service.stats(alice)["waiting_for_vectors"] == 0
    assert [finding for finding in service.check() if not finding.ok] == []


def test_a_rebuild_stopped_among_the_vectors_leaves_the_rest_to_upkeep(
    tmp_path: Path, embedder: Embedder, alice: Caller, clock: Clock
) -> None:
    store = open_embedded(tmp_path / "home", SPACE)
    with closing(MemoryService(store, embedder, clock=clock, policy=Policy())) as service:
        drafts = [Draft(content=f"Locker {n} belongs to guest {n * n}.") for n in range(40)]
        service.remember(alice, drafts)

        def stop(done: int, total: int) -> None:
            if done > 40:
                raise Stopped

        with pytest.raises(Stopped):
            service.rebuild(stop)
        waiting = service.stats(alice)["waiting_for_vectors"]
        assert 0 < waiting < 40
        assert "wait for their vectors" in service.recall(alice, Query(query="Locker 7")).reason
        service.upkeep()
        assert service.stats(alice)["waiting_for_vectors"] == 0
        assert [finding for finding in service.check() if not finding.ok] == []


def test_who_looks_once_and_does_no_housekeeping_is_shown_everything(home: Path) -> None:
    given = Settings(home=home, working_dir=home, tenant=ALICE.tenant, user=ALICE.user)

    def open_store(folder: Path, _: VectorSpace) -> EmbeddedStore:
        return open_embedded(folder, SPACE)

    with closing(open_service(given, open_store=open_store)) as service:
        caller = Caller(tenant=ALICE.tenant, user=ALICE.user)
        assert LAST in service.recent(caller, limit=2)
