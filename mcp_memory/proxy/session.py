"""What a client and its daemon have said to each other that a next daemon must be told again.

The daemon may end under a client: then another one is told of the handshake (of the older
protocol era), of the subscriptions, and of every request that was not answered. Those can
be repeated, for a memory remembered twice is stored once, and what the other verbs do is
the same when done again, or refused with a clear error.
"""

from __future__ import annotations

import json
import time

from mcp_memory.proxy.renewals import Renewals
from mcp_memory.proxy.snapshot import Snapshot, is_list, is_object, version_of
from mcp_memory.system.framing import TOO_LONG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from mcp_memory.system.framing import TooLong

    Message = dict[str, Any]

WAITING_MAX = 1_000
TRIES_MAX, TRIED_S_MAX = 3, 60.0
"""When a request is given up: one that ends every daemon is not tried for ever."""
FAILED, _INVALID = -32000, -32602
_INVALID_REQUEST, _PARSE_ERROR = -32600, -32700
_HELD, _HELD_MAX = 0.001, 0.1
"""What a notice of waiting counts as progress, and how much they may be: a step counts 1."""
_WANTS_LIST = "resourcesListChanged"
_OWN_ID = "mcp-memory-proxy-"
_LISTEN = "subscriptions/listen"
_SUBSCRIBE, _UNSUBSCRIBE = "resources/subscribe", "resources/unsubscribe"
_UPDATED, _LIST_CHANGED = "notifications/resources/updated", "notifications/resources/list_changed"
_SUBSCRIPTION_ID = "io.modelcontextprotocol/subscriptionId"


class PendingRequest:
    """A request of the client that is not answered yet."""

    def __init__(self, message: Message, line: bytes) -> None:
        params = _member(message, "params")
        self.line = line
        self.method: str = message["method"]
        self.id = message["id"]
        self.params = params
        self.token = _member(params, "_meta").get("progressToken")
        self.progress: float = -1.0
        self.acknowledged = False
        self._sent = 0
        self._since = 0.0

    def note_sent(self) -> None:
        """It is sent to a daemon, once more."""
        self._since = self._since or time.monotonic()
        self._sent += 1

    def notices(self) -> list[bytes]:
        """One notice of each thing that a stream of notices asks for."""
        wanted = _member(self.params, "notifications")
        uris = wanted.get("resourceSubscriptions")
        meta = {_SUBSCRIPTION_ID: self.id}
        lines = [_notice(_UPDATED, uri=uri, _meta=meta) for uri in (uris if is_list(uris) else ())]
        return [*lines, _notice(_LIST_CHANGED, _meta=meta)] if wanted.get(_WANTS_LIST) else lines

    @property
    def is_doomed(self) -> bool:
        """Whether daemons have ended with it so often, and for so long, that it may be why.

        A stream of notices that has begun outlives any number of them.
        """
        if self.acknowledged or self._sent < TRIES_MAX:
            return False
        return time.monotonic() - self._since > TRIED_S_MAX


class Session:
    """One client's connection, whichever daemon serves it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._asked: dict[Any, PendingRequest] = {}
        self._questions: set[Any] = set()
        self._initialize: Message | None = None
        self._initialized = b""
        self._version = ""
        self._subscribed: dict[str, None] = {}
        self._unclear: list[bytes] = []
        self._own: dict[str, str] = {}
        self._missed: list[bytes] = []
        self._own_count = 0
        self._renewals = Renewals()

    @property
    def is_waiting(self) -> bool:
        """Whether the client waits for an answer; a stream of notices does not count."""
        return any(asked.method != _LISTEN for asked in self._asked.values())

    @property
    def is_crowded(self) -> bool:
        """Whether so much waits for a daemon that the client should wait with more."""
        return len(self._asked) + len(self._unclear) >= WAITING_MAX

    @property
    def is_asking(self) -> bool:
        """Whether the client wants anything of a daemon: an answer, or notices."""
        return bool(self._asked or self._subscribed)

    # --- while there is a daemon ----------------------------------------------------------

    def note_client(self, line: bytes) -> None:
        """Take in what the client says to the daemon, sent already."""
        message = _parsed(line)
        if message is not None:
            asked = self._note_client(message, line)
            if asked is not None:
                asked.note_sent()

    def note_daemon(self, line: bytes) -> bool:
        """Take in what the daemon says; whether it is for the client."""
        message = _parsed(line)
        if message is None:
            return True
        if "method" not in message:
            return self._answered(message)
        if "id" in message:
            self._questions.add(_hashable(message["id"]))
            return True
        return self._noticed(str(message["method"]), _member(message, "params"))

    def missed(self) -> list[bytes]:
        """Notices of what the client watches, once another daemon watches it.

        What changed between two daemons was told to nobody; one notice too many does no harm.
        """
        lines, self._missed = self._missed, []
        return lines

    @property
    def renews_in_s(self) -> float | None:
        """How long until there is something to renew; None where there is nothing."""
        return self._renewals.wait_s

    def renew(self) -> list[bytes]:
        """What the daemon is asked again, for it could not watch it before."""
        lines: list[bytes] = []
        for method, watched in self._renewals.due():
            if method == _SUBSCRIBE and watched in self._subscribed:
                lines.append(self._request(_SUBSCRIBE, {"uri": watched}, watched))
            elif method == _LISTEN and watched in self._asked:
                lines.append(self._asked[watched].line)
        return lines

    # --- while there is none ------------------------------------------------------------

    def lost(self) -> list[bytes]:
        """The daemon is gone. What the client is told: that its questions need no answer
        any more, and that what has ended several daemons is not tried again.
        """
        lines = [_notice("notifications/cancelled", requestId=i) for i in self._questions]
        self._questions.clear()
        self._own.clear()
        self._renewals.clear()
        reason = "the daemon ended again and again while it was at this; run: mcp-memory doctor"
        doomed = [i for i, asked in self._asked.items() if asked.is_doomed]
        return [*lines, *self._fail(doomed, reason)]

    def take_offline(self, line: bytes) -> bytes | None:
        """Take in what the client says; the answer, if none but the installed version is needed."""
        message = _parsed(line)
        if message is None:
            self._unclear.append(line)
            return None
        self._note_client(message, line)
        is_request = "id" in message and isinstance(message.get("method"), str)
        answer = self._snapshot.answer(message, self._version) if is_request else None
        if answer is None:
            return None
        reply = _line({"jsonrpc": "2.0", "id": message["id"], "result": answer})
        self._answered({"id": message["id"], "result": answer})
        return reply

    def refuse(self, line: TooLong) -> bytes:
        """The answer to a line that no daemon is shown."""
        code = _PARSE_ERROR if line.request_id is None else _INVALID_REQUEST
        error = {"code": code, "message": TOO_LONG}
        return _line({"jsonrpc": "2.0", "id": line.request_id, "error": error})

    def hold_on(self, reason: str) -> list[bytes]:
        """Notices of progress for what waits for a daemon, so that nobody thinks it lost."""
        lines: list[bytes] = []
        for asked in self._asked.values():
            if asked.token is not None and asked.progress < _HELD_MAX:
                asked.progress = max(0.0, asked.progress) + _HELD
                params = {"progressToken": asked.token, "progress": asked.progress}
                lines.append(_notice("notifications/progress", **params, message=reason))
        return lines

    def give_up(self, reason: str) -> list[bytes]:
        """The answers to everything that was asked, when no daemon can be had.

        A stream of notices that had begun goes on with whatever daemon comes.
        """
        return self._fail([i for i, asked in self._asked.items() if not asked.acknowledged], reason)

    def replay(self) -> list[bytes]:
        """What a new daemon is told before anything else."""
        lines: list[bytes] = []
        if self._initialize is not None and self._version:
            params = {**_member(self._initialize, "params"), "protocolVersion": self._version}
            lines.append(self._request("initialize", params))
            lines += [self._initialized] if self._initialized else []
        lines += [self._request(_SUBSCRIBE, {"uri": uri}, uri) for uri in self._subscribed]
        for asked in self._asked.values():
            asked.note_sent()
            lines.append(asked.line)
        unclear, self._unclear = self._unclear, []
        return [*lines, *unclear]

    # --- both -----------------------------------------------------------------------------

    def _note_client(self, message: Message, line: bytes) -> PendingRequest | None:
        """What the client asks, if the message is a request."""
        method = message.get("method")
        if not isinstance(method, str):
            self._questions.discard(_hashable(message.get("id")))
        elif "id" in message:
            if method == "initialize":
                self._initialize = message
            if _hashable(message["id"]) is None:
                return None  # no id that can be answered; the daemon says so
            return self._asked.setdefault(message["id"], PendingRequest(message, line))
        elif method == "notifications/initialized":
            self._initialized = line
        elif method == "notifications/cancelled":
            self._asked.pop(_hashable(_member(message, "params").get("requestId")), None)
        return None

    def _answered(self, message: Message) -> bool:
        request_id = _hashable(message.get("id"))
        if request_id in self._own:
            self._renewed(self._own.pop(request_id), message)
            return False
        asked = self._asked.pop(request_id, None)
        stream = (_LISTEN, request_id)
        if asked is not None and asked.acknowledged and self._is_put_off(stream, message):
            self._asked[request_id] = asked
            return False
        if asked is not None and "result" in message:
            uri = asked.params.get("uri")
            if asked.method == "initialize":
                self._version = version_of(message["result"])
            elif asked.method == _SUBSCRIBE and isinstance(uri, str):
                self._subscribed[uri] = None
            elif asked.method == _UNSUBSCRIBE:
                self._subscribed.pop(_hashable(uri), None)
        return True

    def _renewed(self, uri: str, message: Message) -> None:
        """The daemon watches a resource for the client again, or says why not.

        Where it never will, the client is told of a change too: reading says what it is.
        """
        if uri not in self._subscribed or self._is_put_off((_SUBSCRIBE, uri), message):
            return
        self._renewals.end((_SUBSCRIBE, uri))
        if "error" in message:
            del self._subscribed[uri]
        self._missed += [_notice(_UPDATED, uri=uri), _notice(_LIST_CHANGED)]

    def _is_put_off(self, key: tuple[str, Any], message: Message) -> bool:
        """Whether the daemon could not watch that now, and is to be asked again later."""
        code = _member(message, "error").get("code")
        return code not in (None, _INVALID) and self._renewals.refused(key)

    def _noticed(self, method: str, params: Message) -> bool:
        if method == "notifications/cancelled":
            self._questions.discard(_hashable(params.get("requestId")))
        elif method == "notifications/subscriptions/acknowledged":
            asked = self._asked.get(_hashable(_member(params, "_meta").get(_SUBSCRIPTION_ID)))
            if asked is not None:
                self._renewals.end((_LISTEN, asked.id))
                repeated, asked.acknowledged = asked.acknowledged, True
                self._missed += asked.notices() if repeated else []
                return not repeated
        elif method == "notifications/progress":
            return self._has_grown(params)
        return True

    def _has_grown(self, params: Message) -> bool:
        """Whether this is progress; a request sent again begins anew, and that is not told."""
        token, progress = params.get("progressToken"), params.get("progress")
        for asked in self._asked.values():
            if asked.token == token and token is not None and isinstance(progress, (int, float)):
                has_grown = progress > asked.progress
                asked.progress = max(asked.progress, progress)
                return has_grown
        return True

    def _fail(self, ids: Sequence[Any], reason: str) -> list[bytes]:
        error = {"code": FAILED, "message": f"mcp-memory: {reason}"}
        for i in ids:
            del self._asked[i]
        return [_line({"jsonrpc": "2.0", "id": i, "error": error}) for i in ids]

    def _request(self, method: str, params: Message, watched: str = "") -> bytes:
        self._own_count += 1
        request_id = f"{_OWN_ID}{self._own_count}"
        self._own[request_id] = watched
        return _line({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})


def _parsed(line: bytes) -> Message | None:
    """The message of a line; None for what is none, which the daemon will say."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if is_object(found) else None


def _member(message: Message, name: str) -> Message:
    found = message.get(name)
    return found if is_object(found) else {}


def _hashable(value: Any) -> Any:
    return value if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def _notice(method: str, **params: Any) -> bytes:
    return _line({"jsonrpc": "2.0", "method": method, "params": params})


def _line(message: Message) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
