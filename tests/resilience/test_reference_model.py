"""A service against a model of it: thousands of calls by several callers, after each of
which everyone sees what he should and nothing else.

MODEL_EXAMPLES sets how many lives the long form leads (400 unless told).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,  # pyright: ignore[reportUnknownVariableType]  # hypothesis leaves it untyped
)

from mcp_memory.domain.memory import Caller, Scope, Status
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
from mcp_memory.domain.results import RememberResult
from mcp_memory.domain.statements import same_statement, slot_of
from mcp_memory.errors import InvalidInput, NotFound
from mcp_memory.service import MemoryService
from tests.resilience.reference_model import Believed, Said, said
from tests.support.factories import Clock, open_store

if TYPE_CHECKING:
    from mcp_memory.embedding.embedder import Embedder

EXAMPLES = 7
EXAMPLES_LONG = int(os.environ.get("MODEL_EXAMPLES", "400"))
STEPS = 60
THREADS = 3
CALLERS = (
    Caller(tenant="acme", user="alice", project="app", agent="claude", session="s1"),
    Caller(tenant="acme", user="alice", project="site", agent="cursor"),
    Caller(tenant="acme", user="bob", project="app", agent="claude", session="s2"),
    Caller(tenant="umbrella", user="alice", project="app", agent="claude", session="s1"),
)
TEXTS = (
    "the tea is hot",
    "The tea is  hot.",
    "The tea is really hot.",
    "the tea is cold",
    "tea",
    "the release is on Friday",
    "the release is on Monday",
    "the releases are on Friday",
    "Alice lives in Rome",
    "penguins like ice cream",
    "the build uses Bazel",
)
KEYS = ("", "", "", "timezone", "Time Zone", "drink")

callers = st.sampled_from(CALLERS)
numbers = st.integers(0, 999)
drafts = st.builds(
    Draft,
    content=st.sampled_from(TEXTS),
    key=st.sampled_from(KEYS),
    scope=st.sampled_from(("", "", "user", "tenant", "project", "session")),
    expires_in=st.sampled_from(("", "", "", "1d", "7d")),
)
_Item = TypeVar("_Item")


def pick(items: list[_Item], number: int) -> _Item | None:
    """One of them, by number."""
    return items[number % len(items)] if items else None


class Life(RuleBasedStateMachine):
    """One store's life, beside what should be believed."""

    embedder: Embedder

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mcp-memory-life-"))
        self.clock = Clock()
        self.believed = Believed()
        self.moments: list[datetime] = []
        self.secrets = 0
        self.open()

    def open(self) -> None:
        store = open_store("embedded", self.folder / "home")
        self.service = MemoryService(store, self.embedder, clock=self.clock)
        self.store = store

    # --- writing -----------------------------------------------------------------------

    @rule(caller=callers, given=st.lists(drafts, min_size=1, max_size=3))
    def remember(self, caller: Caller, given: list[Draft]) -> None:
        usable = [
            draft for draft in given if not draft.scope or caller.partition(Scope(draft.scope))
        ]
        if usable:
            answers = self.service.remember(caller, usable)
            self.believed.remember(caller, usable, answers, self.clock())

    @rule(caller=callers, draft=drafts, number=numbers)
    def replace(self, caller: Caller, draft: Draft, number: int) -> None:
        old = pick(self.believed.current(caller), number)
        if old is None or (draft.scope and not caller.partition(Scope(draft.scope))):
            return
        given = Draft(content=draft.content, scope=draft.scope, supersedes=(old.id,))
        if old.partition.scope is Scope.TENANT and draft.scope != "tenant":
            (answer,) = self.service.remember(caller, [given])
            assert isinstance(answer.error, InvalidInput)
            assert "tenant" in answer.reason
            return
        answers = self.service.remember(caller, [given])
        self.believed.remember(caller, [given], answers, self.clock())

    @rule(caller=callers, number=numbers, content=st.sampled_from(TEXTS))
    def update(self, caller: Caller, number: int, content: str) -> None:
        old = pick(self.believed.current(caller), number)
        if old is None or old.content == content:
            return
        now, place = self.clock(), old.partition
        if old.status is not Status.ACTIVE:
            with pytest.raises(InvalidInput):
                self.service.update(caller, old.id, Patch(content=content))
            return
        if self.is_taken(old, content, old.key):
            with pytest.raises(InvalidInput, match="says exactly this"):
                self.service.update(caller, old.id, Patch(content=content))
            return
        self.service.update(caller, old.id, Patch(content=content))
        self.end_due(old, content, old.key)
        since = old.valid_from if same_statement(old.content, content) else now
        made = self.believed.change(old.id, now, content=content, valid_from=since)
        assert place == made.partition

    @rule(caller=callers, number=numbers, back=numbers)
    def restore(self, caller: Caller, number: int, back: int) -> None:
        old = pick(self.believed.current(caller), number)
        if old is None:
            return
        life = [s for s in self.believed.lives[old.id] if s.partition in caller.partitions()]
        then, now = life[back % len(life)], self.clock()
        until = then.expires_at if then.expires_at and then.expires_at > now else None
        back_again: dict[str, Any] = {
            "content": then.content,
            "key": then.key,
            "partition": then.partition,
            "valid_from": then.valid_from,
            "expires_at": until,
            "status": Status.ACTIVE,
            "superseded_by": "",
            "valid_to": None,
        }
        if all(getattr(old, name) == value for name, value in back_again.items()):
            return
        patch = Patch(restore_revision=then.revision)
        if self.is_taken(old, then.content, then.key):
            with pytest.raises(InvalidInput, match=r"says exactly this|holds this key"):
                self.service.update(caller, old.id, patch)
            return
        self.service.update(caller, old.id, patch)
        self.end_due(old, then.content, then.key)
        self.believed.change(old.id, now, **back_again)

    def rivals(self, old: Said, content: str, key: str) -> list[Said]:
        """Others that hold what a memory is about to say."""
        place = old.partition
        held = [self.believed.holder(place, key, content)]
        held += [self.believed.holder(place, key, "")] if key else []
        return [one for one in held if one is not None and one.id != old.id]

    def is_taken(self, old: Said, content: str, key: str) -> bool:
        return any(not one.is_due(self.clock()) for one in self.rivals(old, content, key))

    def end_due(self, old: Said, content: str, key: str) -> None:
        for memory_id in dict.fromkeys(one.id for one in self.rivals(old, content, key)):
            self.believed.change(memory_id, self.clock(), status=Status.EXPIRED)

    # --- forgetting --------------------------------------------------------------------

    @rule(caller=callers, number=numbers)
    def forget(self, caller: Caller, number: int) -> None:
        old = pick(self.believed.current(caller), number)
        if old is not None:
            self.service.forget(caller, ForgetRequest(ids=(old.id,)))
            self.hide([old])

    @rule(caller=callers, key=st.sampled_from(("timezone", "drink")))
    def forget_by_key(self, caller: Caller, key: str) -> None:
        meant = [
            one
            for one in self.believed.current(caller)
            if slot_of(one.key) == slot_of(key) and one.status in (Status.ACTIVE, Status.EXPIRED)
        ]
        preview = self.service.forget(caller, ForgetRequest(key=key))
        assert (preview.done, preview.total) == (False, len(meant))
        if meant:
            done = self.service.forget(caller, ForgetRequest(key=key, confirm=preview.confirm))
            assert (done.done, done.total) == (True, len(meant))
            self.hide(meant)

    def hide(self, those: list[Said]) -> None:
        for one in those:
            if one.status is not Status.FORGOTTEN:
                self.believed.change(one.id, self.clock(), status=Status.FORGOTTEN)

    @rule(caller=callers, number=numbers)
    def erase(self, caller: Caller, number: int) -> None:
        old = pick(self.believed.current(caller), number)
        if old is not None:
            self.erase_for_good(caller, old.id)

    @rule(caller=callers)
    def whisper(self, caller: Caller) -> None:
        """Remember a secret, change it, ask for it, and erase it: it is in no byte."""
        self.secrets += 1
        word = f"zyxomatic{self.secrets}quelbrant"
        (answer,) = self.service.remember(caller, [Draft(content=f"{word} lies here", key=word)])
        self.service.recall(caller, Query(query=f"where does {word} lie?"))
        self.service.update(caller, answer.id, Patch(content=f"{word} has moved"))
        self.service.upkeep()
        self.believed.expire(self.clock())
        self.erase_for_good(caller, answer.id)
        left = [
            file.name
            for file in self.folder.rglob("*")
            if file.is_file() and word.encode() in file.read_bytes()
        ]
        assert left == []

    def erase_for_good(self, caller: Caller, memory_id: str) -> None:
        preview = self.service.forget(caller, ForgetRequest(ids=(memory_id,), erase=True))
        assert (preview.done, preview.total) == (False, 1)
        wanted = ForgetRequest(ids=(memory_id,), erase=True, confirm=preview.confirm)
        done = self.service.forget(caller, wanted)
        assert done.receipt is not None
        life = self.believed.lives.pop(memory_id, None)
        if life:
            assert done.receipt.revisions == len(life)
        for other in CALLERS:
            with pytest.raises(NotFound):
                self.service.history(other, memory_id)

    # --- time, restarts, threads ---------------------------------------------------------

    @rule(minutes=st.sampled_from((1, 7, 30, 60 * 25, 60 * 24 * 8)))
    def wait(self, minutes: int) -> None:
        self.moments.append(self.clock())
        self.clock.tick(minutes=minutes)

    @rule()
    def keep_up(self) -> None:
        self.service.upkeep()
        self.believed.expire(self.clock())

    @rule()
    def restart(self) -> None:
        self.service.close()
        self.open()

    @rule(caller=callers, content=st.sampled_from(TEXTS))
    def all_at_once(self, caller: Caller, content: str) -> None:
        """Several threads say the same, and each caller something of his own."""
        same = Draft(content=content, scope="user")
        calls = [(caller, same)] * THREADS + [
            (one, Draft(content=f"{one.user} of {one.tenant} waited", scope="user"))
            for one in CALLERS[1:]
        ]

        def made(call: tuple[Caller, Draft]) -> tuple[int, Caller, Draft, RememberResult]:
            (answer,) = self.service.remember(call[0], [call[1]])
            return answer.revision, *call, answer

        with ThreadPoolExecutor(len(calls)) as pool:
            answers = list(pool.map(made, calls))
        assert len({answer.id for *_, answer in answers[:THREADS]}) == 1
        for _, who, draft, answer in sorted(answers, key=lambda one: one[0]):
            self.believed.remember(who, [draft], [answer], self.clock())

    # --- reading -------------------------------------------------------------------------

    @rule(caller=callers, key=st.sampled_from(("", "time_zone", "drink")))
    def recall(self, caller: Caller, key: str) -> None:
        asked = Query(key=key, limit=50, max_tokens=20_000)
        wanted = [
            s
            for s in self.believed.active(caller, self.clock())
            if slot_of(key) in ("", slot_of(s.key))
        ]
        self.assert_recalled(caller, asked, wanted)

    @rule(caller=callers, number=numbers, key=st.sampled_from(("", "timezone")))
    def recall_the_past(self, caller: Caller, number: int, key: str) -> None:
        if then := pick(self.moments, number):
            asked = Query(as_of=then.isoformat(), key=key, limit=50, max_tokens=20_000)
            wanted = [
                s for s in self.believed.as_of(caller, then) if slot_of(key) in ("", slot_of(s.key))
            ]
            self.assert_recalled(caller, asked, wanted)

    def assert_recalled(self, caller: Caller, asked: Query, wanted: list[Said]) -> None:
        found = self.service.recall(caller, asked)
        self.believed.recalled(caller, (item.memory for item in found.memories), self.clock())
        assert len(wanted) <= asked.limit
        assert sorted_(said(item.memory) for item in found.memories) == sorted_(wanted)

    @rule(caller=callers, text=st.sampled_from(TEXTS))
    def search(self, caller: Caller, text: str) -> None:
        active = {one.id: one for one in self.believed.active(caller, self.clock())}
        found = self.service.recall(caller, Query(query=text, limit=50, max_tokens=20_000))
        self.believed.recalled(caller, (item.memory for item in found.memories), self.clock())
        for item in found.memories:
            assert said(item.memory) == active[item.memory.id]
        told = {item.memory.content for item in found.memories}
        is_there = text in {one.content for one in active.values()}
        assert not is_there or any(same_statement(text, one) for one in told)

    @invariant()
    def everyone_sees_what_he_should(self) -> None:
        for caller in CALLERS:
            wanted = sorted_(self.believed.active(caller, self.clock()))
            found = self.service.recent(caller, limit=50)
            assert sorted_(said(memory) for memory in found) == wanted

    def teardown(self) -> None:
        try:
            for caller in CALLERS:
                for one in self.believed.current(caller):
                    history = self.service.history(caller, one.id)
                    life = self.believed.lives[one.id]
                    seen = [s for s in life if s.partition in caller.partitions()]
                    assert [said(r.memory) for r in history] == seen
                    assert [r.change.revision for r in history] == [s.revision for s in seen]
            assert [finding for finding in self.store.check() if not finding.ok] == []
        finally:
            self.service.close()
            shutil.rmtree(self.folder)


def sorted_(those: Any) -> list[Said]:
    return sorted(those, key=lambda one: one.id)


@pytest.mark.parametrize("lives", [EXAMPLES, pytest.param(EXAMPLES_LONG, marks=pytest.mark.long)])
def test_the_service_does_what_the_model_says(embedder: Embedder, lives: int) -> None:
    class Led(Life):
        pass

    Led.embedder = embedder
    run_state_machine_as_test(
        Led,
        settings=settings(
            max_examples=lives,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
