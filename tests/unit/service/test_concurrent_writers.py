"""Eight callers at once: nothing lost, nothing doubled, nobody hears of a conflict."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from mcp_memory.domain.memory import Caller, Status
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch
from mcp_memory.domain.results import RememberResult
from mcp_memory.service import MemoryService
from mcp_memory.service.locks import SharedLock
from tests.support.waiting import THREADS, at_once, until
from tests.support.watchdog import WAIT_S

ROUNDS = 50


def assert_sound(service: MemoryService) -> None:
    """The store finds nothing wrong with itself."""
    assert [finding for finding in service.check() if not finding.ok] == []


def active(service: MemoryService, caller: Caller) -> int:
    """How many memories are in force."""
    return service.stats(caller)["by_status"].get(Status.ACTIVE.value, 0)


def test_of_texts_that_many_remember_at_once_each_is_there_once(
    service: MemoryService, alice: Caller
) -> None:
    """Every text comes from two threads, every fifth one from all."""

    def said(thread: int, turn: int) -> str:
        whose = "everybody" if turn % 5 == 0 else f"pair {thread // 2}"
        return f"Locker {turn} on floor {turn % 7} belongs to {whose}."

    def work(thread: int) -> list[tuple[str, RememberResult]]:
        texts = [said(thread, turn) for turn in range(ROUNDS)]
        return [(text, service.remember(alice, [Draft(content=text)])[0]) for text in texts]

    answers = [answer for part in at_once(work) for answer in part]
    ids = dict[str, set[str]]()
    stored = dict[str, int]()
    for text, answer in answers:
        ids.setdefault(text, set()).add(answer.id)
        stored[text] = stored.get(text, 0) + (answer.status == "stored")
    assert {text: found for text, found in ids.items() if len(found) != 1} == {}
    assert set(stored.values()) == {1}
    assert {a.status for _, a in answers} == {"stored", "merged"}
    assert active(service, alice) == len(ids) == 10 + 4 * 40
    assert {service.get(alice, i).content for found in ids.values() for i in found} == set(ids)
    assert_sound(service)


def test_of_values_that_many_give_a_key_at_once_all_are_in_its_history(
    service: MemoryService, alice: Caller
) -> None:
    def work(thread: int) -> set[str]:
        answers: set[str] = set()
        for turn in range(ROUNDS // 5):
            draft = Draft(content=f"Desk {thread}{turn}", key=f"desk{turn % 2}")
            answers.add(service.remember(alice, [draft])[0].id)
        return answers

    ids = set[str]().union(*at_once(work))
    assert len(ids) == active(service, alice) == 2
    histories = [[r.memory.content for r in service.history(alice, i)] for i in ids]
    assert len(histories[0]) + len(histories[1]) == THREADS * ROUNDS // 5
    assert {text for told in histories for text in told} == {
        f"Desk {thread}{turn}" for thread in range(THREADS) for turn in range(ROUNDS // 5)
    }
    assert_sound(service)


def test_of_updates_that_many_make_at_once_each_is_a_revision(
    service: MemoryService, alice: Caller
) -> None:
    (made,) = service.remember(alice, [Draft(content="The counter is at nothing.")])

    def work(thread: int) -> None:
        for turn in range(ROUNDS // 5):
            patch = Patch(metadata={"by": thread, "turn": turn}, reason=f"{thread} {turn}")
            answer = service.update(alice, made.id, patch)
            assert answer.memory.revision == answer.previous.revision + 1
            assert answer.memory.metadata == patch.metadata

    at_once(work)
    history = service.history(alice, made.id)
    assert [r.memory.revision for r in history] == list(range(1, THREADS * ROUNDS // 5 + 2))
    assert len({r.change.reason for r in history[1:]}) == THREADS * ROUNDS // 5
    assert_sound(service)


def test_many_may_replace_forget_and_erase_at_once(service: MemoryService, alice: Caller) -> None:
    texts = [f"Printer {n}{n} is out of ink." for n in range(30)]
    old = [made.id for made in service.remember(alice, [Draft(content=text) for text in texts])]
    replaced, hidden, erased = old[:10], old[10:20], old[20:]

    def work(thread: int) -> list[RememberResult]:
        answers: list[RememberResult] = []
        for n in range(10):
            if thread < 5:
                text = f"Printer {n}{n} was mended by technician {thread}."
                draft = Draft(content=text, supersedes=(replaced[n],))
                answers += service.remember(alice, [draft])
            elif thread < 7:
                service.forget(alice, ForgetRequest(ids=(hidden[n],)))
            else:
                chosen = ForgetRequest(ids=(erased[n],), erase=True, confirmed=True)
                assert service.forget(alice, chosen).receipt is not None
        return answers

    answers = [answer for part in at_once(work) for answer in part]
    assert sorted(i for answer in answers for i in answer.replaced) == sorted(replaced)
    assert {service.get(alice, i).status for i in replaced} == {Status.SUPERSEDED}
    assert [len(service.history(alice, i)) for i in (*replaced, *hidden)] == [2] * 20
    assert service.stats(alice)["by_status"] == {"active": 50, "superseded": 10, "forgotten": 10}
    assert_sound(service)


def test_who_wants_to_be_alone_goes_before_those_who_come_later() -> None:
    deciding, order = SharedLock(), list[str]()

    def alone() -> None:
        with deciding.alone():
            order.append("alone")

    def together() -> None:
        with deciding.together():
            order.append("together")

    with ThreadPoolExecutor(2) as pool:
        with deciding.together():
            first = pool.submit(alone)
            until(lambda: deciding.is_alone_wanted or first.done())
            assert not first.done()
            second = pool.submit(together)
        first.result(WAIT_S)
        second.result(WAIT_S)
    assert order == ["alone", "together"]
    assert not deciding.is_alone_wanted


def test_those_who_decide_together_do_so_at_the_same_time() -> None:
    deciding, barrier = SharedLock(), Barrier(4)

    def together() -> None:
        with deciding.together():
            barrier.wait(WAIT_S)

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(together) for _ in range(4)]:
            each.result(WAIT_S)
