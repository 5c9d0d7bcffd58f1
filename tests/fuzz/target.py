"""A running server under fuzz: what its answers must be, and what they have told so far."""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from pathlib import Path
from typing import Any

from mcp_memory.domain.ids import new_id
from tests.fuzz.answers import CONFIRM, check, name_of, outcome_of, repeated
from tests.fuzz.callers import Caller, Victim
from tests.fuzz.calls import OLDER, Call, Published, methods
from tests.fuzz.connection import Answer
from tests.fuzz.values import members_of
from tests.support.http_server import Issuer, Served, message

SLOW_S = 1.0
BYTES_A_SECOND = 4_000
"""What is embedded, where each byte is a word piece of its own: 46 windows of 96 new pieces."""
TRIES = 3
"""A call is slow if it was so each time: the machine has other things to do."""
FUZZED = "memory:read memory:write memory:erase"
VICTIMS = {"umbrella": "vic", "acme": "bob"}
"""One user of another tenant, and one of the same."""
_CHANGING = frozenset(f"tools/call {name}" for name in ("remember", "update", "forget"))
_EMBEDDING = frozenset(f"tools/call {name}" for name in ("remember", "update"))
"""What has a vector made of all its text, however long."""
_STORED = re.compile(r"(?:stored|superseded|updated) ([0-9a-f]{8})\b")
_HELD = re.compile(r"@(mine|theirs|traces|tokens|cursors|sessions)(\d)@")


class Failed(AssertionError):
    """The server did what it must not do."""


class Target:
    """The server, all that its answers have told the fuzzed caller, and what was counted.

    Where it `is_timed`, an answer that is slow each time is a failure; else it is only counted.
    """

    def __init__(self, server: Served, issuer: Issuer, journal: Path, *, is_timed: bool) -> None:
        self._is_timed = is_timed
        self.victims = [Victim(server, issuer, *names) for names in VICTIMS.items()]
        self._caller = Caller(server, issuer.token("acme", "ana", FUZZED))
        self._journal = journal.open("w", encoding="utf-8")
        theirs = [part for one in self.victims for part in (*one.ids, one.trace)]
        self._held = {
            "mine": deque[str](maxlen=10),
            "theirs": deque(theirs),
            "traces": deque[str](maxlen=10),
            "tokens": deque([one.token for one in self.victims], maxlen=10),
            "cursors": deque(["0:"], maxlen=3),
            "sessions": deque[str](maxlen=4),
        }
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.slowest = 0.0
        self.slow = 0
        self.published = self._published()
        self._handshake({})
        self._handshake({"elicitation": {}})

    @property
    def count(self) -> int:
        """How many calls were made."""
        return self.outcomes.total()

    def told(self) -> str:
        """What was counted, in a line."""
        outcomes = Counter[str]()
        for (_, outcome), count in self.outcomes.items():
            outcomes[outcome] += count
        said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        return f"{said}; {self.slow} slow at first; slowest {self.slowest:.2f} s"

    def never_done(self) -> list[str]:
        """Which tools, prompts and methods were never called with success."""
        published = self.published
        wanted = [
            *(f"tools/call {tool['name']}" for tool in published.tools),
            *(f"prompts/get {prompt['name']}" for prompt in published.prompts),
            *methods(published),
        ]
        done = {name for name, outcome in self.outcomes if outcome == "done"}
        return [name for name in wanted if not any(one.startswith(name) for one in done)]

    def close(self) -> None:
        """Hang up."""
        for caller in (self._caller, *self.victims):
            caller.close()
        self._journal.close()

    def check(self, call: Call, *, follow: int = 2) -> None:
        """Make a call, and what its answer asks for. Raises Failed with the call."""
        made = self._filled(call)
        print(made, file=self._journal, flush=True)
        name = name_of(made)
        embeds_s = len(made.content) / BYTES_A_SECOND if name in _EMBEDDING else 0.0
        try:
            answer = self._timed(made, SLOW_S + embeds_s)
            check(made, answer)
        except (OSError, ValueError) as error:
            raise Failed(f"{error!r} for {made}") from error
        outcome = outcome_of(answer)
        self.outcomes[name, outcome] += 1
        self._learn(answer)
        may_change = outcome == "done" and name in _CHANGING
        if may_change and not all(victim.is_untouched() for victim in self.victims):
            raise Failed(f"another one's memories were changed by {made}")
        again = repeated(made, answer)
        if again is not None and follow:
            self.check(again, follow=follow - 1)

    def _timed(self, call: Call, most: float) -> Answer:
        """The answer, which may take `most` seconds."""
        answer = self._caller.send(call)
        seconds, tries = answer.seconds, 1
        self.slow += seconds > most
        while self._is_timed and seconds > most and tries < TRIES:
            seconds, tries = min(seconds, self._caller.send(call).seconds), tries + 1
        self.slowest = max(self.slowest, seconds)
        if self._is_timed and seconds > most:
            raise Failed(f"{seconds:.2f} s, and no less when tried again, for {call}")
        return answer

    def _filled(self, call: Call) -> Call:
        """The call with what its placeholders stand for."""

        def known(match: re.Match[str]) -> str:
            pool = self._held[match[1]]
            return pool[int(match[2]) % len(pool)] if pool else new_id()

        content = call.content
        filled = _HELD.sub(known, content.decode("ascii")) if content.isascii() else content
        body: Any = filled
        if isinstance(filled, str):
            body = filled.encode() if isinstance(call.body, bytes) else json.loads(filled)
        return Call(
            body=body,
            version=call.version,
            session=_HELD.sub(known, call.session),
            headers=call.headers,
            agrees=call.agrees,
        )

    def _learn(self, answer: Answer) -> None:
        """Keep what an answer tells that a later call can name."""
        values = members_of(answer.result.get("structuredContent"))
        stored = [*values.get("results", []), values.get("memory", {})]
        self._held["mine"].extend(one["id"] for one in stored if "id" in one)
        self._held["mine"].extend(_STORED.findall(str(answer.result.get("content"))))
        told = CONFIRM.search(str(answer.result.get("content")))
        for pool, found in (
            ("traces", values.get("trace_id")),
            ("tokens", told[1] if told else None),
            ("cursors", answer.result.get("nextCursor")),
            ("sessions", answer.headers.get("mcp-session-id")),
        ):
            if found and found not in self._held[pool]:
                self._held[pool].append(found)
        if answer.status == 404 and "no such session" in answer.text:
            self._handshake({})

    def _handshake(self, capabilities: dict[str, Any]) -> None:
        info = {"name": "fuzz", "version": "1"}
        params = {"protocolVersion": OLDER, "capabilities": capabilities, "clientInfo": info}
        answer = self._caller.send(Call(body=message("initialize", params), version=OLDER))
        session = answer.headers["mcp-session-id"]
        told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self._caller.send(Call(body=told, version=OLDER, session=session))
        self._held["sessions"].append(session)

    def _published(self) -> Published:
        ask = self._caller.ask
        templates = ask("resources/templates/list")["resourceTemplates"]
        return Published(
            tools=ask("tools/list")["tools"],
            prompts=ask("prompts/list")["prompts"],
            templates=[template["uriTemplate"] for template in templates],
            resources=[resource["uri"] for resource in ask("resources/list")["resources"]],
        )
