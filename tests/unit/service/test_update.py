"""update: new revisions, undo, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mcp_memory.domain.memory import Caller, ChangeKind, Scope, Status, Type
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
from mcp_memory.errors import InvalidInput, NotFound
from mcp_memory.service import MemoryService
from tests.support.factories import Clock


def keep(service: MemoryService, caller: Caller, content: str, **fields: Any) -> str:
    draft = Draft(content=content, **fields)
    return service.remember(caller, [draft])[0].id


def contents(service: MemoryService, caller: Caller, query: str = "") -> list[str]:
    return [item.memory.content for item in service.recall(caller, Query(query=query)).memories]


def test_an_update_is_a_new_revision_and_says_what_it_replaced(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    memory_id = keep(service, alice, "The demo is on Friday.")
    clock.tick()
    patch = Patch(content="The demo is on Monday.", tags=("Demo",), reason="moved by Mia")
    answer = service.update(alice, memory_id, patch)
    assert (answer.memory.revision, answer.previous.revision) == (2, 1)
    assert answer.previous.content == "The demo is on Friday."
    assert (answer.memory.tags, answer.memory.type) == (("demo",), Type.FACT)
    last = service.history(alice, memory_id)[-1]
    assert (last.change.verb, last.change.reason) == (ChangeKind.UPDATE, "moved by Mia")
    assert (last.change.user, last.change.client) == ("alice", "claude-code")


def test_what_is_not_given_stays(service: MemoryService, alice: Caller) -> None:
    memory_id = keep(service, alice, "Likes jazz.", key="music", tags=("taste",), importance=0.9)
    answer = service.update(alice, memory_id, Patch(pinned=True))
    kept = answer.memory
    assert (kept.content, kept.key, kept.tags, kept.importance) == (
        "Likes jazz.",
        "music",
        ("taste",),
        0.9,
    )


def test_an_earlier_revision_can_be_brought_back(service: MemoryService, alice: Caller) -> None:
    memory_id = keep(service, alice, "The mascot is a badger.")
    service.update(alice, memory_id, Patch(content="The mascot is a heron."))
    answer = service.update(alice, memory_id, Patch(restore_revision=1))
    assert (answer.memory.content, answer.memory.revision) == ("The mascot is a badger.", 3)
    assert contents(service, alice, "badger") == ["The mascot is a badger."]
    assert contents(service, alice, "heron") == []


def test_a_forgotten_memory_can_be_brought_back(service: MemoryService, alice: Caller) -> None:
    memory_id = keep(service, alice, "The mascot is a badger.")
    service.forget(alice, ForgetRequest(ids=(memory_id,)))
    assert contents(service, alice, "mascot") == []
    with pytest.raises(InvalidInput, match="is forgotten; bring it back first with restore_rev"):
        service.update(alice, memory_id, Patch(pinned=True))
    service.update(alice, memory_id, Patch(restore_revision=1))
    assert contents(service, alice, "mascot") == ["The mascot is a badger."]
    assert service.get(alice, memory_id).status is Status.ACTIVE


def test_a_memory_can_move_to_another_scope(
    service: MemoryService, alice: Caller, alice_elsewhere: Caller
) -> None:
    memory_id = keep(service, alice, "Tests run with make test.", scope="project")
    assert contents(service, alice_elsewhere) == []
    service.update(alice, memory_id, Patch(scope="user"))
    assert service.get(alice_elsewhere, memory_id).scope is Scope.USER
    assert contents(service, alice_elsewhere) == ["Tests run with make test."]
    hidden = service.history(alice_elsewhere, memory_id)
    assert [revision.memory.revision for revision in hidden] == [2]


def test_expiry_can_be_set_and_lifted(service: MemoryService, alice: Caller, clock: Clock) -> None:
    memory_id = keep(service, alice, "Parking is free.")
    service.update(alice, memory_id, Patch(expires_at="2 hours"))
    clock.tick(hours=3)
    service.upkeep()
    assert service.get(alice, memory_id).status is Status.EXPIRED
    service.update(alice, memory_id, Patch(expires_at="never"))
    assert contents(service, alice) == ["Parking is free."]


def test_the_same_text_twice_is_refused(service: MemoryService, alice: Caller) -> None:
    first = keep(service, alice, "Prefers tea.")
    second = keep(service, alice, "Prefers coffee.")
    with pytest.raises(InvalidInput, match=f"content: .+ memory {first} says exactly this"):
        service.update(alice, second, Patch(content="prefers tea"))


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (Patch(), "update: got 'no change'; give at least one field to change"),
        (Patch(reason="why not"), "update: got 'no change'"),
        (Patch(type="rumour"), "type: got 'rumour'; expected one of profile"),
        (Patch(restore_revision=9), "restore_revision: got 9; expected one of 1"),
        (Patch(expires_at="someday"), "expires_at: got 'someday'; expected a time to come"),
    ],
)
def test_a_change_that_cannot_be_accepted_says_why(
    service: MemoryService, alice: Caller, patch: Patch, expected: str
) -> None:
    memory_id = keep(service, alice, "Prefers tea.")
    with pytest.raises(InvalidInput, match=expected):
        service.update(alice, memory_id, patch)
    assert service.get(alice, memory_id).revision == 1


@pytest.mark.parametrize("memory_id", ["", "nonsense", "0" * 36, "' OR 1=1 --"])
def test_an_unknown_id_is_not_found(service: MemoryService, alice: Caller, memory_id: str) -> None:
    with pytest.raises(NotFound, match=r"no memory .+ in your scope"):
        service.update(alice, memory_id, Patch(pinned=True))


def test_another_users_memory_is_as_unknown_as_one_that_never_was(
    service: MemoryService, alice: Caller, bob: Caller, stranger: Caller
) -> None:
    memory_id = keep(service, alice, "Prefers tea.", scope="user")
    for other in (bob, stranger):
        deeds: list[Callable[[Caller], object]] = [
            lambda s: service.update(s, memory_id, Patch(pinned=True)),
            lambda s: service.forget(s, ForgetRequest(ids=(memory_id,))),
            lambda s: service.forget(s, ForgetRequest(ids=(memory_id,), erase=True)),
            lambda s: service.get(s, memory_id),
            lambda s: service.history(s, memory_id),
        ]
        for deed in deeds:
            with pytest.raises(NotFound):
                deed(other)
    assert service.get(alice, memory_id).revision == 1


def test_a_key_whose_holder_has_expired_is_free(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    gone = keep(service, alice, "On call this week", key="duty", expires_in="2 days")
    other = keep(service, alice, "On call next week")
    clock.tick(days=3)
    assert service.update(alice, other, Patch(key="duty")).memory.key == "duty"
    assert service.get(alice, gone).status is Status.EXPIRED


def test_an_expiry_may_be_any_iso_time(service: MemoryService, alice: Caller) -> None:
    memory_id = keep(service, alice, "Parking is free.")
    for given, year in (("20270401", 2027), ("2028-01-01T00:00:00Z", 2028), ("400 days", 2027)):
        changed = service.update(alice, memory_id, Patch(expires_at=given)).memory
        assert changed.expires_at is not None
        assert changed.expires_at.year == year


def test_an_expired_memory_is_not_changed_unseen(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    memory_id = keep(service, alice, "Parking is free.", expires_in="1 hour")
    clock.tick(hours=2)
    service.upkeep()
    with pytest.raises(InvalidInput, match="this memory has expired; give expires_at too"):
        service.update(alice, memory_id, Patch(content="Parking costs 2 euros."))


@pytest.mark.parametrize(
    "patch",
    [
        Patch(content="The demo is on Monday.", tags=("Demo",), reason="moved by Mia"),
        Patch(content="The demo is on Monday.", key="", type="fact", scope="project"),
        Patch(metadata={"room": {"floor": 2}}, pinned=False, importance=0.5),
        Patch(restore_revision=2),
        Patch(expires_at="never"),
    ],
)
def test_an_update_tried_again_makes_no_new_revision(
    service: MemoryService, alice: Caller, clock: Clock, patch: Patch
) -> None:
    memory_id = keep(service, alice, "The demo is on Friday.")
    metadata = {"room": {"floor": 2}}
    changed = Patch(content="The demo is on Monday.", metadata=metadata, tags=("demo",))
    service.update(alice, memory_id, changed)
    clock.tick()
    answer = service.update(alice, memory_id, patch)
    assert answer.memory == answer.previous == service.get(alice, memory_id)
    assert (answer.memory.revision, answer.memory.tags) == (2, ("demo",))
    assert len(service.history(alice, memory_id)) == 2


def test_a_forgotten_memory_is_brought_back_though_it_says_the_same(
    service: MemoryService, alice: Caller
) -> None:
    memory_id = keep(service, alice, "The mascot is a badger.")
    service.forget(alice, ForgetRequest(ids=(memory_id,)))
    assert service.update(alice, memory_id, Patch(restore_revision=2)).memory.revision == 3
