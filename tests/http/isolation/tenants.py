"""Tenants with secrets, each of which tells whose it is, and who may be told it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx2

from tests.http.isolation.matrix import QUESTION, Aim
from tests.support.http_client import (
    ID,
    LEGACY,
    MODERN,
    Answer,
    Ask,
    Asker,
    SseAsker,
    called,
    reading,
)
from tests.support.http_server import ALL, Issuer, Served

PRIVATE = ("user", "project", "agent", "session")
CLIENT = {"client_id": "desk"}
"""Everybody uses the same client, so that agents have the same name."""
_WORD = re.compile(r"walrus\w*")
_ID = re.compile(r"(?<![0-9a-z])[0-9a-f]{8,}(?:-[0-9a-f]+)*")
_ASKED = re.compile(rf"- ([^\n]*) · \d+ \w+ \d+ \d\d:\d\d · ({ID})$", re.MULTILINE)
"""A recall as its session tells it: the query, the moment and the id of the trace."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who asks: `tenant` and `user` are whose memories it may see, "" for nobody's."""

    name: str
    token: str
    tenant: str = ""
    user: str = ""
    scopes: frozenset[str] = frozenset(ALL.split())
    client: str = CLIENT["client_id"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trove:
    """What a tenant's user has: its secrets, and those it shares with its tenant."""

    tenant: str
    owner: Caller
    aim: Aim
    team: str
    private: frozenset[str]
    shared: frozenset[str]
    histories: dict[str, str] = field(default_factory=dict[str, str])


class World:
    """Many tenants of one server, with one user each who has something to hide."""

    def __init__(self, server: Served, issuer: Issuer, http: httpx2.Client) -> None:
        self.server = server
        self.issuer = issuer
        self.http = http
        self.troves: list[Trove] = []
        self.streams: dict[str, SseAsker] = {}
        self._asked: dict[tuple[str, str], dict[str, str]] = {}

    def caller(self, name: str, tenant: str, user: str, **claims: str) -> Caller:
        """Somebody with a good token."""
        claims = {"scope": ALL, **CLIENT, **claims}
        return Caller(
            name=name,
            token=self.issuer.token(tenant, user, **claims),
            tenant=tenant,
            user=user,
            scopes=frozenset(claims["scope"].split()),
            client=claims["client_id"],
        )

    def ask(self, caller: Caller, era: str = MODERN) -> Asker:
        """A caller in an era."""
        return Asker(self.server, self.http, caller.token, era)

    def add(self, tenant: str, stack: ExitStack) -> Trove:
        """A tenant whose user ana has secrets at every scope, a trace, tokens and sessions."""
        word = f"walrus{len(self.troves):02d}"
        owner = self.caller(f"owner of {tenant}", tenant, "ana")
        ask, sitting = self.ask(owner), self.ask(owner, LEGACY).open()
        stream = SseAsker(self.server, self.http, owner.token, stack).open()
        drafts = [_draft(scope, f"{word}{scope}") for scope in (*PRIVATE, "tenant")]
        known = {"key": f"known-{tenant}", "tags": [f"known-{tenant}"], "scope": "user"}
        drafts += [
            {**_draft("user", f"{word}user"), "content": f"{word}user: vault code, code of a vault",
             "key": ""},
            {"content": f"Parcel {tenant} waits at the counter", **known},
        ]  # fmt: skip
        stored = ask(called("remember", memories=drafts)).values["results"]
        ids = [result["id"] for result in stored]
        changed = f"The vault code of {word}user is kept by the harbour master's clerk"
        assert ask(called("update", id=ids[0], content=changed)).result
        aim = Aim(
            memory=ids[0],
            asked=ids[5],
            doomed=ids[6],
            secret=f"{word}user",
            statement=f"Parcel {tenant} waits at the counter",
            known=f"known-{tenant}",
            session=sitting.session,
            sse=stream.endpoint.partition("session_id=")[2],
            **_tokens(ask, f"{word}user", ids),
        )
        words = {f"{word}{scope}" for scope in PRIVATE}
        private = [i for i, r in zip(ids, stored, strict=True) if r["scope"] != "tenant"]
        tokens = {aim.trace, aim.forget, aim.erase, aim.session, aim.sse}
        trove = Trove(
            tenant=tenant,
            owner=owner,
            aim=aim,
            team=ids[4],
            private=frozenset({*words, *private, *(i[-8:] for i in private), *tokens}),
            shared=frozenset({f"{word}tenant", ids[4], ids[4][-8:]}),
        )
        trove.histories.update({i: self.history(trove, i) for i in ids})
        self.troves.append(trove)
        self.streams[tenant] = stream
        return trove

    def history(self, trove: Trove, memory: str) -> str:
        """All revisions of a memory, as its owner reads them."""
        answer = self.ask(trove.owner)(reading(f"memory://memories/{memory}/history"))
        return str(answer.result["contents"])

    def changed(self, *troves: Trove) -> list[str]:
        """The memories that are not as their owner left them, of all troves if none is given."""
        return [
            f"{trove.tenant} {memory}"
            for trove in troves or self.troves
            for memory, history in trove.histories.items()
            if self.history(trove, memory) != history
        ]

    def note(self, caller: Caller, ask: Ask, answer: Answer) -> None:
        """Keep what a caller has asked recall, by the id of the trace that was answered."""
        if ask.params.get("name") != "recall" or "trace_id" not in answer.text:
            return
        mine = self._asked.setdefault((caller.tenant, caller.user), {})
        mine[answer.values["trace_id"]] = ask.params["arguments"].get("query", "")

    def unasked(self, caller: Caller, answer: Answer) -> str:
        """What `memory://session` answers, without the lines of what the caller itself asked."""
        mine = self._asked.get((caller.tenant, caller.user), {})
        contents = answer.message.get("result", {}).get("contents", [])
        text = "\n".join(content["text"] for content in contents)
        return _ASKED.sub(lambda m: "" if mine.get(m[2]) == m[1] else m[0], text)

    def leaked(self, caller: Caller, text: str) -> set[str]:
        """What a text tells that the caller may not know."""
        lowered = text.lower()
        told = {*_WORD.findall(lowered), *_ID.findall(lowered)}
        return told & self._secrets - self._may_know(caller) if told else set()

    @property
    def _secrets(self) -> frozenset[str]:
        return _union(part for trove in self.troves for part in (trove.private, trove.shared))

    def _may_know(self, caller: Caller) -> frozenset[str]:
        own = [trove for trove in self.troves if trove.tenant == caller.tenant]
        private = (trove.private for trove in own if trove.owner.user == caller.user)
        return _union([*private, *(trove.shared for trove in own)])


def _tokens(ask: Asker, secret: str, ids: Sequence[str]) -> dict[str, str]:
    """A trace, two confirm tokens and a sealed question."""
    question = called("forget", ids=[ids[5]], erase=True)
    able = Ask(method=question.method, params=question.params, capabilities={"elicitation": {}})
    return {
        "trace": ask(called("recall", query=QUESTION, limit=50)).values["trace_id"],
        "forget": ask(called("forget", tags=[f"tag-{secret}"])).values["confirm"],
        "erase": ask(called("forget", ids=[ids[6]], erase=True)).values["confirm"],
        "state": ask(able).result["requestState"],
    }


def _union(parts: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*parts)


def _draft(scope: str, word: str) -> dict[str, object]:
    return {
        "content": f"The vault code of {word} is kept by the harbour master",
        "type": "preference" if scope == "user" else "fact",
        "scope": scope,
        "key": f"key-{word}",
        "tags": [f"tag-{word}"],
        "metadata": {"box": word},
    }
