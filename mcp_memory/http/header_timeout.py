"""HTTP/1.1 as uvicorn speaks it, stricter, and with little patience for who says nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections import OrderedDict
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_TIMEOUT_S = 10.0
"""From the first byte of a request, or from the connection, to the end of its head."""
LINGER_S = 2.0
"""How long what a refused client still sends is read, so that it can read its answer."""
QUIET_EACH = 256
"""Connections of one address without a request in hand; a proxy keeps some to go on with."""
_V6_PREFIX = 64
"""What one subscriber has of IPv6 addresses."""
_HEAD_END = re.compile(rb"\n\r?\n")


class HeaderTimeoutProtocol(H11Protocol):
    """One connection. Who sends half a head, or nothing at all, does not keep it for ever."""

    _head_due: asyncio.TimerHandle | None = None
    _is_refused = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = self.config.h11_max_incomplete_event_size
        self.conn = StrictConnection(h11.SERVER, *([] if most is None else [most]))

    def connection_made(self, transport: asyncio.Transport) -> None:
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._expect_head()
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._have_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._is_refused:
            return
        super().data_received(data)
        if self._is_between:
            self._expect_head()
        else:
            self._have_head()

    def send_400_response(self, msg: str) -> None:
        """Refuse a head. The connection is not closed while the client may still be sending.

        A system resets a connection that is closed with bytes unread, and the client that is
        reset loses the answer (RFC 9112, 9.6).
        """
        self._is_refused = True
        body = msg.encode("ascii")
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")]
        headers.append(("Content-Length", str(len(body))))
        answer = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)

    def on_response_complete(self) -> None:
        """See uvicorn."""
        super().on_response_complete()
        if self._is_between and not self.transport.is_closing():
            self._rest()

    @property
    def _is_between(self) -> bool:
        """Whether no request is in hand."""
        return getattr(self.cycle, "response_complete", True)  # there is none at first

    def _rest(self) -> None:
        """Count it as quiet; where there are too many, the one that is so longest ends."""
        ended = QUIET.add(self._peer, self)
        if ended is not None:
            ended.transport.close()

    @property
    def _peer(self) -> str:
        return peer_of(self.client[0] if self.client else "")

    def _expect_head(self) -> None:
        if self._head_due is None:
            self._head_due = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _have_head(self) -> None:
        QUIET.remove(self._peer, self)
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _give_up(self) -> None:
        self._head_due = None
        if self._is_between and not self.transport.is_closing():
            self.transport.close()


class Quiet:
    """The connections of each address that have no request in hand, longest so first.

    Those of one address are bounded, so that who opens many and says nothing takes the
    places of nobody else.
    """

    def __init__(self, most: int = QUIET_EACH) -> None:
        self._most = most
        self._by_peer: dict[str, OrderedDict[HeaderTimeoutProtocol, None]] = {}

    def add(self, peer: str, connection: HeaderTimeoutProtocol) -> HeaderTimeoutProtocol | None:
        """Count one; another of its address that is to end, where they are too many."""
        of_peer = self._by_peer.setdefault(peer, OrderedDict())
        of_peer[connection] = None
        of_peer.move_to_end(connection)
        return of_peer.popitem(last=False)[0] if len(of_peer) > self._most else None

    def remove(self, peer: str, connection: HeaderTimeoutProtocol) -> None:
        """Count it no more."""
        of_peer = self._by_peer.get(peer)
        if of_peer is not None:
            of_peer.pop(connection, None)
            if not of_peer:
                del self._by_peer[peer]


QUIET = Quiet()
"""Of this process."""


def peer_of(address: str) -> str:
    """Who an address belongs to: itself, or of IPv6 the network of its subscriber."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, _V6_PREFIX), strict=False))
    return str(found)


class StrictConnection(h11.Connection):
    """Takes no head that two readers may read in two ways.

    h11 joins folded lines, and several lengths that are the same: whoever passed the request
    on may have read them otherwise (RFC 9112, 5.2 and 6.3).
    """

    def next_event(self) -> Any:
        """See h11. Raises RemoteProtocolError."""
        if self.their_state is h11.IDLE:
            data, _ = self.trailing_data
            end = _HEAD_END.search(data)
            if end is not None:
                _check_head(data[: end.start()])
        return super().next_event()


def _check_head(head: bytes) -> None:
    lengths = list[bytes]()
    for line in head.split(b"\n")[1:]:
        if line[:1] in (b" ", b"\t"):
            raise h11.RemoteProtocolError("a folded header line")
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            lengths.append(value.strip())
    if len(lengths) > 1 or not all(length.isdigit() for length in lengths):
        raise h11.RemoteProtocolError("not one length of the body")
