"""The parts of a running mcp-memory: store, embedder and service, opened when needed.

Nothing heavy is imported with this module: a client gets its first answers before the
database and the model are loaded, behind them and at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_memory.errors import McpMemoryError, StoreClosed, StoreError, StoreLocked
from mcp_memory.system import home_folder

if TYPE_CHECKING:
    from mcp_memory.config.settings import Settings
    from mcp_memory.service import MemoryService
    from mcp_memory.storage.contract import Store, VectorSpace

    OpenStore = Callable[[Path, VectorSpace], Store]

log = logging.getLogger(__name__)

_LOCKED_RETRY_S = 0.05


class Application:
    """Owns the store of one home folder for as long as a transport is open.

    Safe to use from any thread. A store that could not be opened is tried again by the
    next call, so that a lock or a full disk heals without a restart. Another process that
    holds the store is waited for, as long as `patience_s`: a command is done with it soon.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        open_store: OpenStore | None = None,
        patience_s: float = 0.0,
    ) -> None:
        self.settings = settings
        self._patience_s = patience_s
        self._closing = threading.Event()
        self._open_store = open_store
        self._lock = threading.Lock()
        self._service: MemoryService | None = None
        self._to_start = threading.Lock()  # taken once, by the first start, and never released
        self._closed = False

    def start(self) -> None:
        """Begin opening in the background; cheap, and only the first call does anything."""
        if self._to_start.acquire(blocking=False):
            threading.Thread(target=self._warm_up, name="mcp-memory-start", daemon=True).start()

    def service(self) -> MemoryService:
        """The service, opened if it is not yet. Raises StoreError."""
        with self._lock:
            if self._closed:
                raise StoreClosed("mcp-memory is shutting down; connect again")
            if self._service is None:
                self._service = self._open()
            return self._service

    def close(self) -> None:
        """Finish what is under way and release the store."""
        self._closing.set()
        with self._lock:
            self._closed = True
            service, self._service = self._service, None
        if service is not None:
            service.close()

    def _open(self) -> MemoryService:
        service = self._opened()
        with ExitStack() as undo:
            undo.callback(service.close)
            service.start()
            undo.pop_all()
        return service

    def _opened(self) -> MemoryService:
        until = time.monotonic() + self._patience_s
        while True:
            try:
                return open_service(self.settings, open_store=self._open_store, in_step=False)
            except StoreLocked:
                if time.monotonic() > until or self._closing.wait(_LOCKED_RETRY_S):
                    raise

    def _warm_up(self) -> None:
        try:
            self.service()
        except StoreClosed:
            log.debug("closed before it was opened")
        except McpMemoryError as error:
            log.warning("the store is not open yet: %s", error)
        except Exception:  # the root of a thread: each call will try again and report
            log.exception("the store could not be opened")


def check_home(home: Path) -> None:
    """Raise StoreError where no store can live in a folder."""
    said = home_folder.fault(str(home))
    if said:
        raise StoreError(said)


def open_service(
    settings: Settings, *, open_store: OpenStore | None = None, in_step: bool = True
) -> MemoryService:
    """The service on the store of a home folder, not started; closing it releases the store.

    An index that is far behind is caught up with here, which may take long; with `in_step`
    False once the service is started, which meanwhile answers from what is there. Where it
    cannot be made, the store is released at once. Raises StoreError.
    """
    from mcp_memory.embedding.embedder import Embedder
    from mcp_memory.embedding.reranker import Reranker
    from mcp_memory.service import MemoryService, Policy

    check_home(settings.home)
    embedder = Embedder(settings.model, cache_dir=settings.models_dir)
    with ExitStack() as undo:
        store = (open_store or _embedded)(settings.home, embedder.space)
        undo.callback(store.close)
        if in_step:
            store.catch_up()
        policy = Policy(session_expiry=timedelta(days=settings.session_days))
        reranker = Reranker(settings.reranker, cache_dir=settings.models_dir)
        service = MemoryService(store, embedder, reranker=reranker, policy=policy)
        undo.pop_all()
    return service


def _embedded(home: Path, space: VectorSpace) -> Store:
    from mcp_memory.storage.embedded import open_embedded

    return open_embedded(home, space)
