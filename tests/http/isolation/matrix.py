"""The isolation matrix: for each thing of the server, how to use it to reach what is another's."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mcp_memory.domain.ids import new_id
from tests.support.http_client import LEGACY, MODERN, Answer, Ask, called, reading

READ, WRITE, ERASE, ADMIN = "memory:read", "memory:write", "memory:erase", "memory:admin"
ERAS = (LEGACY, MODERN)
LATER = "2099-01-01"
QUESTION = "who keeps the vault code?"


@dataclass(frozen=True, kw_only=True, slots=True)
class Aim:
    """All that an attacker knows of a victim; each by default a name that never existed.

    `memory` is private to the victim, `secret` a word of its text, key and tags, which no
    attacker stores. `statement` and `known` an attacker may store as its own. `forget` and
    `erase` are confirm tokens, for what has the secret as a tag and for `doomed`; `state` is
    the sealed question about `asked`.
    """

    memory: str = field(default_factory=new_id)
    doomed: str = field(default_factory=new_id)
    asked: str = field(default_factory=new_id)
    trace: str = field(default_factory=new_id)
    secret: str = field(default_factory=lambda: f"walrus{secrets.token_hex(4)}")
    statement: str = field(default_factory=lambda: f"Parcel {secrets.token_hex(8)} is at the quay")
    known: str = field(default_factory=lambda: f"known-{secrets.token_hex(8)}")
    forget: str = field(default_factory=lambda: f"7fffffff-{secrets.token_hex(12)}")
    erase: str = field(default_factory=lambda: f"7fffffff-{secrets.token_hex(12)}")
    state: str = field(default_factory=lambda: f"v1.{secrets.token_urlsafe(300)}")
    session: str = field(default_factory=lambda: secrets.token_hex(16))
    sse: str = field(default_factory=lambda: secrets.token_hex(16))

    def named(self) -> dict[str, str]:
        """Each value with the name that stands for it in an answer."""
        whole = {getattr(self, name): f"<{name}>" for name in self.__dataclass_fields__}
        return {**whole, self.memory[-8:]: "<ending>"}

    def blank(self, answer: Answer, ask: Ask) -> Answer:
        """The answer without what whoever asked has said himself."""
        sent, text = ask.sent(), answer.text
        for value, name in self.named().items():
            if value in sent:
                text = text.replace(value, name)
        return replace(answer, text=text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One way to use a thing.

    `needs` is the scope without which it is refused. Its answer `varies` with the
    words, or with the time, for anybody. `tells` unless its answer is the same for everybody.
    """

    thing: str
    ask: Callable[[Aim], Ask]
    needs: str = READ
    varies: bool = False
    tells: bool = True
    eras: tuple[str, ...] = ERAS

    def uses(self, *parts: str) -> bool:
        """Whether it names one of these parts of the victim; of any if none is given."""
        aim, other = Aim(), Aim()
        names = parts or tuple(aim.__dataclass_fields__)
        changed = replace(aim, **{name: getattr(other, name) for name in names})
        return self.ask(aim) != self.ask(changed)


_Given = Callable[[Aim], dict[str, Any]]


def _tool(name: str, *calls: _Given, **options: Any) -> list[Case]:
    def case(call: _Given) -> Case:
        return Case(thing=f"tool {name}", ask=lambda aim: called(name, **call(aim)), **options)

    return [case(call) for call in calls]


def _drafted(draft: _Given) -> _Given:
    return lambda aim: {"memories": [draft(aim)]}


REMEMBER = _tool(
    "remember",
    _drafted(lambda aim: {"content": aim.statement, "scope": "user", "key": aim.known}),
    _drafted(lambda aim: {"content": aim.statement, "scope": "user", "tags": [aim.known]}),
    _drafted(lambda aim: {"content": aim.statement, "scope": "user", "source": aim.known}),
    _drafted(lambda aim: {"content": aim.statement, "metadata": {"user": "ana"}}),
    needs=WRITE,
    varies=True,
    tells=False,
)
SUPERSEDE = _tool(
    "remember",
    _drafted(lambda aim: {"content": "Mine", "scope": "user", "supersedes": [aim.memory]}),
    _drafted(lambda aim: {"content": "Mine", "supersedes": [aim.memory[-8:]]}),
    needs=WRITE,
)


def _of_scope(scope: str) -> _Given:
    return lambda aim: {"scopes": [scope]}


RECALL = _tool(
    "recall",
    lambda aim: {},
    lambda aim: {"query": QUESTION, "explain": True},
    lambda aim: {"key": f"key-{aim.secret}"},
    lambda aim: {"tags": [f"tag-{aim.secret}"]},
    lambda aim: {"metadata": {"box": aim.secret}},
    lambda aim: {"since": "2000-01-01", "limit": 50, "max_tokens": 20_000},
    lambda aim: {"as_of": LATER, "until": LATER, "types": ["preference"]},
    *map(_of_scope, ("user", "project", "agent", "session", "tenant")),
)
RECALL_BY_WORD = _tool(
    "recall", lambda aim: {"query": f"the vault code of {aim.secret}"}, varies=True
)
UPDATE = _tool(
    "update",
    lambda aim: {"id": aim.memory, "content": "Stolen", "reason": "mine now"},
    lambda aim: {"id": aim.memory[-8:], "importance": 0.1, "pinned": True},
    lambda aim: {"id": aim.memory, "scope": "user", "type": "fact", "key": aim.known},
    lambda aim: {"id": aim.memory, "expires_at": "1d", "metadata": {}, "tags": []},
    lambda aim: {"id": aim.memory, "restore_revision": 1},
    needs=WRITE,
)
FORGET = [
    *_tool(
        "forget",
        lambda aim: {"query": QUESTION},
        lambda aim: {"key": f"key-{aim.secret}"},
        lambda aim: {"tags": [f"tag-{aim.secret}"]},
        lambda aim: {"types": ["preference"], "before": LATER},
        lambda aim: {"ids": [aim.memory[-8:]]},
        lambda aim: {"ids": [aim.memory]},
        needs=WRITE,
    ),
    *_tool(
        "forget",
        lambda aim: {"tags": [f"tag-{aim.secret}"], "erase": True},
        lambda aim: {"ids": [aim.memory], "erase": True},
        needs=ERASE,
    ),
]
CONFIRM = [
    Case(
        thing="confirm token",
        ask=lambda aim: called("forget", tags=[f"tag-{aim.secret}"], confirm=aim.forget),
        needs=WRITE,
    ),
    Case(
        thing="confirm token",
        ask=lambda aim: called("forget", ids=[aim.doomed], erase=True, confirm=aim.erase),
        needs=ERASE,
    ),
]


def _sealed(aim: Aim) -> Ask:
    agreed = {"erase": {"action": "accept", "content": {"erase": True}}}
    given = {"inputResponses": agreed, "requestState": aim.state}
    params = {**called("forget", ids=[aim.asked], erase=True).params, **given}
    return Ask(method="tools/call", params=params, capabilities={"elicitation": {}})


STATE = [Case(thing="sealed question", ask=_sealed, needs=ERASE, eras=(MODERN,))]
FIXED = [
    Case(thing=f"resource memory://{name}", ask=lambda aim, n=name: reading(f"memory://{n}"))
    for name in ("me", "context", "session", "recent", "stats")
]
_PATHS: Mapping[str, Callable[[Aim], str]] = {
    "memory://memories/{id}": lambda aim: f"memory://memories/{aim.memory}",
    "memory://memories/{id}/history": lambda aim: f"memory://memories/{aim.memory}/history",
    "memory://traces/{id}": lambda aim: f"memory://traces/{aim.trace}",
}
TEMPLATES = [
    *(
        Case(thing=f"template {template}", ask=lambda aim, uri=uri: reading(uri(aim)))
        for template, uri in _PATHS.items()
    ),
    Case(
        thing="template memory://memories/{id}",
        ask=lambda aim: reading(f"memory://memories/{aim.memory[-8:]}"),
    ),
]


def _prompt(name: str, arguments: _Given, **options: Any) -> Case:
    def ask(aim: Aim) -> Ask:
        return Ask(method="prompts/get", params={"name": name, "arguments": arguments(aim)})

    return Case(thing=f"prompt {name}", ask=ask, **options)


PROMPTS = [
    _prompt("with_memory", lambda aim: {"question": QUESTION}),
    _prompt("with_memory", lambda aim: {"question": QUESTION, "tag": f"tag-{aim.secret}"}),
    _prompt("remember_session", lambda aim: {}),
    _prompt("consolidate", lambda aim: {"groups": "20"}),
]


def _completion(ref: dict[str, str], argument: str, value: str) -> Ask:
    given = {"name": argument, "value": value}
    return Ask(method="completion/complete", params={"ref": ref, "argument": given})


def _of_template(uri: str, prefix: Callable[[Aim], str], *, tells: bool) -> Case:
    ref = {"type": "ref/resource", "uri": uri}
    thing = f"completion {uri} id"
    return Case(thing=thing, ask=lambda aim: _completion(ref, "id", prefix(aim)), tells=tells)


def _of_prompt(name: str, argument: str, prefix: Callable[[Aim], str], *, tells: bool) -> Case:
    ref = {"type": "ref/prompt", "name": name}
    thing = f"completion {name} {argument}"
    return Case(thing=thing, ask=lambda aim: _completion(ref, argument, prefix(aim)), tells=tells)


COMPLETIONS = [
    *(_of_template(uri, lambda aim: "", tells="traces" not in uri) for uri in _PATHS),
    _of_template("memory://memories/{id}", lambda aim: aim.memory[:20], tells=True),
    _of_template("memory://traces/{id}", lambda aim: aim.trace[:20], tells=False),
    _of_prompt("with_memory", "question", lambda aim: "", tells=False),
    _of_prompt("with_memory", "tag", lambda aim: "tag-", tells=True),
    _of_prompt("remember_session", "tag", lambda aim: f"tag-{aim.secret}", tells=True),
    _of_prompt("consolidate", "groups", lambda aim: "", tells=False),
]


def _subscriptions(name: str, uri: Callable[[Aim], str], *, tells: bool) -> list[Case]:
    thing = f"subscription {name}"

    def subscribe(aim: Aim) -> Ask:
        return Ask(method="resources/subscribe", params={"uri": uri(aim)})

    def listen(aim: Aim) -> Ask:
        wanted = {"resourceSubscriptions": [uri(aim)], "resourcesListChanged": True}
        return Ask(method="subscriptions/listen", params={"notifications": wanted})

    return [
        Case(thing=thing, ask=subscribe, tells=tells, eras=(LEGACY,)),
        Case(thing=thing, ask=listen, tells=tells, eras=(MODERN,)),
    ]


SUBSCRIPTIONS = [
    case
    for uri in ("me", "context", "session", "recent", "stats")
    for case in _subscriptions(f"memory://{uri}", lambda aim, u=uri: f"memory://{u}", tells=False)
] + [case for template, uri in _PATHS.items() for case in _subscriptions(template, uri, tells=True)]


def _listing(cursor: str) -> Ask:
    return Ask(method="resources/list", params={"cursor": cursor} if cursor else {})


CURSORS = [
    Case(thing="cursor", ask=lambda aim: _listing(""), tells=False),
    Case(thing="cursor", ask=lambda aim: _listing("0:")),
    Case(thing="cursor", ask=lambda aim: _listing(f"1:{aim.memory}")),
    Case(thing="cursor", ask=lambda aim: _listing(f"0:{aim.memory[-8:]}"), tells=False),
]


def _in_session(verb: str, method: str = "", **params: Any) -> Callable[[Aim], Ask]:
    def ask(aim: Aim) -> Ask:
        headers = {"Mcp-Session-Id": aim.session}
        return Ask(method=method, params=params, verb=verb, headers=headers)

    return ask


def _posted(aim: Aim) -> Ask:
    return Ask(method="ping", path=f"/messages/?session_id={aim.sse}")


SESSIONS = [
    Case(thing="session", ask=ask, needs=needs, eras=(LEGACY,))
    for ask, needs in (
        (_in_session("POST", "resources/read", uri="memory://recent"), READ),
        (_in_session("POST", "tools/call", name="recall", arguments={}), READ),
        (_in_session("POST", "ping"), ""),
        (_in_session("POST", "notifications/cancelled", requestId=1), ""),
        (_in_session("GET"), ""),
        (_in_session("DELETE"), ""),
    )
] + [Case(thing="SSE session", ask=_posted, needs="", eras=(LEGACY,))]
FREE = [
    Case(thing=f"method {method}", ask=lambda aim, m=method: Ask(method=m), needs="", tells=False)
    for method in ("tools/list", "prompts/list", "resources/templates/list")
] + [Case(thing="unknown method", ask=lambda aim: Ask(method="no/such/method"), tells=False)]
OTHERS = [
    Case(
        thing="figures",
        ask=lambda aim: Ask(verb="GET", path="/metrics"),
        needs=ADMIN,
        varies=True,
        tells=False,
        eras=(MODERN,),
    ),
    Case(
        thing="event stream",
        ask=lambda aim: Ask(verb="GET", path="/sse"),
        needs="",
        tells=False,
        eras=(LEGACY,),
    ),
]

CASES: tuple[Case, ...] = (
    *FREE,
    *FIXED,
    *TEMPLATES,
    *PROMPTS,
    *COMPLETIONS,
    *CURSORS,
    *SUBSCRIPTIONS,
    *RECALL,
    *RECALL_BY_WORD,
    *REMEMBER,
    *OTHERS,
    *SESSIONS,
    *CONFIRM,
    *STATE,
    *UPDATE,
    *SUPERSEDE,
    *FORGET,
)
"""In an order in which their owner can use them all: what changes something comes last."""

KNOWN = frozenset({"tools", "resources", "prompts", "completions"})
"""The capabilities whose things are here."""


def things(listed: Mapping[str, Iterable[Mapping[str, Any]]]) -> set[str]:
    """The things of a server, from its four lists by the name of their members."""
    found = {f"tool {tool['name']}" for tool in listed["tools"]}
    for prompt in listed["prompts"]:
        found.add(f"prompt {prompt['name']}")
        found |= {f"completion {prompt['name']} {a['name']}" for a in prompt["arguments"]}
    for resource in listed["resources"]:
        found |= {f"resource {resource['uri']}", f"subscription {resource['uri']}"}
    for template in listed["resourceTemplates"]:
        uri = template["uriTemplate"]
        found |= {f"template {uri}", f"subscription {uri}"}
        found |= {f"completion {uri} {name}" for name in re.findall(r"{(\w+)}", uri)}
    return found
