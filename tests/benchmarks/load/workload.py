"""What one client of the load asks, the same over each transport, and whether it is right."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from itertools import count, cycle, islice
from typing import Any

from tests.benchmarks.load.clients import Caller, Json
from tests.benchmarks.local.stdio import WrongAnswer
from tests.benchmarks.measuring import NEW
from tests.benchmarks.texts import question, statement

REMEMBER, RECALL, UPDATE = "remember", "recall", "update"
READ, CONTEXT = "read a memory", "read the context"
TURN = (REMEMBER, RECALL, READ, RECALL, UPDATE, RECALL, CONTEXT, RECALL, RECALL, RECALL)
"""What is called, over and over; each client begins at another place."""
_STATEMENTS_EACH = 10_000
_STORED = re.compile(r"\w+ ([0-9a-f]{8}) ")
_RECALLED = re.compile(r"^- |^nothing relevant", re.MULTILINE)
_SIGNATURE = re.compile(r"(\w+) noted: ")


class Work:
    """The calls of one user, one after the other, through whichever transport.

    Every text it stores begins with the user's name, and no answer may have another's.
    """

    def __init__(self, user: str, number: int) -> None:
        self._user = user
        self._verbs = islice(cycle(TURN), number % len(TURN), None)
        self._numbers = count(NEW + number * _STATEMENTS_EACH)
        self._is_fresh = False
        self._id = self._text = ""

    async def begin(self, caller: Caller) -> None:
        """Store what is read and updated until the first remember. Raises WrongAnswer."""
        await self._remember(caller)

    async def call(self, caller: Caller) -> tuple[str, float]:
        """Make the next call; which one, and the seconds it took. Raises WrongAnswer."""
        verb = next(self._verbs)
        match verb:
            case "remember":
                took = await self._remember(caller)
            case "update":
                took = await self._update(caller)
            case "recall":
                took = await self._recall(caller)
            case "read a memory":
                took = await self._read(caller, f"memory://memories/{self._id}", self._text)
            case _:
                took = await self._read(caller, "memory://context", "")
        return verb, took

    async def _remember(self, caller: Caller) -> float:
        text = self._written()
        answer, took = await self._tool(
            caller, "remember", memories=[{"content": text, "scope": "project"}]
        )
        told = _STORED.match(answer)
        self._expect(told is not None, "remember", {"text": answer})
        self._id, self._text = told[1] if told else "", text
        self._is_fresh = True
        return took

    async def _update(self, caller: Caller) -> float:
        text = self._written()
        answer, took = await self._tool(caller, "update", id=self._id, content=text)
        self._expect(answer.startswith(f"updated {self._id} "), "update", {"text": answer})
        self._text = text
        return took

    async def _recall(self, caller: Caller) -> float:
        """Ask for what was just remembered by its own words, else for anything."""
        is_fresh, self._is_fresh = self._is_fresh, False
        query = self._text if is_fresh else question(next(self._numbers))
        answer, took = await self._tool(caller, "recall", query=query)
        is_right = self._id in answer if is_fresh else bool(_RECALLED.search(answer))
        self._expect(is_right, "recall", {"text": answer})
        return took

    async def _read(self, caller: Caller, uri: str, expected: str) -> float:
        answer, took = await self._asked(caller, "resources/read", {"uri": uri})
        self._expect(expected in answer["contents"][0]["text"], uri, answer)
        return took

    async def _tool(self, caller: Caller, name: str, **arguments: Any) -> tuple[str, float]:
        """The text that a model is given."""
        params = {"name": name, "arguments": arguments}
        answer, took = await self._asked(caller, "tools/call", params)
        self._expect(not answer.get("isError"), name, answer)
        return str(answer["content"][0]["text"]), took

    async def _asked(self, caller: Caller, method: str, params: Json) -> tuple[Json, float]:
        began = time.perf_counter()
        answer = await caller.ask(method, params)
        took = time.perf_counter() - began
        others = set(_SIGNATURE.findall(json.dumps(answer))) - {self._user}
        self._expect(not others, method, answer)
        return answer, took

    def _expect(self, is_right: bool, what: str, answer: Mapping[str, Any]) -> None:
        if not is_right:
            raise WrongAnswer(f"{what} of {self._user} was answered: {json.dumps(answer)[:500]}")

    def _written(self) -> str:
        number = next(self._numbers)
        return f"{self._user} noted: {statement(number, number)}"
