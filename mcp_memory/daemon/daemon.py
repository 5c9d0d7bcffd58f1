"""The process that owns a store, from the lock it takes first to the lock it lets go last."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from mcp_memory import __version__
from mcp_memory.config import logging as logs
from mcp_memory.daemon.client_connection import ClientConnection
from mcp_memory.errors import StoreError
from mcp_memory.ipc import client, protocol
from mcp_memory.ipc.address import Address
from mcp_memory.ipc.listener import Listener
from mcp_memory.ipc.liveness import LIMIT_S, Unanswered
from mcp_memory.runtime import Application, check_home
from mcp_memory.server.scheduler import RequestScheduler
from mcp_memory.system.file_lock import FileLock

if TYPE_CHECKING:
    from mcp.server import Server

    from mcp_memory.config.settings import Settings
    from mcp_memory.http.endpoint import Endpoint
    from mcp_memory.http.server import HttpServer
    from mcp_memory.server.connection import Connection
    from mcp_memory.server.middleware import RequestOutcome
    from mcp_memory.server.subscriptions import Subscriptions

log = logging.getLogger(__name__)

TAKEN = 3
"""The exit code when another daemon is there."""
CLIENTS_MAX = 256
FILES_MIN = 4096
"""Open files the daemon asks for: each client is one, and macOS grants 256 at first."""
LOCK_TRIES, LOCK_RETRY_S = 10, 0.02
LOCK_PATIENCE_S = 20.0
LEAVE_TIMEOUT_S = 12.0
WATCH_S = 2.0
"""How often the daemon looks whether its folder is still there."""
PRELOAD_AFTER_S, PRELOAD_PAUSE_S = 2.0, 0.1
KEY_BYTES = 32
LOG_BYTES_MAX = 1024 * 1024


Ready = Callable[[str], None]
"""Called once the daemon serves, with what to tell whoever started it."""


def run(settings: Settings, *, http: str = "", ready: Ready = lambda told: None) -> int:
    """Serve every proxy to the store until told to stop or long without a client.

    With `http`, where to listen for it as `HOST:PORT`, a daemon that is there already makes
    way, and this one goes on without clients. Returns the exit code: 3 when there is
    another daemon. Raises OSError where the folder of the daemon cannot be used, and
    SettingsInvalid where HTTP cannot be served.
    """
    address = Address(str(settings.home))
    check_home(settings.home)
    address.make_folder()
    with ExitStack() as last:
        endpoint = _endpoint(settings, http) if http else None
        if endpoint is not None:
            last.callback(endpoint.socket.close)
        lock = _taken_over(address) if http else _lock(address)
        if lock is None:
            return TAKEN
        last.callback(lock.release)
        _raise_file_limit()
        _log_to(address, settings.log_level)
        application = Application(settings, patience_s=LOCK_PATIENCE_S)
        last.callback(application.close)
        listener = Listener(address)
        last.callback(listener.socket.close)
        anyio.run(_serve, Daemon(settings, application, listener, lock), endpoint, ready)
    log.info("the daemon has ended in order")
    return 0


def _endpoint(settings: Settings, http: str) -> Endpoint:
    from mcp_memory.http.endpoint import Endpoint

    return Endpoint.of(settings, http)


async def _serve(daemon: Daemon, endpoint: Endpoint | None, ready: Ready) -> None:
    async with daemon.open():
        if endpoint is None:
            await daemon.serve()
            return
        daemon.web = http_server(daemon, endpoint)
        async with daemon.web.open():
            ready(daemon.web.greeting)
            await daemon.serve()


def http_server(daemon: Daemon, endpoint: Endpoint) -> HttpServer:
    """The HTTP server of a daemon that is open."""
    from mcp_memory.http.server import HttpServer, ServerParts

    return HttpServer(
        ServerParts(
            settings=daemon.settings,
            server=daemon.server,
            subscriptions=daemon.subscriptions,
            scheduler=daemon.scheduler,
            application=daemon.application,
            clients=lambda: daemon.clients,
        ),
        endpoint,
    )


def _taken_over(address: Address) -> FileLock | None:
    """The daemon's lock, once a daemon that serves no HTTP has made way. Raises StoreError."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        with suppress(FileExistsError):
            return FileLock(address.lock, str(os.getpid()))
        try:
            client.ask(address, protocol.MAKE_WAY)
        except (client.Refused, Unanswered) as error:
            raise StoreError(str(error)) from error
        time.sleep(LOCK_RETRY_S / 4)
    return None


def _lock(address: Address) -> FileLock | None:
    """The daemon's lock; a proxy that looks whether it is held may hold it for a moment."""
    for _ in range(LOCK_TRIES):
        with suppress(FileExistsError):
            return FileLock(address.lock, str(os.getpid()))
        time.sleep(LOCK_RETRY_S)
    return None


def _log_to(address: Address, level: str) -> None:
    """Log into the daemon's file, and to stderr too where that is another one."""
    file = RotatingFileHandler(address.log, maxBytes=LOG_BYTES_MAX, backupCount=1, encoding="utf-8")
    os.chmod(address.log, 0o600)
    handlers: list[logging.Handler] = [file]
    with suppress(OSError):
        if not os.path.samestat(os.fstat(2), os.stat(address.log)):
            handlers.append(logging.StreamHandler(sys.stderr))
    logs.configure(level, handlers)


def _raise_file_limit() -> None:
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MIN if hard == resource.RLIM_INFINITY else min(FILES_MIN, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _key(settings: Settings) -> bytes:
    """The key that seals open questions, so that the next daemon takes their answers too."""
    file = Path(Address(str(settings.home)).folder) / "key"
    with suppress(OSError):
        found = file.read_bytes()
        if len(found) == KEY_BYTES:
            return found
    made = secrets.token_bytes(KEY_BYTES)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as new:
        new.write(made)
    return made


def _load() -> None:
    """Import what proxies are served with, which takes a second: in a thread, for the first ones
    are answered meanwhile."""
    from mcp_memory.daemon import dispatch as dispatch


class Daemon:
    """Every connection to one store. Lives on the event loop."""

    server: Server[Connection]
    subscriptions: Subscriptions

    def __init__(
        self, settings: Settings, application: Application, listener: Listener, lock: FileLock
    ) -> None:
        self.settings = settings
        self.application = application
        self.listener = listener
        self._lock = lock
        self.scheduler = RequestScheduler()
        self.web: HttpServer | None = None
        self.mark = f"{secrets.token_hex(4)}-"
        self.since = time.time()
        self.goodbye = ""
        self.ready = asyncio.Event()
        self._connections: set[ClientConnection] = set()
        self._served = 0
        self._idle: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self._left = asyncio.Event()

    @property
    def clients(self) -> int:
        """How many clients are served at the moment."""
        return sum(connection.is_client for connection in self._connections)

    @property
    def is_full(self) -> bool:
        """Whether there are as many clients as can be."""
        return self.clients >= CLIENTS_MAX

    @property
    def is_stopping(self) -> bool:
        """Whether nobody is let in any more."""
        return self._stopping.is_set()

    @property
    def served(self) -> int:
        """How many clients there were since the start."""
        return self._served

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Let proxies in, and load what they need; until then they hear that it starts."""
        self._catch_signals()
        server = await asyncio.start_server(self._connected, sock=self.listener.socket)
        try:
            self.application.start()
            await anyio.to_thread.run_sync(_load)
            self._build()
            yield
        finally:
            server.close()

    def _build(self) -> None:
        from mcp_memory.server.app import build
        from mcp_memory.server.middleware import of_connection
        from mcp_memory.server.subscriptions import Subscriptions

        self.subscriptions = Subscriptions()
        self.server = build(
            self.application,
            of_connection,
            self.subscriptions,
            key=_key(self.settings),
            scheduler=self.scheduler,
            observe=self._observe,
        )

    async def serve(self) -> None:
        """Serve until told to stop, then answer what was asked, and say goodbye."""
        self.ready.set()
        self._wait_for_clients()
        log.info("daemon %s of %s is ready", __version__, self.settings.home)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._preload)
            await self._stopped()
            tasks.cancel_scope.cancel()
        await self._leave()

    async def _preload(self) -> None:
        """Load the rest behind the first calls, a step at a time, while nobody asks anything."""
        from mcp_memory.daemon import preload

        await anyio.sleep(PRELOAD_AFTER_S)
        for step in preload.steps():
            while self.scheduler.reads or self.scheduler.writes:
                await anyio.sleep(PRELOAD_PAUSE_S)
            try:
                await anyio.to_thread.run_sync(step)
            except Exception:  # what cannot be loaded is told by the call that needs it
                log.exception("something could not be loaded ahead")
        log.info("all that a call can need is loaded")

    async def _stopped(self) -> None:
        while not self._stopping.is_set():
            with anyio.move_on_after(WATCH_S):
                await self._stopping.wait()
            if not self._lock.is_there():
                log.error("the folder %s was removed; this daemon ends", self.settings.home)
                self.stop(protocol.STOPPED)

    async def _leave(self) -> None:
        if self._lock.is_there():  # else what lies there is another daemon's
            self.listener.forget()  # who comes now finds nobody, and waits for the lock
        for connection in sorted(
            self._connections, key=lambda connection: not connection.is_at_work
        ):
            connection.leave()
        with anyio.move_on_after(LEAVE_TIMEOUT_S) as waited:
            while self._connections:
                self._left.clear()
                await self._left.wait()
        if waited.cancelled_caught:
            log.warning("%d connections did not end in time", len(self._connections))

    def stop(self, goodbye: str) -> None:
        """Begin to end; `goodbye` is what the proxies are told (STOPPED or REPLACED)."""
        self.goodbye = self.goodbye or goodbye
        self._stopping.set()
        if self.web is not None:
            self.web.close()

    def _observe(self, seen: RequestOutcome) -> None:
        if self.web is not None:
            self.web.metrics.count(seen)

    def met(self) -> None:
        """A client has come."""
        self._served += 1
        self.busy()

    def busy(self) -> None:
        """Somebody is served: it is not idle."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = ClientConnection(self, reader, writer)
        self._connections.add(connection)
        try:
            hello = await connection.accept()
            if hello is not None:
                from mcp_memory.daemon import dispatch

                await dispatch.dispatch(connection, self, hello)
        except (OSError, EOFError, TimeoutError) as error:
            log.info("a proxy went away: %r", error)
        except Exception:  # the root of a connection: the others must not suffer
            log.exception("a connection failed")
        finally:
            self._connections.discard(connection)
            self._left.set()
            writer.close()
            if not any(other.is_client or other.is_at_work for other in self._connections):
                self._wait_for_clients()

    def _wait_for_clients(self) -> None:
        """End after the idle time, unless a client comes."""
        if self._idle is None and self.web is None:
            seconds = self.settings.idle_minutes * 60
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(seconds, self.stop, protocol.STOPPED)

    def _catch_signals(self) -> None:
        if sys.platform == "win32":  # there Ctrl-C ends the loop by itself
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop, protocol.STOPPED)
