"""The value objects: partitions, scopes, and what cannot be changed."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from mcp_memory.domain import memory as model
from mcp_memory.domain.memory import Caller, Memory, Partition, Scope
from tests.support.factories import ALICE, ALICE_APP, SHARED, memory

PARTITIONS = [
    SHARED,
    ALICE,
    ALICE_APP,
    Partition(tenant="acme", scope=Scope.AGENT, user="alice", name="claude"),
    Partition(tenant="a-b.c_d", scope=Scope.SESSION, user="x", name="0" * 64),
]
CLASSES = [value for value in vars(model).values() if is_dataclass(value)]


@pytest.mark.parametrize("partition", PARTITIONS, ids=str)
def test_a_partition_is_read_back_from_its_text(partition: Partition) -> None:
    assert Partition.parse(str(partition)) == partition


def test_different_partitions_have_different_texts() -> None:
    assert len({str(p) for p in PARTITIONS}) == len(PARTITIONS)
    agent = Partition(tenant="acme", scope=Scope.AGENT, user="alice", name="app")
    assert str(agent) != str(ALICE_APP)


@pytest.mark.parametrize(
    "broken", ["", "acme", "acme/user/alice", "acme/galaxy/alice/", "a/b/c/d/e"]
)
def test_a_text_that_is_no_partition_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Partition.parse(broken)


def test_a_full_scope_sees_one_partition_in_each_scope_widest_first(alice: Caller) -> None:
    assert [p.scope for p in alice.partitions()] == list(Scope)
    assert alice.partitions()[:3] == (SHARED, ALICE, ALICE_APP)


def test_a_scope_without_project_agent_or_session_has_no_part_in_them() -> None:
    bare = Caller(tenant="acme", user="alice")
    assert bare.partitions() == (SHARED, ALICE)
    for scope in (Scope.PROJECT, Scope.AGENT, Scope.SESSION):
        assert bare.partition(scope) is None


def test_projects_of_the_same_name_are_apart_for_different_users(
    alice: Caller, bob: Caller
) -> None:
    assert alice.project == bob.project
    assert set(alice.partitions()) & set(bob.partitions()) == {SHARED}


def test_tenants_share_nothing_whatever_the_names(alice: Caller, stranger: Caller) -> None:
    assert not set(alice.partitions()) & set(stranger.partitions())


def test_the_same_user_elsewhere_shares_what_is_the_users(
    alice: Caller, alice_elsewhere: Caller
) -> None:
    assert set(alice.partitions()) & set(alice_elsewhere.partitions()) == {SHARED, ALICE}


def test_a_memory_has_the_scope_of_its_partition() -> None:
    assert memory(partition=ALICE_APP).scope is Scope.PROJECT


@pytest.mark.parametrize("class_", CLASSES, ids=lambda c: c.__name__)
def test_value_objects_are_frozen_keyword_only_and_slotted(class_: type) -> None:
    assert class_.__setattr__ is not object.__setattr__
    assert all(f.kw_only for f in fields(class_))
    assert hasattr(class_, "__slots__")


@pytest.mark.parametrize("name", [f.name for f in fields(Memory)])
def test_a_memory_cannot_be_changed(name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(memory(), name, "something else")


def test_the_default_metadata_is_empty_and_cannot_be_filled() -> None:
    assert memory().metadata == {}
    assert not isinstance(memory().metadata, MutableMapping)
