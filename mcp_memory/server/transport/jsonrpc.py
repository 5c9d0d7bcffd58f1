"""JSON-RPC messages, one a line, between a transport and the server."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

import anyio
import mcp_types as types
from mcp.server import Server
from mcp.server.runner import serve_dual_era_loop
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from pydantic import ValidationError

from mcp_memory.server.app import initialization
from mcp_memory.server.connection import Connection
from mcp_memory.system.framing import TOO_LONG, TooLong
from mcp_memory.system.json_limits import VALUES_MAX, holds_too_much

if TYPE_CHECKING:
    from starlette.requests import Request

log = logging.getLogger(__name__)

DRAIN_TIMEOUT_S = 10.0
"""How long after its end a connection waits for its last answers, unless told otherwise."""
_TOO_MUCH = (
    f"this message holds more than {VALUES_MAX} values, counted by the commas and brackets outside"
    " its texts; send less at once"
)
_STREAMS = frozenset({"subscriptions/listen"})
_CANCELLED = "notifications/cancelled"


class Unreadable(Exception):
    """A line that is no message; `answer` says so."""

    def __init__(self, request_id: Any, code: int, text: str) -> None:
        super().__init__(text)
        is_known = isinstance(request_id, (str, int)) and not isinstance(request_id, bool)
        known = request_id if is_known else None
        error = types.ErrorData(code=code, message=text)
        self.answer = types.JSONRPCError(jsonrpc="2.0", id=known, error=error)


class Transport(Protocol):
    """Where lines come from and go to."""

    @property
    def request(self) -> Request | None:
        """The HTTP request that brought the last line; None where there are none."""
        ...

    def lines(self) -> AsyncIterator[bytes]:
        """The lines of the client until it ends."""
        ...

    async def write(self, data: bytes) -> None:
        """Write a whole frame. Raises OSError when the client is gone."""
        ...

    def close(self) -> None:
        """Read no more: `lines` comes to its end."""
        ...


class JsonRpcConnection:
    """The messages of one connection, in UTF-8.

    At the end of the input, and when told to stop, requests under way are still
    answered. `ending` is set from then on, `flushed` once nothing more will be written.
    `on_first_answer` is called once, after the first answer was written.

    With a `mark` there is a proxy at the other end, and other processes come after this
    one: the server's own questions get ids that begin with it, so that the answer to a
    question of another process is never taken for one to a question of this one; and streams
    that are open when this process ends are not said to have ended, for the next goes on.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        mark: str = "",
        on_first_answer: Callable[[], None] = lambda: None,
    ) -> None:
        self._transport = transport
        self._mark = mark
        self._on_first_answer: Callable[[], None] | None = on_first_answer
        self._inbox, self.incoming = anyio.create_memory_object_stream[SessionMessage | Exception](
            0
        )
        self.outgoing, self._outbox = anyio.create_memory_object_stream[SessionMessage](0)
        self._replies = self.outgoing.clone()
        self._waiting: set[types.RequestId] = set()
        self._streams: set[types.RequestId] = set()
        self._settled = anyio.Event()
        self.ending = anyio.Event()
        self.flushed = anyio.Event()

    def stop(self) -> None:
        """Take no more requests; as if the client had closed its end."""
        self.ending.set()
        self._transport.close()

    async def receive(self) -> None:
        """Pass on what the client says until it ends, then wait for the answers."""
        async with self._inbox, self._replies:
            async for line in self._transport.lines():
                await self._take(line)
            self.ending.set()
            while self._waiting:
                self._settled = anyio.Event()
                await self._settled.wait()

    async def send(self) -> None:
        """Write every message; a client that is gone is no error."""
        try:
            async with self._outbox:
                async for item in self._outbox:
                    await self._write(item.message)
        except OSError as error:
            log.info("the client is gone: %s", error)
            self._waiting.clear()
            self._settled.set()
            self.stop()
        finally:
            self.flushed.set()

    async def _take(self, line: bytes) -> None:
        try:
            message = parse(line)
        except Unreadable as error:
            await self._replies.send(SessionMessage(error.answer))
            return
        if isinstance(message, types.JSONRPCRequest):
            (self._streams if message.method in _STREAMS else self._waiting).add(message.id)
        elif isinstance(message, types.JSONRPCNotification):
            self._cancel(message)
        elif self._mark:
            mark, question = str(message.id)[: len(self._mark)], str(message.id)[len(self._mark) :]
            if mark != self._mark or not question.isdecimal():
                log.info("an answer to a question that was not asked here is passed over")
                return
            message = message.model_copy(update={"id": int(question)})
        brought = self._transport.request
        metadata = ServerMessageMetadata(request_context=brought) if brought else None
        await self._inbox.send(SessionMessage(message, metadata=metadata))

    async def _write(self, message: types.JSONRPCMessage) -> None:
        is_answer = isinstance(message, (types.JSONRPCResponse, types.JSONRPCError))
        if is_answer and message.id in self._streams and self._mark and self.ending.is_set():
            return
        await self._transport.write(frame(self._marked(message)))
        if is_answer:
            self._settle(message.id)
            if self._on_first_answer is not None:
                self._on_first_answer()
                self._on_first_answer = None

    def _marked(self, message: types.JSONRPCMessage) -> types.JSONRPCMessage:
        """The message with the id of a question marked; see the class."""
        if not self._mark:
            return message
        if isinstance(message, types.JSONRPCRequest):
            return message.model_copy(update={"id": f"{self._mark}{message.id}"})
        if isinstance(message, types.JSONRPCNotification) and message.method == _CANCELLED:
            params = message.params or {}
            question = f"{self._mark}{params.get('requestId')}"
            return message.model_copy(update={"params": {**params, "requestId": question}})
        return message

    def _cancel(self, message: types.JSONRPCNotification) -> None:
        """A request that the client cancelled is never answered."""
        request_id = (message.params or {}).get("requestId")
        if message.method == _CANCELLED and isinstance(request_id, (str, int)):
            self._settle(request_id)

    def _settle(self, request_id: types.RequestId | None) -> None:
        if request_id is not None:
            self._waiting.discard(request_id)
            self._streams.discard(request_id)
        self._settled.set()


async def serve(
    server: Server[Connection],
    rpc: JsonRpcConnection,
    connection: Connection,
    *,
    leave: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """One connection, from its first request to its last answer.

    `leave` is begun when the input ends; when it does, the connection is left as it is.
    """
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rpc.receive)
        tasks.start_soon(rpc.send)
        tasks.start_soon(_leave_in_time, rpc, leave or _patience, tasks.cancel_scope)
        await serve_dual_era_loop(
            server,
            rpc.incoming,
            rpc.outgoing,
            lifespan_state=connection,
            init_options=initialization(server),
        )
        await rpc.flushed.wait()
        tasks.cancel_scope.cancel()


async def _leave_in_time(
    rpc: JsonRpcConnection, leave: Callable[[], Awaitable[None]], connection: anyio.CancelScope
) -> None:
    """End a connection whose client does not take its last answers."""
    await rpc.ending.wait()
    await leave()
    log.warning("a connection was left with answers that could not be given")
    connection.cancel()


async def _patience() -> None:
    await anyio.sleep(DRAIN_TIMEOUT_S)


def parse(line: bytes) -> types.JSONRPCMessage:
    """The message of a line. Raises Unreadable, also for more values than one may hold.

    The strict reader refuses what Python's takes: halves of surrogate pairs, deep nesting.
    Those requests go on, to be refused with a reason where the field has a name.
    """
    if isinstance(line, TooLong):
        code = types.PARSE_ERROR if line.request_id is None else types.INVALID_REQUEST
        raise Unreadable(line.request_id, code, TOO_LONG)
    if holds_too_much(line.decode("latin-1")):  # in which every sign of JSON is itself
        raise _too_much(line)
    try:
        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
        # A request whose id is no text or number looks like a notification.
        if not isinstance(message, types.JSONRPCNotification) or b'"id"' not in line:
            return message
    except ValidationError:
        pass
    request_id: Any = None
    try:
        found = json.loads(line)
        members = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
        request_id = members.get("id")
        message = types.jsonrpc_message_adapter.validate_python(found, by_name=False)
        if "id" not in members or not isinstance(message, types.JSONRPCNotification):
            return message
        text = "the id of a request must be a text or a whole number"
        raise Unreadable(None, types.INVALID_REQUEST, text)
    except ValidationError as error:
        text = "this is no JSON-RPC 2.0 message"
        raise Unreadable(request_id, types.INVALID_REQUEST, text) from error
    except (ValueError, RecursionError) as error:
        text = "this line is no JSON, or is nested too deep"
        raise Unreadable(None, types.PARSE_ERROR, text) from error


def _too_much(line: bytes) -> Unreadable:
    """What to say of a message that is not taken, by its id, so that nobody waits for an answer."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return Unreadable(None, types.PARSE_ERROR, _TOO_MUCH)
    members = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return Unreadable(members.get("id"), types.INVALID_REQUEST, _TOO_MUCH)


def frame(message: types.JSONRPCMessage) -> bytes:
    """One message as one line."""
    try:
        text = message.model_dump_json(by_alias=True, exclude_unset=True)
    except ValueError:  # half of a surrogate pair, echoed in an id
        text = json.dumps(message.model_dump(by_alias=True, exclude_unset=True))
    return text.encode() + b"\n"
