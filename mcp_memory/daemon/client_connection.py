"""One connection to the daemon: who it is, and what it wants.

Nothing heavy is imported with this module: a proxy is answered while the daemon still starts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio

from mcp_memory import __version__
from mcp_memory.ipc import protocol
from mcp_memory.ipc.protocol import Hello
from mcp_memory.system.peer import is_stranger

if TYPE_CHECKING:
    import asyncio

    from mcp_memory.daemon.state import DaemonState

log = logging.getLogger(__name__)

HELLO_TIMEOUT_S = 30.0
SIGN_S = 2.0
"""How often a proxy is told that the daemon is still starting."""


class ClientConnection:
    """A proxy, from its greeting to its end."""

    def __init__(
        self, daemon: DaemonState, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.is_client = False
        self.is_at_work = False
        self.reader = reader
        self.writer = writer
        self._daemon = daemon
        self._stop: Callable[[], None] | None = None

    async def accept(self) -> Hello | None:
        """The greeting of a proxy that is to be served; any other is answered here.

        Raises OSError, EOFError, TimeoutError when the proxy is gone.
        """
        with anyio.fail_after(HELLO_TIMEOUT_S):
            hello = await self._hello()
        if hello is None:
            return None
        match hello.purpose:
            case protocol.SERVE | protocol.RUN:
                await self._ready()
                return await self._admitted(hello)
            case protocol.STOP:
                await self.answer(
                    protocol.WELCOME, self._daemon.web.url if self._daemon.web else ""
                )
                self._daemon.stop(protocol.STOPPED)
            case protocol.RETIRE | protocol.MAKE_WAY if self._daemon.web is not None:
                await self.refuse(
                    f"a daemon (version {__version__}) serves {self._daemon.web.url}; end it first,"
                    " or use it with a client of the same version"
                )
            case protocol.MAKE_WAY:
                await self.answer(protocol.WELCOME)
                self._daemon.stop(protocol.REPLACED)
            case protocol.RETIRE if protocol.is_older(__version__, hello.version):
                await self.answer(protocol.WELCOME)
                self._daemon.stop(protocol.REPLACED)
            case other:
                await self.refuse(f"this daemon does not know '{other}'")
        return None

    async def answer(self, verdict: str, text: str = "") -> None:
        """Say the verdict on the proxy's greeting."""
        shown = f"{self._daemon.listener.awaited} {text}".strip()
        self.writer.write(protocol.answer(verdict, shown))
        await self.writer.drain()

    async def refuse(self, reason: str) -> None:
        """Turn the proxy away with a reason."""
        log.warning("a proxy was refused: %s", reason)
        await self.answer(protocol.REFUSED, reason)

    def begin_client(self, stop: Callable[[], None]) -> None:
        """From here on it is a client, to be left by calling `stop`."""
        self.is_client, self._stop = True, stop
        self._daemon.met()

    def begin_work(self) -> None:
        """From here on it runs a command."""
        self.is_at_work = True
        self._daemon.busy()

    def leave(self) -> None:
        """Take no more requests; those under way are answered."""
        if self._stop is not None:
            self._stop()

    async def print(self, line: str) -> None:
        """A line of a command's output."""
        self.writer.write(line.replace("\n", " ").encode("utf-8", "replace") + b"\n")
        await self.writer.drain()

    async def _hello(self) -> Hello | None:
        """The greeting of a proxy that may come in."""
        try:
            head = await self.reader.readline()
            if not head:  # somebody only looked
                return None
            version, purpose, size = protocol.parse_head(head)
        except ValueError:
            await self.refuse("this is no proxy of mcp-memory")
            return None
        # Read whole before it is refused: a socket closed with something unread in it takes
        # the answer along.
        block = await self.reader.readexactly(size)
        hello = Hello(version, purpose, protocol.parse_pairs(block))
        if is_stranger(self.writer.get_extra_info("socket")):
            await self.refuse("this store belongs to another user of this machine")
        elif not self._daemon.listener.is_shown(hello.value("secret")):
            await self.refuse("the secret of this store was not shown")
        elif self._daemon.is_stopping:
            return None  # as if nobody were here: the proxy finds the next daemon
        else:
            return hello
        return None

    async def _ready(self) -> None:
        """Wait until the daemon can serve; the proxy hears meanwhile that it lives."""
        while not self._daemon.ready.is_set():
            await self.answer(protocol.STARTING)
            with anyio.move_on_after(SIGN_S):
                await self._daemon.ready.wait()

    async def _admitted(self, hello: Hello) -> Hello | None:
        if self._daemon.is_stopping:
            return None
        if hello.purpose == protocol.SERVE and self._daemon.is_full:
            await self.refuse("too many clients are connected; close one of them")
            return None
        return hello
