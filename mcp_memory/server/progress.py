"""How far a long call is, told to its client while it goes on; and whether to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio.from_thread

from mcp_memory.tools.base import Progress

if TYPE_CHECKING:
    from mcp_memory.server.connection import Request


@contextmanager
def told(request: Request) -> Generator[Progress]:
    """A progress to be called from the thread that works for this request.

    The client hears of it, if it gave a token; a client that reads slowly hears of the
    newest only. Once the client has cancelled the request, the next call raises, which ends
    the work before anything is stored.
    """
    loop = asyncio.get_running_loop()
    notices = request.lifespan_context.notices
    key = object()

    def tell(done: int, total: int) -> None:
        anyio.from_thread.check_cancelled()
        send = partial(request.session.report_progress, done, total)
        loop.call_soon_threadsafe(notices.put, key, send)

    try:
        yield tell
    finally:
        notices.drop(key)
