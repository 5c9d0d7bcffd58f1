"""Nobody is told of, or changes, what is another's: every thing of the server, by every caller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import pytest

from mcp_memory.domain.ids import new_id
from tests.http.isolation import attackers
from tests.http.isolation.matrix import CASES, ERAS, KNOWN, QUESTION, Aim, Case, things
from tests.http.isolation.tenants import Caller, Trove, World
from tests.support.http_client import (
    LEGACY,
    MODERN,
    SSE,
    Answer,
    Ask,
    Asker,
    SseAsker,
    called,
    client,
    handshake,
    reading,
)
from tests.support.http_server import Issuer, Served

TENANTS, TENANTS_LONG = 12, 50


def shares(share: int) -> pytest.MarkDecorator:
    """Of many callers each tries every `share`-th case in its turn; in the long form, every one."""
    return pytest.mark.parametrize("share", [share, pytest.param(1, marks=pytest.mark.long)])


METADATA = 'resource_metadata="http://127.0.0.1:'


@dataclass(kw_only=True, slots=True)
class Tally:
    """What was looked at, and what was wrong."""

    tenants: int = 0
    cells: int = 0
    requests: int = 0
    leaks: list[str] = field(default_factory=list[str])


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """Counts over all tests of this module, told at their end."""
    counted = Tally()
    yield counted
    print(
        f"\nisolation: {counted.cells} cells (caller, thing, era) over {counted.tenants} tenants,"
        f" {counted.requests} requests, {len(counted.leaks)} leaks"
    )


@pytest.fixture(scope="module")
def world(
    request: pytest.FixtureRequest, server: Served, issuer: Issuer, tally: Tally
) -> Iterator[World]:
    """Tenants with secrets, fifty in the long form; the first of them is called acme."""
    is_long = any(item.get_closest_marker("long") for item in request.session.items)
    tally.tenants = TENANTS_LONG if is_long else TENANTS
    with client() as http, ExitStack() as stack:
        made = World(server, issuer, http)
        for number in range(tally.tenants):
            made.add(f"firm-{number:02d}" if number else "acme", stack)
        yield made


class Attack:
    """One caller who tries every thing of the matrix on one victim."""

    def __init__(self, world: World, tally: Tally, caller: Caller, victim: Trove) -> None:
        self._world = world
        self._tally = tally
        self._caller = caller
        self._victim = victim
        self._is_outside = caller.tenant != victim.tenant
        self._is_owner = not self._is_outside and caller.user == victim.owner.user

    def asker(self, era: str) -> Asker:
        """The caller, come in over streamable HTTP."""
        return self._world.ask(self._caller, era).open()

    def __call__(self, ask: Asker | SseAsker, cases: Sequence[Case], era: str) -> list[str]:
        """Try the cases; what was wrong, in words."""
        wrong: list[str] = []
        for case in cases:
            team = replace(self._victim.aim, memory=self._victim.team)
            aims = [self._victim.aim]
            if self._is_outside and case.uses("memory") and self._caller.token:
                aims.append(team)
            for aim in aims:
                self._tally.cells += 1
                said = self._tried(ask, case, aim)
                wrong += [f"{self._caller.name}, {case.thing}, {era}: {text}" for text in said]
        return wrong

    def _tried(self, ask: Asker | SseAsker, case: Case, aim: Aim) -> list[str]:
        asked = case.ask(aim)
        answer = self._asked(ask, asked, aim)
        wrong = [f"leaked {leaks}" for leaks in self._leaks(asked, answer)]
        if case.needs and case.needs not in self._caller.scopes:
            return wrong + _unless_refused(asked, answer, case.needs)
        if answer.status not in (200, 202, 400, 404, 409) or "went wrong" in answer.text:
            wrong.append(f"answered {answer}")
        if case.uses() and not case.varies and not self._is_owner:
            nothing = Aim()
            like = self._asked(ask, case.ask(nothing), nothing).comparable()
            if answer.comparable() != like:
                wrong.append(f"differs: {answer.comparable()} / {like}")
        return wrong

    def _asked(self, ask: Asker | SseAsker, asked: Ask, aim: Aim) -> Answer:
        self._tally.requests += 1
        answer = ask(asked)
        self._world.note(self._caller, asked, answer)
        return aim.blank(answer, asked)

    def _leaks(self, asked: Ask, answer: Answer) -> list[str]:
        text = answer.text
        if asked == reading("memory://session") and "result" in answer.message:
            text = self._world.unasked(self._caller, answer)
        found = sorted(self._world.leaked(self._caller, f"{answer.challenge} {text}"))
        self._tally.leaks += found
        return [f"{found} in {answer.text}"] if found else []


def _unless_refused(asked: Ask, answer: Answer, needs: str) -> list[str]:
    """What is wrong with a refusal that must name a scope: of a tool in words, else with a 403."""
    if asked.method == "tools/call":
        result = answer.message.get("result", {})
        said = str(result.get("content"))
        is_told = answer.status == 200 and result.get("isError") and _named(needs, said)
        # What names a session, or a question, of somebody else ends before permissions count.
        is_foreign = "invalid_request_state" in answer.text or "no such session" in answer.text
        is_right = is_told or (is_foreign and answer.status in (400, 404))
    else:
        expected = ('error="insufficient_scope"', f'scope="{needs}"', METADATA)
        is_right = answer.status == 403 and all(part in answer.challenge for part in expected)
    return [] if is_right else [f"not refused for {needs}: {answer}"]


def _named(needs: str, said: str) -> bool:
    return any(f"lacks the permission {caller}," in said for caller in needs.split())


def attacked(
    attack: Attack, eras: Sequence[str] = ERAS, share: int = 1, turn: int = 0
) -> list[str]:
    """What is wrong after an attack with every case, or with every `share`-th from `turn` on.

    Cases of one era only are tried in it.
    """
    wrong: list[str] = []
    for era in ERAS:
        mine = [c for c in CASES if era in c.eras and (era in eras or len(c.eras) == 1)]
        wrong += attack(attack.asker(era), mine[turn % share :: share], era)
    return wrong


def in_turn(attacks: Sequence[Attack], share: int) -> list[str]:
    """What is wrong after several attacks, each in one era and with its share of the cases."""
    wrong: list[str] = []
    for number, attack in enumerate(attacks):
        wrong += attacked(attack, (ERAS[number % 2],), share, number // 2)
    return wrong


def test_every_thing_that_the_server_lists_has_a_case(world: World) -> None:
    ask = world.ask(world.troves[0].owner)
    methods = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
    listed = {k: v for method in methods for k, v in ask(Ask(method=method)).result.items()}
    tried = {case.thing for case in CASES}
    found = things(listed)
    assert found - tried == set()
    of_lists = ("tool ", "prompt ", "resource ", "template ", "completion ", "subscription ")
    assert {thing for thing in tried if thing.startswith(of_lists)} == found
    calls = [ask.params for case in CASES if (ask := case.ask(Aim())).method == "tools/call"]
    for tool in listed["tools"]:
        given = {
            name for call in calls if call["name"] == tool["name"] for name in call["arguments"]
        }
        assert set(tool["inputSchema"]["properties"]) - given == set(), tool["name"]


def test_every_capability_of_the_server_is_known_here(world: World) -> None:
    owner = world.troves[0].owner
    told = [
        world.ask(owner, LEGACY)(handshake()).result["capabilities"],
        world.ask(owner)(Ask(method="server/discover")).result["capabilities"],
    ]
    for capabilities in told:
        assert set(capabilities) == KNOWN


def test_who_cannot_prove_who_they_are_get_nothing(
    world: World, tally: Tally, tmp_path: Path
) -> None:
    victim = world.troves[0]
    wrong: list[str] = []
    for number, caller in enumerate(attackers.unknown(world, victim.tenant, tmp_path)):
        for case in CASES:
            era = case.eras[number % len(case.eras)]
            asked = case.ask(victim.aim)
            answer = victim.aim.blank(world.ask(caller, era)(asked), asked)
            tally.cells, tally.requests = tally.cells + 1, tally.requests + 1
            found = world.leaked(caller, answer.text + answer.challenge)
            tally.leaks += found
            if found or answer.status != 401 or METADATA not in answer.challenge:
                wrong.append(f"{caller.name}, {case.thing}, {era}: {found} {answer}")
    assert wrong == []
    assert world.changed(victim) == []


def test_somebody_else_gets_and_changes_nothing(world: World, tally: Tally) -> None:
    victim = world.troves[0]
    callers = attackers.others(world, victim.tenant)
    wrong = [attacked(Attack(world, tally, caller, victim)) for caller in callers]
    assert list(chain.from_iterable(wrong)) == []
    assert world.changed(victim) == []


def test_somebody_else_gets_nothing_over_event_streams(world: World, tally: Tally) -> None:
    victim = world.troves[0]
    aside = ("session", "SSE session", "figures", "event stream")
    cases = [case for case in CASES if LEGACY in case.eras and case.thing not in aside]
    wrong: list[str] = []
    for caller in attackers.others(world, victim.tenant)[:3]:
        with ExitStack() as stack:
            ask = SseAsker(world.server, world.http, caller.token, stack).open()
            wrong += Attack(world, tally, caller, victim)(ask, cases, SSE)
    assert wrong == []
    assert world.changed(victim) == []


@pytest.mark.parametrize("era", ERAS)
def test_a_trace_is_its_caller_s_own_from_the_first_moment(world: World, era: str) -> None:
    victim = world.troves[0]
    for caller in attackers.others(world, victim.tenant)[:2]:
        ask = world.ask(caller, era).open()
        recall = called("recall", query=QUESTION)
        trace = world.ask(victim.owner)(recall).values["trace_id"]
        said = [
            ask(reading(f"memory://traces/{name}")).text.replace(name, "")
            for name in (trace, new_id())
        ]
        assert "no trace" in said[0]
        assert said[0] == said[1]
        assert trace in world.ask(victim.owner)(reading(f"memory://traces/{trace}")).text


def test_what_a_caller_asked_is_no_secret_of_its_own_session_but_of_every_other(
    world: World, tally: Tally
) -> None:
    victim = world.troves[0]
    told, other = attackers.others(world, victim.tenant)[:2]
    attack = Attack(world, tally, told, victim)
    ask = attack.asker(MODERN)
    assert attack(ask, [case for case in CASES if case.thing == "tool recall"], MODERN) == []
    session = ask(reading("memory://session"))
    assert victim.aim.secret in session.text
    assert world.leaked(told, world.unasked(told, session)) == set()
    assert world.leaked(other, world.unasked(other, session)) == {victim.aim.secret}
    own = world.ask(victim.owner)(reading("memory://session"))
    assert world.leaked(victim.owner, own.text) == set()
    assert "walrus00session" in world.leaked(told, world.unasked(told, own))


@shares(40)
def test_names_that_look_alike_are_names_of_others(world: World, tally: Tally, share: int) -> None:
    victim = world.troves[0]
    callers = attackers.look_alikes(world, victim.tenant)
    attacks = [Attack(world, tally, caller, victim) for caller in callers]
    assert in_turn(attacks, share) == []
    assert world.changed(victim) == []


@shares(10)
def test_each_tenant_is_closed_to_the_next(world: World, tally: Tally, share: int) -> None:
    attacks = [
        Attack(world, tally, world.troves[number - 1].owner, victim)
        for number, victim in enumerate(world.troves)
    ]
    assert in_turn(attacks, share) == []
    assert world.changed() == []
    for trove in world.troves:  # the notices that came meanwhile tell of nothing else
        answer = world.streams[trove.tenant](Ask(method="ping"))
        assert answer.result == {}
        assert world.leaked(trove.owner, answer.text) == set()


def test_every_case_reaches_what_is_the_caller_s_own(server: Served, issuer: Issuer) -> None:
    """Else a refusal, or an empty answer, would show nothing."""
    with client() as http, ExitStack() as stack:
        world = World(server, issuer, http)
        trove = world.add("control", stack)
        newcomer = world.caller("newcomer", "nowhere", "ana")
        same: list[str] = []
        for case in CASES:
            era = case.eras[-1]
            asked = case.ask(trove.aim)
            theirs, mine = (
                trove.aim.blank(world.ask(who, era).open()(asked), asked).comparable()
                for who in (newcomer, trove.owner)
            )
            if case.tells and theirs == mine:
                same.append(f"{case.thing}: {mine}")
        assert same == []
