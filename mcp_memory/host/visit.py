"""One connection to the host: who it is, what it wants, and serving it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.from_thread
import anyio.to_thread

from mcp_memory import __version__
from mcp_memory import settings as configured
from mcp_memory.connection import Connection
from mcp_memory.environment import PREFIX
from mcp_memory.errors import SettingsInvalid
from mcp_memory.host import greeting
from mcp_memory.host.greeting import Hello
from mcp_memory.host.peer import is_stranger
from mcp_memory.lines import Lines
from mcp_memory.scope import local_signals
from mcp_memory.wire import Wire, serve

if TYPE_CHECKING:
    from mcp_memory.host.host import Host
    from mcp_memory.settings import Settings

log = logging.getLogger(__name__)

HELLO_TIMEOUT_S = 10.0
_CHUNK_BYTES = 64 * 1024
_SESSION = re.compile(r"c-[0-9a-f]{32}")
_OF_THE_HOST = ("model", "reranker", "session_days", "log_level", "idle_minutes")
"""Settings that count for the whole host: those of the door that started it are in force."""


class Visit:
    """A door, from its greeting to its end."""

    def __init__(
        self, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.is_client = False
        self.is_at_work = False
        self._host = host
        self._reader = reader
        self._writer = writer
        self._wire: Wire | None = None

    async def serve(self) -> None:
        """Do what the door came for. Raises OSError, EOFError, TimeoutError when it is gone."""
        with anyio.fail_after(HELLO_TIMEOUT_S):
            hello = await self._hello()
        if hello is None:
            return
        match hello.purpose:
            case greeting.SERVE:
                await self._serve(hello)
            case greeting.RUN:
                await self._run(hello)
            case greeting.STOP:
                await self._answer(greeting.WELCOME, self._host.web.url if self._host.web else "")
                self._host.stop(greeting.STOPPED)
            case greeting.RETIRE | greeting.MAKE_WAY if self._host.web is not None:
                await self._refuse(
                    f"a host (version {__version__}) serves {self._host.web.url}; end it first, or"
                    " use it with a client of the same version"
                )
            case greeting.MAKE_WAY:
                await self._answer(greeting.WELCOME)
                self._host.stop(greeting.REPLACED)
            case greeting.RETIRE if greeting.is_older(__version__, hello.version):
                await self._answer(greeting.WELCOME)
                self._host.stop(greeting.REPLACED)
            case other:
                await self._refuse(f"this host does not know '{other}'")

    async def _refuse(self, reason: str) -> None:
        """Turn the door away with a reason."""
        log.warning("a door was refused: %s", reason)
        await self._answer(greeting.REFUSED, reason)

    def leave(self) -> None:
        """Take no more requests; those under way are answered."""
        if self._wire is not None:
            self._wire.stop()

    async def _hello(self) -> Hello | None:
        """The greeting of a door that may come in."""
        try:
            head = await self._reader.readline()
            if not head:  # somebody only looked
                return None
            version, purpose, size = greeting.parse_head(head)
        except ValueError:
            await self._refuse("this is no door of mcp-memory")
            return None
        # Read whole before it is refused: a socket closed with something unread in it takes
        # the answer along.
        block = await self._reader.readexactly(size)
        hello = Hello(version, purpose, greeting.parse_pairs(block))
        if is_stranger(self._writer.get_extra_info("socket")):
            await self._refuse("this store belongs to another user of this machine")
        elif not self._host.listener.is_shown(hello.value("secret")):
            await self._refuse("the secret of this store was not shown")
        elif self._host.is_full and purpose == greeting.SERVE:
            await self._refuse("too many clients are connected; close one of them")
        elif self._host.is_stopping:
            return None  # as if nobody were here: the door finds the next host
        else:
            return hello
        return None

    async def _answer(self, verdict: str, text: str = "") -> None:
        shown = f"{self._host.listener.awaited} {text}".strip()
        self._writer.write(greeting.answer(verdict, shown))
        await self._writer.drain()

    def _settings(self, hello: Hello) -> Settings:
        """How the door is configured. Raises SettingsInvalid."""
        given = hello.value("cwd")
        working_dir = Path(given) if given else self._host.settings.home
        environ = hello.values("environ.")
        return configured.load(environ, home=self._host.settings.home, working_dir=working_dir)

    async def _serve(self, hello: Hello) -> None:
        try:
            settings = self._settings(hello)
        except SettingsInvalid as error:
            await self._refuse(str(error))
            return
        name = hello.value("session")
        connection = Connection(signals=local_signals(settings, "socket"))
        if _SESSION.fullmatch(name):
            connection.id = name
        transport = Streams(self._reader, self._writer)
        self._wire = Wire(transport, mark=self._host.mark)
        self.is_client = True
        self._host.met()
        told = (self._differences(hello, settings), *(doubt.text for doubt in settings.doubts))
        await self._answer(greeting.WELCOME, "; ".join(filter(None, told)))
        async with self._host.subscriptions.connected(connection):
            await serve(self._host.server, self._wire, connection)
        if self._host.goodbye:
            await transport.write(greeting.answer(greeting.GOODBYE, self._host.goodbye))

    def _differences(self, hello: Hello, settings: Settings) -> str:
        """What the door is configured with that does not count here, in words."""
        ours, asked = self._host.settings, hello.values("environ." + PREFIX)
        names = [
            name
            for name in _OF_THE_HOST
            if asked.get(name.upper()) and getattr(settings, name) != getattr(ours, name)
        ]
        if not names:
            return ""
        told = ", ".join(
            f"{n} is '{getattr(ours, n)}' there, not '{getattr(settings, n)}'" for n in names
        )
        log.warning("a door is configured otherwise than this host: %s", told)
        return (
            f"the host runs with other settings: {told}; put them into config.toml in the"
            " store's folder, and run: mcp-memory host stop"
        )

    async def _run(self, hello: Hello) -> None:
        """Run a command of the command line here, line by line to the door."""
        from mcp_memory import commands

        try:
            settings = self._settings(hello)
        except SettingsInvalid as error:
            await self._refuse(str(error))
            return
        lines = commands.of_host(self._host, settings, hello)
        self.is_at_work = True
        self._host.busy()
        await self._answer(greeting.WELCOME)

        def work() -> None:
            for line in lines:
                anyio.from_thread.run(self._print, line)

        await anyio.to_thread.run_sync(work)

    async def _print(self, line: str) -> None:
        self._writer.write(line.replace("\n", " ").encode("utf-8", "replace") + b"\n")
        await self._writer.drain()


class Streams:
    """A connection of asyncio's as a transport; see `wire.Transport`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._reading = anyio.CancelScope()
        self._is_closed = False
        self.request = None

    async def lines(self) -> AsyncIterator[bytes]:
        """See `Transport.lines`."""
        lines = Lines()
        while not self._is_closed:
            chunk = b""
            with anyio.CancelScope() as self._reading:
                chunk = await self._reader.read(_CHUNK_BYTES)
            if not chunk:
                return
            for line in lines.feed(chunk):
                yield line

    async def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        """See `Transport.close`."""
        self._is_closed = True
        self._reading.cancel()
