"""One kept-open connection to the transport, on which a message is sent and its answer read."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from tests.support.watchdog import WAIT_S

Message = dict[str, Any]

HANG_S = WAIT_S
"""After so long without a byte no answer is expected any more."""
IDLE_S = 10.0
"""After so long a connection is made anew: the server does not keep it for ever."""
_EVENTS = "text/event-stream"
_OF_MESSAGES = (_EVENTS, "application/json")
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back: `messages` are all that is JSON or an event, in order."""

    status: int
    headers: Mapping[str, str]
    text: str
    messages: list[Message]
    seconds: float

    @property
    def last(self) -> Message:
        """The message that answers; empty where there is none."""
        return self.messages[-1] if self.messages else {}

    @property
    def result(self) -> dict[str, Any]:
        """The result, empty for an error."""
        return self.last.get("result", {})


class Line:
    """A connection for one caller. Not for several threads."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._path = parts.path
        self._http = http.client.HTTPConnection(parts.hostname, parts.port, timeout=HANG_S)
        self._used = 0.0

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def send(
        self, content: bytes, headers: Mapping[str, str], asked: Callable[[Message], None]
    ) -> Answer:
        """Post a body and read the answer, of a stream without an end only what begins it.

        `asked` is given what the server asks in the middle of it. Raises OSError where no
        answer comes, ValueError where it is no JSON.
        """
        if time.perf_counter() - self._used > IDLE_S:
            self.close()
        began = time.perf_counter()
        try:
            # A server that refuses a long header or body may answer and hang up before it has
            # read all of it (RFC 9112, 9.5): what counts is that the answer is there.
            with suppress(BrokenPipeError, ConnectionResetError):
                self._http.request("POST", self._path, content, dict(headers))
            response = self._http.getresponse()
            kind = response.headers.get_content_type()
            if kind == _EVENTS:
                texts = list(self._events(response, asked))
            else:
                texts = [response.read().decode()]
        except (http.client.HTTPException, OSError, ValueError) as error:
            self.close()  # what is left of this answer must not be taken for the next
            if isinstance(error, http.client.HTTPException):
                raise ConnectionError(repr(error)) from error
            raise
        finally:
            self._used = time.perf_counter()
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.headers.items()},
            text="\n".join(texts),
            messages=[_message(text) for text in texts if text and kind in _OF_MESSAGES],
            seconds=self._used - began,
        )

    def _events(
        self, response: http.client.HTTPResponse, asked: Callable[[Message], None]
    ) -> Iterator[str]:
        while line := response.readline():
            if not line.startswith(b"data:"):
                continue
            text = line.removeprefix(b"data:").strip().decode()
            if not text:
                continue
            yield text
            message = _message(text)
            if message.get("method") == ACKNOWLEDGED:
                self.close()
                return
            if "id" in message and "method" in message:
                asked(message)


def _message(text: str) -> Message:
    """One JSON object. Raises ValueError for anything else, NaN included."""

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    message: Any = json.loads(text, parse_constant=refuse)
    if not isinstance(message, dict):
        raise ValueError("a message is an object")
    return cast("Message", message)
