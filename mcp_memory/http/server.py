"""The HTTP server of a daemon: from the listening socket to the last answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import uvicorn

from mcp_memory.http import app as application
from mcp_memory.http.app import Parts
from mcp_memory.http.callers import Callers
from mcp_memory.http.endpoint import MCP_PATH, Endpoint
from mcp_memory.http.header_timeout import HeaderTimeoutProtocol
from mcp_memory.http.metrics import Metrics
from mcp_memory.http.rate_limits import Limiter
from mcp_memory.http.sse import PATH as SSE_PATH
from mcp_memory.http.sse import Sse
from mcp_memory.http.streamable import Sessions

if TYPE_CHECKING:
    from mcp.server import Server

    from mcp_memory.config.settings import Settings
    from mcp_memory.runtime import Application
    from mcp_memory.server.connection import Connection
    from mcp_memory.server.scheduler import RequestScheduler
    from mcp_memory.server.subscriptions import Subscriptions

log = logging.getLogger(__name__)

DRAIN_S = 10.0
"""At the end: how long requests may go on before they are given back, with nothing stored."""
ANSWER_S = 5.0
"""At the end: how long clients have to take their last answers."""
KEEP_ALIVE_S = 30
CONNECTIONS_MAX = 2048
HEAD_BYTES_MAX = 64 * 1024
_CLOSE_S = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerParts:
    """What is served over HTTP; `clients` counts those of the local socket."""

    settings: Settings
    server: Server[Connection]
    subscriptions: Subscriptions
    scheduler: RequestScheduler
    application: Application
    clients: Callable[[], int]


class HttpServer:
    """Serves one server over HTTP. Lives on the event loop, within `open`."""

    def __init__(self, parts: ServerParts, endpoint: Endpoint) -> None:
        settings, names = parts.settings, endpoint.names
        self._socket = endpoint.socket
        callers = Callers(settings)
        self.url = f"{names.url}{MCP_PATH}"
        self._verify = endpoint.verify
        self._sessions = Sessions(parts.server, parts.subscriptions, callers)
        self._sse = Sse(parts.server, parts.subscriptions, callers)
        self.metrics = Metrics(parts.application, self._numbers)
        self._parts = parts
        self._app = application.build(
            Parts(
                names=names,
                sessions=self._sessions,
                sse=self._sse,
                metrics=self.metrics,
                limiter=Limiter(settings.http),
                verify=endpoint.verify,
                issuer=settings.http.jwt_issuer,
            )
        )
        self._server = _Uvicorn(_config(self._app, settings))
        self._closing, self._drained = anyio.Event(), anyio.Event()
        if names.is_plain:
            log.warning("http_url is '%s': tokens can be read on their way; use https", names.url)

    @property
    def needs_token(self) -> bool:
        """Whether it serves only who has one."""
        return not self._verify.is_open()

    @property
    def greeting(self) -> str:
        """What to tell whoever started it."""
        who = "with a token" if self.needs_token else "for everybody on this machine"
        return f"serving {self.url} and {self.url.removesuffix(MCP_PATH)}{SSE_PATH}, {who}"

    @property
    def sessions(self) -> int:
        """How many sessions and event streams are open."""
        return self._sessions.count + self._sse.count

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Serve until left, then answer what was asked; new requests are told to come later."""
        async with self._sessions.run(), anyio.create_task_group() as tasks:
            tasks.start_soon(self._serve)
            tasks.start_soon(self._drain)
            while not self._server.started:
                await asyncio.sleep(0)
            yield
            self.close()
            await self._drained.wait()
            self._parts.subscriptions.close()
            await self._sessions.close()
            self._server.should_exit = True

    def close(self) -> None:
        """Take nothing new; what is under way goes on."""
        self._app.close()
        self._parts.scheduler.close()
        self._sse.close()
        self._closing.set()

    async def _serve(self) -> None:
        await self._server.serve([self._socket])

    async def _drain(self) -> None:
        """Once closed: wait until every request has its answer, and every stream its end."""
        await self._closing.wait()
        if not await self._answered(DRAIN_S):
            log.warning("requests over HTTP did not end within %g s", DRAIN_S)
        await self._parts.scheduler.give_back()
        if not await self._answered(ANSWER_S):
            log.warning("clients did not take their answers within %g s", ANSWER_S)
            self._app.cut()
            self._sse.cut()
        self._drained.set()

    async def _answered(self, patience_s: float) -> bool:
        """Wait until nobody waits for an answer any more; whether so."""
        with anyio.move_on_after(patience_s):
            await self._app.drain()
            await self._sse.drain()
            return True
        return False

    def _numbers(self) -> Iterator[tuple[str, str, float]]:
        scheduler = self._parts.scheduler
        yield "reads_under_way", "Reads at work or waiting for their turn", scheduler.reads
        yield "writes_under_way", "Writes at work or waiting for their turn", scheduler.writes
        yield "http_sessions", "Sessions over streamable HTTP", self._sessions.count
        yield "sse_streams", "Event streams of the older transport", self._sse.count
        yield "local_clients", "Clients on this machine, over the socket", self._parts.clients()


def _config(app: application.HttpEdge, settings: Settings) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=HeaderTimeoutProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=_CLOSE_S,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        ssl_certfile=settings.http.tls_cert or None,
        ssl_keyfile=settings.http.tls_key or None,
    )
    config.load()
    return config


class _Uvicorn(uvicorn.Server):
    """The server without hands on the signals, which are the daemon's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
