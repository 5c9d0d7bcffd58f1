"""remember: what is stored, what merges, what replaces, what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mcp_memory.domain.memory import Caller, Scope, Status
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
from mcp_memory.domain.results import RememberResult
from mcp_memory.errors import InvalidInput, NotFound, ScopeMissing
from mcp_memory.service import MemoryService
from tests.support.factories import Clock


def one(service: MemoryService, caller: Caller, content: str, **fields: Any) -> RememberResult:
    """What becomes of one draft. Raises why it is rejected."""
    (result,) = service.remember(caller, [Draft(content=content, **fields)])
    if result.error is not None:
        raise result.error
    return result


def found(service: MemoryService, caller: Caller, query: str = "") -> list[str]:
    return [item.memory.content for item in service.recall(caller, Query(query=query)).memories]


def test_a_statement_is_stored_in_the_scope_of_its_type(
    service: MemoryService, alice: Caller
) -> None:
    preference = one(service, alice, "Prefers tea.", type="preference")
    fact = one(service, alice, "The build uses Bazel.", type="fact")
    procedure = one(service, alice, "When it fails: clean the cache.", type="procedure")
    assert (preference.status, preference.scope) == ("stored", Scope.USER)
    assert (fact.status, fact.scope) == ("stored", Scope.PROJECT)
    assert (procedure.status, procedure.scope) == ("stored", Scope.PROJECT)


def test_without_a_project_a_fact_goes_to_the_user(service: MemoryService) -> None:
    caller = Caller(tenant="local", user="alice")
    assert one(service, caller, "The sky is blue.").scope is Scope.USER


@pytest.mark.parametrize("scope", ["project", "agent", "session"])
def test_a_scope_the_caller_has_no_part_in_is_an_error_that_says_what_to_do(
    service: MemoryService, scope: str
) -> None:
    caller = Caller(tenant="local", user="alice")
    with pytest.raises(ScopeMissing, match=rf"memories\[0\]\.scope: there is no {scope} here; .+"):
        one(service, caller, "The sky is blue.", scope=scope)


def test_session_memories_expire_after_thirty_days(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    answer = one(service, alice, "We are looking at the login page.", scope="session")
    assert answer.expires_at is not None
    assert (answer.expires_at - clock()).days == 30


def test_the_same_text_again_merges_and_changes_nothing_within_the_retry_window(
    service: MemoryService, alice: Caller
) -> None:
    first = one(service, alice, "Deploys happen on Tuesdays.")
    again = one(service, alice, "deploys  happen on tuesdays")
    assert (again.id, again.status, again.revision) == (first.id, "merged", 2)
    retried = one(service, alice, "Deploys happen on Tuesdays.")
    assert (retried.id, retried.status, retried.revision) == (first.id, "merged", 2)
    assert len(found(service, alice)) == 1


def test_the_same_text_much_later_is_evidence(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    first = one(service, alice, "Deploys happen on Tuesdays.")
    clock.tick(days=2)
    again = one(service, alice, "Deploys happen on Tuesdays.")
    assert (again.id, again.revision) == (first.id, 2)
    assert service.get(alice, first.id).evidence == 2


def test_what_says_the_same_merges_and_keeps_both_wordings_in_the_history(
    service: MemoryService, alice: Caller
) -> None:
    first = one(service, alice, "The user loves hiking in the Alps.")
    again = one(service, alice, "the user loves  hiking in the alps")
    assert (again.id, again.status) == (first.id, "merged")
    history = [revision.memory for revision in service.history(alice, first.id)]
    assert [m.content for m in history] == ["The user loves hiking in the Alps."] * 2
    assert history[1].merged == "the user loves  hiking in the alps"


@pytest.mark.parametrize(
    "other",
    [
        "The quarterly review is on 4 May.",
        "The quarterly review is not on 3 May.",
        "The quarterly review was on 3 May.",
        "The yearly review is on 3 May.",
        "The quarterly review is really on 3 May.",
        "The quarterly review is on 3 May!",
        "The quarterly review is on -3 May.",
    ],
)
def test_statements_that_differ_in_what_matters_are_both_kept_and_reported(
    service: MemoryService, alice: Caller, other: str
) -> None:
    first = one(service, alice, "The quarterly review is on 3 May.")
    answer = one(service, alice, other)
    assert answer.status == "stored"
    assert [similar.id for similar in answer.similar] == [first.id]
    assert len(found(service, alice)) == 2


def test_the_same_text_in_another_scope_is_another_memory(
    service: MemoryService, alice: Caller
) -> None:
    first = one(service, alice, "Prefers tea.", scope="user")
    second = one(service, alice, "Prefers tea.", scope="project")
    assert second.id != first.id


def test_a_key_remembered_again_replaces_its_value_and_keeps_the_history(
    service: MemoryService, alice: Caller
) -> None:
    first = one(service, alice, "Europe/Berlin", type="profile", key="timezone")
    second = one(service, alice, "Asia/Tokyo", type="profile", key="timezone")
    assert (second.status, second.id, second.replaced) == ("superseded", first.id, (first.id,))
    assert found(service, alice) == ["Asia/Tokyo"]
    history = service.history(alice, first.id)
    assert [revision.memory.content for revision in history] == ["Europe/Berlin", "Asia/Tokyo"]


SPELLINGS = ("Time Zone", "timezone", "time_zone", "time-zone", "TIMEZONE", "timeZone")


def test_a_key_is_one_slot_however_it_is_spelt_and_the_first_spelling_is_shown(
    service: MemoryService, alice: Caller
) -> None:
    values = [f"zone {n}" for n in range(len(SPELLINGS))]
    answers = [
        one(service, alice, value, key=key) for key, value in zip(SPELLINGS, values, strict=True)
    ]
    assert {answer.id for answer in answers} == {answers[0].id}
    assert answers[-1].reason == "replaces the former value of key Time Zone"
    history = [revision.memory for revision in service.history(alice, answers[0].id)]
    assert [(m.key, m.content) for m in history] == [("Time Zone", v) for v in values]
    for key in SPELLINGS:
        found_ = service.recall(alice, Query(key=key)).memories
        assert [item.memory.content for item in found_] == [values[-1]]


def test_a_batch_fills_one_slot_under_all_its_spellings(
    service: MemoryService, alice: Caller
) -> None:
    drafts = [Draft(content=f"zone {n}", key=key) for n, key in enumerate(SPELLINGS)]
    answers = service.remember(alice, drafts)
    assert [a.status for a in answers] == ["stored"] + ["superseded"] * (len(drafts) - 1)
    assert found(service, alice) == [drafts[-1].content]


def test_the_same_value_under_another_spelling_is_the_same_statement(
    service: MemoryService, alice: Caller
) -> None:
    first = one(service, alice, "Swordfish", key="wifi_password")
    again = one(service, alice, "Swordfish", key="WiFi Password")
    assert (again.id, again.status, again.revision) == (first.id, "merged", 1)
    corrected = one(service, alice, "swordfish", key="wifi-password")
    assert (corrected.id, corrected.status) == (first.id, "superseded")
    assert found(service, alice) == ["swordfish"]


def test_one_slot_of_two_scopes_tells_which_value_is_outdated_however_it_is_spelt(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    old = one(service, alice, "The port is 5432.", key="Port", scope="user")
    clock.tick(days=1)
    new = one(service, alice, "The port is 5433.", key="port", scope="project")
    context = service.recall(alice, Query(query="what is the port?")).context
    first, second = context.splitlines()[1:3]
    assert new.id[-8:] in first
    assert old.id[-8:] in second
    assert second.endswith("possibly outdated")


def test_keys_that_are_two_things_are_two_slots(service: MemoryService, alice: Caller) -> None:
    keys = ("C", "C++", "C#", "user.name", "username", "release-1-2", "release-12", "Maße", "Masse")
    answers = [one(service, alice, f"value of {key}", key=key) for key in keys]
    assert {answer.status for answer in answers} == {"stored"}
    for key in keys:
        (item,) = service.recall(alice, Query(key=key)).memories
        assert (item.memory.key, item.memory.content) == (key, f"value of {key}")


def test_two_keys_may_hold_the_same_text(service: MemoryService, alice: Caller) -> None:
    home = one(service, alice, "Berlin", key="home_city", scope="user")
    work = one(service, alice, "Berlin", key="work_city", scope="user")
    assert home.id != work.id
    assert found(service, alice) == ["Berlin", "Berlin"]


def test_superseded_memories_are_no_longer_recalled(service: MemoryService, alice: Caller) -> None:
    old = one(service, alice, "The team uses Jenkins for builds.")
    new = one(service, alice, "The team moved its builds to Buildkite.", supersedes=(old.id,))
    assert (new.status, new.replaced) == ("superseded", (old.id,))
    assert found(service, alice, "what does the team use for builds?") == [
        "The team moved its builds to Buildkite."
    ]
    gone = service.get(alice, old.id)
    assert (gone.status, gone.superseded_by) == (Status.SUPERSEDED, new.id)


def test_superseding_something_invisible_stores_nothing(
    service: MemoryService, alice: Caller, bob: Caller
) -> None:
    foreign = one(service, bob, "Bob's secret plan.", scope="user")
    with pytest.raises(NotFound):
        one(service, alice, "Something new.", supersedes=(foreign.id,))
    assert found(service, alice) == []
    assert service.get(bob, foreign.id).status is Status.ACTIVE


def test_a_batch_may_repeat_and_replace_within_itself(
    service: MemoryService, alice: Caller
) -> None:
    answers = service.remember(
        alice,
        [
            Draft(content="vim", key="editor"),
            Draft(content="The office is in Lyon."),
            Draft(content="emacs", key="editor"),
            Draft(content="the office is in Lyon"),
        ],
    )
    assert [a.status for a in answers] == ["stored", "stored", "superseded", "merged"]
    assert answers[2].id == answers[0].id
    assert answers[3].id == answers[1].id
    assert sorted(found(service, alice)) == ["The office is in Lyon.", "emacs"]


def test_an_expired_key_can_be_remembered_again(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    one(service, alice, "On call this week", key="duty", expires_in="2 days")
    clock.tick(days=3)
    again = one(service, alice, "On call this week", key="duty")
    assert again.status == "stored"
    assert found(service, alice) == ["On call this week"]


def test_a_forgotten_text_can_be_remembered_anew(service: MemoryService, alice: Caller) -> None:
    first = one(service, alice, "Prefers tea.")
    service.forget(alice, ForgetRequest(ids=(first.id,)))
    again = one(service, alice, "Prefers tea.")
    assert (again.status, again.id != first.id) == ("stored", True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "rumour"}, r"memories\[0\]\.type: got 'rumour'; expected one of profile"),
        ({"importance": 7.0}, r"memories\[0\]\.importance: got 7.0; expected a number from 0 to 1"),
        ({"key": "k" * 129}, r"memories\[0\]\.key: got .+ at most 128 characters"),
        ({"tags": tuple(map(str, range(33)))}, r"memories\[0\]\.tags: got '33 tags'.+32"),
        ({"expires_in": "soon"}, r"memories\[0\]\.expires_in: got 'soon'; expected .+ a duration"),
        ({"expires_at": "2020-01-01"}, r"memories\[0\]\.expires_at: .+ a time to come"),
        ({"valid_from": "lately"}, r"memories\[0\]\.valid_from: got 'lately'; expected a date"),
        ({"metadata": {"a": "x" * 9000}}, r"memories\[0\]\.metadata: .+ at most 8192 bytes"),
        ({"metadata": {"a": float("nan")}}, r"memories\[0\]\.metadata\.a: .+ a finite number"),
        ({"source": "a" * 513}, r"memories\[0\]\.source: got '513 char.+ 512 .+; shorten it"),
    ],
)
def test_a_field_that_cannot_be_accepted_is_named_with_its_value_and_limit(
    service: MemoryService, alice: Caller, fields: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InvalidInput, match=expected):
        one(service, alice, "Something.", **fields)


@pytest.mark.parametrize("content", ["", " \n", "\u200b", "\x00", "half \ud800", "x" * 32_769])
def test_content_that_cannot_be_stored_is_refused(
    service: MemoryService, alice: Caller, content: str
) -> None:
    with pytest.raises(InvalidInput, match=r"memories\[0\]\.content"):
        one(service, alice, content)


def test_invisible_characters_are_left_out(service: MemoryService, alice: Caller) -> None:
    answer = one(service, alice, "pay\u202e Mallory\U000e0041 now\u200b")
    assert service.get(alice, answer.id).content == "pay Mallory now"


def test_the_longest_content_is_found_by_its_last_sentence(
    service: MemoryService, alice: Caller
) -> None:
    filler = "The committee discussed the agenda of the next meeting at great length. " * 440
    content = filler[:32_000] + " Zanzibar is where the treasure lies."
    one(service, alice, content)
    answer = service.recall(alice, Query(query="where is the treasure hidden?"))
    assert [item.memory.id for item in answer.memories]
    assert not answer.abstained


def test_batches_beyond_the_limit_are_refused(service: MemoryService, alice: Caller) -> None:
    with pytest.raises(InvalidInput, match="memories: got '101 items'; expected 1 to 100"):
        service.remember(alice, [Draft(content=f"Fact {i}.") for i in range(101)])


def test_a_merge_takes_over_what_the_draft_adds(service: MemoryService, alice: Caller) -> None:
    first = one(service, alice, "Prefers tea.", tags=("drink",), importance=0.4)
    one(service, alice, "Prefers tea.", tags=("Office",), importance=0.9, pinned=True)
    kept = service.get(alice, first.id)
    assert (kept.tags, kept.importance, kept.pinned) == (("drink", "office"), 0.9, True)


def test_a_key_in_use_cannot_be_taken_by_update(service: MemoryService, alice: Caller) -> None:
    one(service, alice, "vim", key="editor")
    other = one(service, alice, "Prefers emacs.")
    for key in ("editor", "Editor"):
        with pytest.raises(InvalidInput, match=rf"key: got '{key}'; memory .+ holds this key"):
            service.update(alice, other.id, Patch(key=key))


def test_a_key_and_a_text_that_spell_the_same_are_two_memories(
    service: MemoryService, alice: Caller
) -> None:
    note = one(service, alice, "timezone UTC", scope="user")
    slot = one(service, alice, "UTC", key="timezone", scope="user")
    assert note.id != slot.id
    assert service.recall(alice, Query(key="timezone")).memories[0].memory.id == slot.id


def test_a_key_set_back_to_its_old_value_within_a_batch_ends_there(
    service: MemoryService, alice: Caller
) -> None:
    one(service, alice, "red", key="colour")
    service.remember(
        alice, [Draft(content="blue", key="colour"), Draft(content="red", key="colour")]
    )
    assert [
        item.memory.content for item in service.recall(alice, Query(key="colour")).memories
    ] == ["red"]


def test_metadata_beyond_the_limit_is_not_gathered_by_merging(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    first = one(service, alice, "Prefers tea.", metadata={"a": "x" * 5000})
    clock.tick(days=1)
    one(service, alice, "Prefers tea.", metadata={"b": "x" * 5000})
    kept = service.get(alice, first.id)
    assert (list(kept.metadata), kept.evidence) == (["a"], 2)


def test_many_at_once_may_write_one_key(service: MemoryService, alice: Caller) -> None:
    values = [f"value {n}" for n in range(40)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        waiting = [pool.submit(one, service, alice, value, key="slot") for value in values]
    answers = [future.result() for future in waiting]
    (memory_id,) = {answer.id for answer in answers}
    history = [revision.memory.content for revision in service.history(alice, memory_id)]
    assert sorted(history) == sorted(values)


def test_what_changed_is_told_with_where_it_was(service: MemoryService, alice: Caller) -> None:
    private = one(service, alice, "The password hint is blue.", scope="user")
    shared = one(service, alice, "Hints are not used.", scope="tenant", supersedes=(private.id,))
    assert dict(shared.touched) == {
        shared.id: alice.partition(Scope.TENANT),
        private.id: alice.partition(Scope.USER),
    }


def test_what_the_team_shares_is_not_ended_by_something_private(
    service: MemoryService, alice: Caller, bob: Caller
) -> None:
    shared = one(service, alice, "Deploys happen on Tuesdays.", scope="tenant")
    with pytest.raises(InvalidInput, match=r"memories\[0\]\.supersedes: .+ shared in scope tenant"):
        one(service, bob, "Scratch.", scope="session", supersedes=(shared.id,))
    with pytest.raises(InvalidInput, match="scope: got 'user'; this memory is shared"):
        service.update(bob, shared.id, Patch(scope="user"))
    assert found(service, alice) == ["Deploys happen on Tuesdays."]


def test_a_batch_of_too_many_bytes_is_refused_at_once(
    service: MemoryService, alice: Caller
) -> None:
    drafts = [Draft(content=f"{n} " + "word " * 6000) for n in range(10)]
    with pytest.raises(InvalidInput, match=r"memories: got '30\d+ bytes'; expected at most 262144"):
        service.remember(alice, drafts)


def test_replacing_what_has_ended_before_says_so(service: MemoryService, alice: Caller) -> None:
    old = one(service, alice, "The team uses Jenkins for builds.")
    one(service, alice, "The team uses Travis for builds.", supersedes=(old.id,))
    late = one(service, alice, "Builds run on Buildkite these days.", supersedes=(old.id,))
    assert (late.status, late.replaced) == ("stored", ())
    assert late.reason == "what supersedes names had ended before"
