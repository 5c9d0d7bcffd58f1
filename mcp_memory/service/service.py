"""The service: every use case, as one object that any transport can call from any thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from mcp_memory.domain.memory import Caller, Memory, Revision, Trace
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
from mcp_memory.domain.results import ForgetResult, RecallResult, RememberResult, UpdateResult
from mcp_memory.domain.times import utc_now
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.embedding.reranker import Reranker
from mcp_memory.errors import StoreGone
from mcp_memory.service import adoption as adopt
from mcp_memory.service import maintenance as upkeep
from mcp_memory.service import views
from mcp_memory.service.adoption import Adoption
from mcp_memory.service.core import Core
from mcp_memory.service.forget.forget import forget
from mcp_memory.service.policy import Policy
from mcp_memory.service.recall.recall import recall
from mcp_memory.service.remember.remember import remember
from mcp_memory.service.trace_buffer import TraceBuffer
from mcp_memory.service.type_checks import check, check_text
from mcp_memory.service.update import update
from mcp_memory.service.views import Context
from mcp_memory.storage.contract import CheckResult, Progress, Store, StoreMetrics


class MemoryService:
    """Remember, recall, update, forget, and what a caller may look at.

    Every call takes the caller's scope and is confined to it. Raises the errors of
    `mcp_memory.errors`.
    """

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        *,
        reranker: Reranker | None = None,
        policy: Policy | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._core = Core(
            store=store,
            embedder=embedder,
            reranker=reranker or Reranker("", cache_dir=Path()),
            policy=policy or Policy(),
            clock=clock,
            traces=TraceBuffer(store),
        )
        self._upkeep = upkeep.Upkeep(self._core)

    def start(self) -> None:
        """Begin loading the model and the housekeeping in the background; once."""
        self._core.embedder.start()
        self._core.reranker.start()
        self._upkeep.start()

    def close(self) -> None:
        """Finish what is under way and release the store, whatever fails on the way."""
        with ExitStack() as last:
            last.callback(self._core.store.close)
            last.callback(self._core.embedder.close)
            last.callback(self._core.reranker.close)
            last.callback(self._save_traces)
            last.callback(self._core.queries.shutdown)
            last.callback(self._core.lookups.shutdown)
            last.callback(self._upkeep.stop)

    def _save_traces(self) -> None:
        with suppress(StoreGone):  # there is no place for them any more
            self._core.traces.flush()

    def remember(
        self, caller: Caller, drafts: Sequence[Draft], progress: Progress | None = None
    ) -> list[RememberResult]:
        """Store, merge or replace, for each draft in order, in one transaction.

        A draft that cannot be accepted comes back as "rejected", with its error; the others
        are stored. Raises InvalidInput for a batch that is too large as a whole.

        `progress(done, total)` is called after each text and may raise to stop the work;
        then nothing is stored. It is not called any more once it is decided what to write.
        """
        return remember(self._core, caller, drafts, progress)

    def recall(self, caller: Caller, query: Query) -> RecallResult:
        """The memories that answer a query, best first."""
        check(query)
        return recall(self._core, caller, query)

    def update(self, caller: Caller, memory_id: str, patch: Patch) -> UpdateResult:
        """A new revision of one memory; none when nothing would change."""
        check_text("id", memory_id)
        check(patch)
        return update(self._core, caller, memory_id, patch)

    def forget(self, caller: Caller, selection: ForgetRequest) -> ForgetResult:
        """Hide memories, or erase them for good; wider than ids only after a preview."""
        check(selection)
        return forget(self._core, caller, selection)

    def get(self, caller: Caller, memory_id: str) -> Memory:
        """The current revision of a memory, of any status."""
        check_text("id", memory_id)
        return self._core.one(caller, memory_id)

    def history(self, caller: Caller, memory_id: str) -> list[Revision]:
        """Every revision of a memory, oldest first."""
        check_text("id", memory_id)
        return views.history(self._core, caller, memory_id)

    def recent(self, caller: Caller, *, limit: int = 20, after: str = "") -> list[Memory]:
        """The memories changed last, newest first."""
        return views.recent(self._core, caller, limit, after)

    def session(self, caller: Caller, *, max_tokens: int = 2000) -> list[Memory]:
        """This session's raw history within a token budget, newest last."""
        return views.session(self._core, caller, max_tokens)

    def recalls(self, caller: Caller, *, max_tokens: int = 500) -> list[Trace]:
        """The traces of this session's own recalls within a token budget, newest last."""
        return views.recalls(self._core, caller, max_tokens)

    def context(self, caller: Caller, *, max_tokens: int = 1500) -> Context:
        """What is stable and what is recent, as two blocks to inject."""
        return views.context(self._core, caller, max_tokens)

    def me(self, caller: Caller) -> dict[str, Any]:
        """The caller's scope, what decided it, the policy in force, and counts."""
        return views.me(self._core, caller)

    def stats(self, caller: Caller) -> dict[str, Any]:
        """Counts over what the caller sees."""
        return views.stats(self._core, caller)

    def trace(self, caller: Caller, trace_id: str) -> Trace:
        """What one recall searched and why it answered as it did."""
        return views.trace(self._core, caller, trace_id)

    def clusters(self, caller: Caller, *, limit: int = 5) -> list[list[Memory]]:
        """Groups of related memories, for consolidation."""
        return views.clusters(self._core, caller, limit)

    def complete(self, caller: Caller, noun: str, prefix: str) -> list[str]:
        """Values that begin with `prefix`, for completion."""
        return views.complete(self._core, caller, noun, prefix)

    def strangers(self, caller: Caller) -> str:
        """Whose memories there are where the caller, on this machine, has none; else ""."""
        return adopt.told(self._core.store.held(), caller)

    def adoptable(self, caller: Caller, user: str) -> Adoption:
        """What of another user of the tenant would become the caller's."""
        return adopt.preview(self._core, caller, user)

    def adopt(self, caller: Caller, user: str, progress: Progress) -> Adoption:
        """Make another user's memories the caller's; again after a stop, it goes on."""
        return adopt.adopt(self._core, caller, user, progress)

    def figures(self) -> StoreMetrics:
        """Counts over the whole store, whosever memories they are."""
        return self._core.store.figures()

    def check(self) -> list[CheckResult]:
        """Look the whole store over: readable, whole, record and index in agreement."""
        return self._core.store.check()

    def rebuild(self, progress: Progress = lambda done, total: None) -> None:
        """Make anew, from the record, all that searches are answered from, vectors last.

        Others may read and write meanwhile; recall says that it is degraded. `progress(done,
        total)` counts changes and then vectors; `total` is an estimate until the vectors
        begin, `done` never falls. What it raises goes through unchanged, and what is left
        is then done by upkeep. Without a usable model the vectors wait for one.
        """
        upkeep.rebuild(self._core, progress)

    def upkeep(self) -> None:
        """Do the housekeeping that is due now, without waiting for its turn."""
        upkeep.run(self._core)
