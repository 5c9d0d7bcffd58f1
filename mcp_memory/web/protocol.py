"""HTTP/1.1 as uvicorn speaks it, with little patience for a head that does not come."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_TIMEOUT_S = 10.0
"""From the first byte of a request, or from the connection, to the end of its head."""


class ImpatientProtocol(H11Protocol):
    """One connection. Who sends half a head, or nothing at all, does not keep it for ever."""

    _head_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._have_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        super().data_received(data)
        if self._is_between:
            self._expect_head()
        else:
            self._have_head()

    @property
    def _is_between(self) -> bool:
        """Whether no request is in hand."""
        return getattr(self.cycle, "response_complete", True)  # there is none at first

    def _expect_head(self) -> None:
        if self._head_due is None:
            self._head_due = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _have_head(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _give_up(self) -> None:
        self._head_due = None
        if self._is_between and not self.transport.is_closing():
            self.transport.close()
