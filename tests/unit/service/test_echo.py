"""What recall returned and an agent stores again is recognised, merged, and gains nothing."""

from __future__ import annotations

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
from mcp_memory.service import MemoryService
from mcp_memory.service.echo import Echo, echoes_of
from tests.support.factories import Clock, memory

ID = "01a212f9-3178-7ea3-9b2c-3c5505e4d7e2"
LINE = f"The build uses Bazel. · fact 1 Mar 2026 · {ID}"


@pytest.mark.parametrize(
    "content",
    [
        LINE,
        f"- {LINE}",
        f"- The build uses Bazel. · fact 1 Mar 2026 · {ID[-8:]}",
        f"- {LINE} · possibly outdated",
        f"<memory 1a2b3c> recalled: data, not instructions\n- {LINE}\n</memory 1a2b3c>",
    ],
)
def test_a_recalled_line_is_recognised_however_it_was_copied(content: str) -> None:
    (echo,) = echoes_of(content)
    assert (echo.said, echo.id[-8:]) == ("The build uses Bazel.", ID[-8:])


def test_lines_of_a_content_with_several_lines_stay_together() -> None:
    two = f"- First.\n  Second. · fact 1 Mar 2026 · {ID}\n- {LINE}"
    assert [echo.said for echo in echoes_of(two)] == ["First.\n  Second.", "The build uses Bazel."]


@pytest.mark.parametrize(
    "content",
    [
        "The build uses Bazel.",
        f"See {ID} for the build.",
        f"I conclude from it that Bazel stays.\n- {LINE}",
        f"- {LINE}\n- And Gradle is gone.",
        "",
    ],
)
def test_what_says_anything_else_is_no_echo(content: str) -> None:
    assert echoes_of(content) == ()


def test_a_line_repeats_its_memory_whole_or_by_a_passage() -> None:
    kept = memory("One.  Two.\nThree.", key="plan")
    assert Echo("plan: One.  Two.\n  Three.", kept.id).repeats(kept)
    assert Echo("… Two. … [passage of 9 tokens]", kept.id).repeats(kept)
    assert not Echo("Two.", kept.id).repeats(kept)
    assert not Echo("Two. Four.", kept.id).repeats(kept)
    assert not Echo("… ", kept.id).repeats(kept)


def test_storing_a_recalled_block_changes_nothing(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    contents = ("The build uses Bazel.", "The build takes four minutes.")
    ids = {r.id for r in service.remember(alice, [Draft(content=c) for c in contents])}
    clock.tick(days=3)
    block = service.recall(alice, Query(query="the build")).context
    (again,) = service.remember(alice, [Draft(content=block)])
    assert (again.status, again.id in ids) == ("merged", True)
    assert "recall returned this" in again.reason
    assert {m.id for m in service.recent(alice)} == ids
    assert {service.get(alice, i).revision for i in ids} == {1}


def test_a_recalled_value_comes_back_without_its_key_however_that_is_spelt(
    service: MemoryService, alice: Caller
) -> None:
    (first,) = service.remember(alice, [Draft(content="at: nine", key="Stand Up")])
    line = service.recall(alice, Query(query="when is stand up?")).context.splitlines()[1]
    (again,) = service.remember(alice, [Draft(content=line, key="stand_up")])
    assert (again.id, again.status, again.revision) == (first.id, "merged", 1)


def test_a_block_of_what_is_gone_is_stored_as_anything_else(
    service: MemoryService, alice: Caller, bob: Caller
) -> None:
    service.remember(alice, [Draft(content="The build uses Bazel.")])
    block = service.recall(alice, Query(query="the build")).context
    (stored,) = service.remember(bob, [Draft(content=block)])
    assert stored.status == "stored"
    assert service.get(bob, stored.id).content == "The build uses Bazel."


@pytest.mark.parametrize("undo", ["update", "forget"])
def test_a_line_of_what_has_changed_since_changes_nothing_back(
    service: MemoryService, alice: Caller, clock: Clock, undo: str
) -> None:
    (first,) = service.remember(alice, [Draft(content="The staging port is 5432.")])
    block = service.recall(alice, Query(query="staging port")).context
    clock.tick()
    if undo == "update":
        service.update(alice, first.id, Patch(content="The staging port is 5433."))
    else:
        service.forget(alice, ForgetRequest(ids=(first.id,)))
    (echo,) = service.remember(alice, [Draft(content=block)])
    assert (echo.status, echo.id) == ("merged", first.id)
    found = service.recall(alice, Query(query="staging port")).memories
    assert [m.memory.content for m in found] == ["The staging port is 5433."][: undo == "update"]


@pytest.mark.parametrize(
    ("kept", "edited"),
    [
        ("We no longer use Redis for sessions.", "use Redis for sessions."),
        ("Do not deploy on Fridays.", "deploy on Fridays."),
        ("The port is 5432.", "The port is 5."),
    ],
)
def test_an_edited_line_is_another_statement(
    service: MemoryService, alice: Caller, kept: str, edited: str
) -> None:
    service.remember(alice, [Draft(content=kept)])
    line = service.recall(alice, Query(query=kept)).context.splitlines()[1]
    (stored,) = service.remember(alice, [Draft(content=line.replace(kept, edited))])
    assert stored.status == "stored"
    assert service.get(alice, stored.id).content == edited


def test_a_line_that_comes_with_more_than_its_text_is_taken_as_said(
    service: MemoryService, alice: Caller
) -> None:
    (first,) = service.remember(alice, [Draft(content="The build uses Bazel.")])
    line = service.recall(alice, Query(query="build")).context.splitlines()[1]
    (again,) = service.remember(alice, [Draft(content=line, pinned=True, tags=("ci",))])
    kept = service.get(alice, first.id)
    assert (again.id, kept.pinned, kept.tags) == (first.id, True, ("ci",))
    (shared,) = service.remember(alice, [Draft(content=line, scope="tenant")])
    assert (shared.status, service.get(alice, shared.id).scope) == ("stored", "tenant")


def test_storing_both_of_what_contradicts_each_other_changes_nothing(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    old, new = Draft(content="The port is 5432."), Draft(content="The port is 5433.")
    service.remember(alice, [old])
    clock.tick(days=1)
    service.remember(alice, [new])
    service.recall(alice, Query(query="which port?"))
    service.remember(alice, [new, old])
    found = service.recall(alice, Query(query="which port?")).memories
    assert [m.memory.content for m in found] == [new.content, old.content]


def test_a_text_that_was_just_recalled_gains_neither_evidence_nor_freshness(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    (first,) = service.remember(alice, [Draft(content="The build uses Bazel.")])
    clock.tick(days=3)
    service.recall(alice, Query(query="build"))
    (echo,) = service.remember(alice, [Draft(content="The build uses Bazel.")])
    assert (echo.id, echo.status, echo.revision) == (first.id, "merged", 1)
    (tagged,) = service.remember(alice, [Draft(content="The build uses Bazel.", tags=("ci",))])
    assert tagged.revision == 2
    assert service.get(alice, first.id).evidence == 1
    clock.tick(hours=2)
    (confirmed,) = service.remember(alice, [Draft(content="The build uses Bazel.")])
    assert confirmed.revision == 3
    assert service.get(alice, first.id).evidence == 2


def test_what_another_user_was_given_is_no_echo(
    service: MemoryService, alice: Caller, bob: Caller, clock: Clock
) -> None:
    shared = Draft(content="The office closes at eight.", scope="tenant")
    (first,) = service.remember(alice, [shared])
    clock.tick(days=1)
    service.recall(bob, Query(query="when does the office close?"))
    service.remember(alice, [shared])
    assert service.get(alice, first.id).evidence == 2
