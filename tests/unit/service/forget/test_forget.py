"""forget: hidden at once by id; anything wider, and erase, only after a preview."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_memory.domain.memory import Caller, Status
from mcp_memory.domain.requests import Draft, ForgetRequest, Query
from mcp_memory.errors import ConfirmationInvalid, InvalidInput, NotFound
from mcp_memory.service import MemoryService
from tests.support.factories import Clock


def keep(service: MemoryService, caller: Caller, *contents: str, **fields: Any) -> list[str]:
    drafts = [Draft(content=c, **fields) for c in contents]
    return [answer.id for answer in service.remember(caller, drafts)]


def contents(service: MemoryService, caller: Caller) -> set[str]:
    answer = service.recall(caller, Query(limit=50, max_tokens=20_000))
    return {item.memory.content for item in answer.memories}


def test_by_id_it_is_done_at_once_and_hidden(service: MemoryService, alice: Caller) -> None:
    one, two = keep(service, alice, "Prefers tea.", "Prefers jazz.")
    answer = service.forget(alice, ForgetRequest(ids=(one,), reason="asked to"))
    assert (answer.done, answer.erased, answer.total) == (True, False, 1)
    assert contents(service, alice) == {"Prefers jazz."}
    assert service.get(alice, one).status is Status.FORGOTTEN
    assert service.history(alice, one)[-1].change.reason == "asked to"
    assert service.get(alice, two).status is Status.ACTIVE


def test_forgetting_twice_changes_nothing(service: MemoryService, alice: Caller) -> None:
    (one,) = keep(service, alice, "Prefers tea.")
    for _ in range(2):
        assert service.forget(alice, ForgetRequest(ids=(one,))).done
    assert service.get(alice, one).revision == 2


def test_one_unknown_id_forgets_nothing(service: MemoryService, alice: Caller) -> None:
    (one,) = keep(service, alice, "Prefers tea.")
    with pytest.raises(NotFound):
        service.forget(alice, ForgetRequest(ids=(one, "0" * 36)))
    assert service.get(alice, one).status is Status.ACTIVE


def test_a_wider_forget_is_previewed_and_then_confirmed(
    service: MemoryService, alice: Caller
) -> None:
    keep(service, alice, *(f"Task {i}." for i in range(30)), type="task")
    keep(service, alice, "A fact stays.")
    preview = service.forget(alice, ForgetRequest(types=("task",)))
    assert (preview.done, preview.total, len(preview.memories)) == (False, 30, 20)
    assert len(contents(service, alice)) == 31
    done = service.forget(alice, ForgetRequest(types=("task",), confirm=preview.confirm))
    assert (done.done, done.total) == (True, 30)
    assert contents(service, alice) == {"A fact stays."}


def test_a_token_is_for_exactly_the_set_that_was_shown(
    service: MemoryService, alice: Caller, alice_elsewhere: Caller
) -> None:
    keep(service, alice, "Task one.", type="task", scope="user")
    token = service.forget(alice, ForgetRequest(types=("task",))).confirm
    for wrong in (
        ForgetRequest(types=("task",), erase=True, confirm=token),
        ForgetRequest(types=("task",), confirm=token[:-1] + "0g"),
        ForgetRequest(types=("task",), confirm="nonsense"),
        ForgetRequest(types=("task",), confirm="ünïcode"),
    ):
        with pytest.raises(ConfirmationInvalid, match="not for exactly these"):
            service.forget(alice, wrong)
    keep(service, alice, "Task two.", type="task", scope="user")
    with pytest.raises(ConfirmationInvalid, match="not for exactly these"):
        service.forget(alice, ForgetRequest(types=("task",), confirm=token))
    assert len(contents(service, alice_elsewhere)) == 2


def test_a_token_ages(service: MemoryService, alice: Caller, clock: Clock) -> None:
    keep(service, alice, "Task one.", type="task")
    token = service.forget(alice, ForgetRequest(types=("task",))).confirm
    clock.tick(minutes=11)
    with pytest.raises(ConfirmationInvalid, match="too old"):
        service.forget(alice, ForgetRequest(types=("task",), confirm=token))


def test_a_token_of_one_user_is_nothing_to_another(
    service: MemoryService, alice: Caller, bob: Caller
) -> None:
    keep(service, alice, "Shared with the team.", scope="tenant")
    token = service.forget(alice, ForgetRequest(query="shared with the team")).confirm
    with pytest.raises(ConfirmationInvalid):
        service.forget(bob, ForgetRequest(query="shared with the team", confirm=token))


def test_erase_shows_first_and_then_gives_a_receipt(service: MemoryService, alice: Caller) -> None:
    (one,) = keep(service, alice, "The vault code is 9137.", key="vault")
    service.recall(alice, Query(query="vault code"))
    preview = service.forget(alice, ForgetRequest(ids=(one,), erase=True))
    assert (preview.done, preview.erased, preview.would_erase) == (False, False, True)
    assert preview.total == 1
    assert service.get(alice, one).status is Status.ACTIVE
    done = service.forget(alice, ForgetRequest(ids=(one,), erase=True, confirm=preview.confirm))
    assert done.receipt is not None
    assert (done.receipt.memories, done.receipt.revisions) == (1, 1)
    with pytest.raises(NotFound):
        service.get(alice, one)
    assert contents(service, alice) == set()


def test_erase_reaches_what_is_already_hidden(service: MemoryService, alice: Caller) -> None:
    (one,) = keep(service, alice, "The vault code is 9137.", tags=("secret",))
    service.forget(alice, ForgetRequest(ids=(one,)))
    preview = service.forget(alice, ForgetRequest(tags=("secret",), erase=True))
    done = service.forget(
        alice, ForgetRequest(tags=("secret",), erase=True, confirm=preview.confirm)
    )
    assert done.total == 1
    with pytest.raises(NotFound):
        service.history(alice, one)


def test_a_proxy_whose_user_said_yes_needs_no_token(service: MemoryService, alice: Caller) -> None:
    (one,) = keep(service, alice, "The vault code is 9137.")
    done = service.forget(alice, ForgetRequest(ids=(one,), erase=True, confirmed=True))
    assert (done.done, done.erased) == (True, True)


def test_a_preview_of_nothing_asks_for_nothing(service: MemoryService, alice: Caller) -> None:
    preview = service.forget(alice, ForgetRequest(tags=("absent",)))
    assert (preview.done, preview.total, preview.confirm) == (False, 0, "")


def test_before_takes_what_was_recorded_earlier(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    keep(service, alice, "Old news.")
    clock.tick(days=30)
    keep(service, alice, "Fresh news.")
    preview = service.forget(alice, ForgetRequest(before="2026-03-15"))
    assert [m.content for m in preview.memories] == ["Old news."]


def test_a_key_is_found_however_it_is_spelt(service: MemoryService, alice: Caller) -> None:
    keep(service, alice, "Europe/Berlin", key="time_zone")
    for key in ("timezone", "Time Zone", "TIME-ZONE"):
        preview = service.forget(alice, ForgetRequest(key=key))
        assert [m.key for m in preview.memories] == ["time_zone"]
    assert service.forget(alice, ForgetRequest(key="zone")).total == 0


def test_a_forget_never_reaches_another_scope(
    service: MemoryService, alice: Caller, bob: Caller
) -> None:
    keep(service, bob, "Bob's task.", type="task")
    keep(service, alice, "Alice's task.", type="task")
    preview = service.forget(alice, ForgetRequest(types=("task",)))
    assert [m.content for m in preview.memories] == ["Alice's task."]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (ForgetRequest(), "ids: got 'nothing'; say what to forget"),
        (ForgetRequest(erase=True), "ids: got 'nothing'"),
        (ForgetRequest(tags=("\r\n\t", " ")), "ids: got 'nothing'"),
        (ForgetRequest(key=" ", query="\u200b", before="\t", erase=True), "ids: got 'nothing'"),
        (ForgetRequest(ids=("0" * 36,), tags=("x",)), "ids or filters, not both"),
        (ForgetRequest(before="later"), "before: got 'later'; expected a date or a time"),
        (ForgetRequest(types=("rumour",)), r"types\[0\]: got 'rumour'"),
        (ForgetRequest(ids=tuple(f"{i:036d}" for i in range(101))), "expected at most 100"),
    ],
)
def test_a_selection_that_cannot_be_accepted_says_why(
    service: MemoryService, alice: Caller, selection: ForgetRequest, expected: str
) -> None:
    with pytest.raises(InvalidInput, match=expected):
        service.forget(alice, selection)
