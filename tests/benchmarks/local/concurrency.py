"""Many at once: eight writers beside one, and recall beside bulk loads."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event

import numpy as np

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Caller, ChangeKind
from mcp_memory.domain.requests import Query
from mcp_memory.domain.times import utc_now
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service import MemoryService
from mcp_memory.service.core import actor
from mcp_memory.service.policy import Policy
from mcp_memory.service.validation import DraftValidator
from mcp_memory.storage.contract import Write
from mcp_memory.storage.embedded import EmbeddedStore, group_commit, open_embedded
from tests.benchmarks.figures import Amount, Check, Ratio, Say, Section
from tests.benchmarks.filling import BATCH, draft, made_caller
from tests.benchmarks.measuring import NEW, new_statements
from tests.benchmarks.texts import question
from tests.benchmarks.timing import spread

WRITERS = 8
ROUNDS = 3
WRITES = 240
"""Of each round, by one writer or dealt out among all."""
REMEMBERS = 160
STORED = 1_000
RECALLS = 100
"""Of each round and each number of bulk loads."""
LOADS = (0, 1, 4)
THROUGHPUT_TARGET = 150.0
"""The least that eight writers get done in a second of processor time, in % of one."""
RECALL_TARGET = 3.0
"""The most that recall beside bulk loads may take, in times of recall without any."""
_NOTES = (
    f"writers: single writes with their vectors straight to the store, so that nothing is"
    f" embedded, and single remembers at the service; one thread and {WRITERS} threads in turn,"
    f" {ROUNDS} rounds; processor time is that of the whole process",
    f"recall: one reader, without pause, on {STORED:,} memories; bulk loads in threads of the"
    f" same process remember {BATCH} new statements at a time, over and over; {RECALLS} recalls"
    f" beside each number of loads in turn, {ROUNDS} rounds; 'alone' is recall with no load",
)


class _Stopped(Exception):
    """Ends a bulk load between two texts."""


@dataclass(kw_only=True, slots=True)
class _Work:
    """What some writers got done, and what it cost."""

    done: int = 0
    wall_s: float = 0.0
    processor_s: float = 0.0
    commits: int = 0

    @property
    def a_second(self) -> float:
        """Of the clock."""
        return self.done / self.wall_s

    @property
    def a_processor_second(self) -> float:
        """Of all threads together."""
        return self.done / self.processor_s


class _Commits(logging.Handler):
    """Counts the commits that the store speaks of."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Take in one line of the log."""
        self.count += 1


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """A store and the service on it; `numbers` are those of statements that are not in it."""

    store: EmbeddedStore
    service: MemoryService
    embedder: Embedder
    caller: Caller
    numbers: count[int] = field(default_factory=lambda: count(NEW, 1_000))

    def fresh(self, many: int) -> list[str]:
        """Statements that were never remembered here."""
        return new_statements(many, next(self.numbers))


def run(folder: Path, say: Say) -> Section:
    """Measure both on one store."""
    embedder = Embedder()
    store = open_embedded(folder / "together", embedder.space)
    service = MemoryService(store, embedder)
    place = _Place(store=store, service=service, embedder=embedder, caller=made_caller("together"))
    try:
        for _ in range(STORED // BATCH):
            _load(place, None)
        say("together: recall beside bulk loads")
        ratios = _recalls(place)
        say(f"together: {WRITERS} writers beside one")
        amounts = [
            *_compare("written", WRITES, lambda many: _written(place, many)),
            *_compare("remembered", REMEMBERS, lambda many: _remembered(place, many)),
        ]
        wrong = [finding.name for finding in service.check() if not finding.ok]
    finally:
        service.close()
    check = Check(where="together", what="the store is whole", ok=not wrong, detail=str(wrong))
    return Section(
        title="together",
        notes=_NOTES,
        ratios=tuple(ratios),
        amounts=tuple(amounts),
        checks=(check,),
    )


# --- recall beside bulk loads ------------------------------------------------------------


def _recalls(place: _Place) -> list[Ratio]:
    took: dict[int, list[float]] = {loads: [] for loads in LOADS}
    loaded = dict.fromkeys(LOADS, 0)
    for turn in range(ROUNDS):
        for loads in LOADS:
            with _loading(place, loads) as counted:
                for number in range(RECALLS):
                    query = Query(query=question(turn * RECALLS + number))
                    began = time.perf_counter()
                    place.service.recall(place.caller, query)
                    took[loads].append(time.perf_counter() - began)
            loaded[loads] += len(counted)
    return [
        Ratio(
            where="together",
            what=f"recall beside {loads} bulk loads ({loaded[loads] / sum(took[loads]):,.0f}/s)",
            alone=spread(took[0]),
            whole=spread(took[loads]),
            calls=len(took[loads]),
            target=RECALL_TARGET,
        )
        for loads in LOADS[1:]
    ]


@contextmanager
def _loading(place: _Place, loads: int) -> Generator[list[int]]:
    """Bulk loads at work; gives the list to which each adds for every text it has embedded."""
    stop, begun, counted = Event(), [Event() for _ in range(loads)], list[int]()

    def load(mine: Event) -> None:
        def told(done: int, _: int) -> None:
            counted.append(done)
            mine.set()
            if stop.is_set():
                raise _Stopped

        while not stop.is_set():
            _load(place, told)

    with ThreadPoolExecutor(max(1, loads)) as pool:
        running = [pool.submit(load, event) for event in begun]
        for event in begun:
            event.wait()
        counted.clear()
        yield counted
        stop.set()
    assert all(isinstance(each.exception(), _Stopped | None) for each in running)


def _load(place: _Place, told: Callable[[int, int], None] | None) -> None:
    drafts = [draft(text, number) for number, text in enumerate(place.fresh(BATCH))]
    place.service.remember(place.caller, drafts, told)


# --- writers -----------------------------------------------------------------------------


def _compare(
    what: str, many: int, prepare: Callable[[int], Sequence[Callable[[], object]]]
) -> list[Amount]:
    """One writer and eight in turn, with as much to do each time."""
    one, all_ = _Work(), _Work()
    for _ in range(ROUNDS):
        _let_write(prepare(many), 1, one)
        _let_write(prepare(many), WRITERS, all_)
    figures = [
        (f"{what} a second, one writer", one.a_second, "", None),
        (f"{what} a second, {WRITERS} writers", all_.a_second, "", None),
        (f"{what} a second of processor time, one writer", one.a_processor_second, "", None),
        (f"{what} a second of processor time, {WRITERS}", all_.a_processor_second, "", None),
        (
            f"{what} a second of processor time, {WRITERS} beside one",
            100 * all_.a_processor_second / one.a_processor_second,
            "%",
            THROUGHPUT_TARGET if what == "written" else None,
        ),
        (f"{what} in ten commits, {WRITERS} writers", 10 * all_.done / all_.commits, "", None),
    ]
    return [
        Amount(where="together", what=name, value=value, unit=unit, target=target, at_least=True)
        for name, value, unit, target in figures
    ]


def _let_write(calls: Sequence[Callable[[], object]], writers: int, work: _Work) -> None:
    def each(part: Sequence[Callable[[], object]]) -> None:
        for call in part:
            call()

    with _counted() as commits, ThreadPoolExecutor(writers) as pool:
        began, processor = time.perf_counter(), time.process_time()
        for done in [pool.submit(each, calls[n::writers]) for n in range(writers)]:
            done.result()
        work.wall_s += time.perf_counter() - began
        work.processor_s += time.process_time() - processor
    work.done += len(calls)
    work.commits += commits.count


@contextmanager
def _counted() -> Generator[_Commits]:
    """The commits made while this lasts."""
    log = logging.getLogger(group_commit.__name__)
    commits, level, goes_up = _Commits(), log.level, log.propagate
    log.addHandler(commits)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    try:
        yield commits
    finally:
        log.removeHandler(commits)
        log.setLevel(level)
        log.propagate = goes_up


def _written(place: _Place, many: int) -> list[Callable[[], object]]:
    """Single writes of new statements, each with a vector that is like no other."""
    intake = DraftValidator(caller=place.caller, policy=Policy(), now=utc_now())
    drawn = np.random.default_rng(next(place.numbers)).standard_normal(
        (many, place.embedder.space.dimensions)
    )
    vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    writes = [
        Write(
            verb=ChangeKind.REMEMBER,
            memory=intake.memory(draft(text, number), "content"),
            actor=actor(place.caller),
            vectors=vectors[number : number + 1],
        )
        for number, text in enumerate(place.fresh(many))
    ]
    return [lambda write=write: place.store.write(new_id(), [write]) for write in writes]


def _remembered(place: _Place, many: int) -> list[Callable[[], object]]:
    """Single remembers of new statements."""
    return [
        lambda text=text: place.service.remember(place.caller, [draft(text, 0)])
        for text in place.fresh(many)
    ]
