"""What the service answers: one type for each verb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mcp_memory.domain.memory import Memory, Partition, Scope
from mcp_memory.errors import McpMemoryError


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarMemory:
    """A memory close to one just remembered; `score` is a cosine in [-1, 1].

    `may_conflict`: both begin alike and then say different things, so one may be outdated.
    """

    id: str
    content: str
    score: float
    updated_at: datetime
    may_conflict: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RememberResult:
    """What became of one draft.

    `status` is stored, merged, superseded, pending or rejected. With "superseded" the
    draft was stored and took the place of `replaced`. `touched` is every memory that
    changed, with the partition it is in. With "rejected" nothing of it was stored: `id` is
    "", `scope` None, and `error` is what `reason` says.
    """

    id: str
    status: str
    revision: int
    scope: Scope | None
    expires_at: datetime | None
    reason: str
    error: McpMemoryError | None = None
    replaced: tuple[str, ...] = ()
    similar: tuple[SimilarMemory, ...] = ()
    touched: tuple[tuple[str, Partition], ...] = ()

    @classmethod
    def rejected(cls, error: McpMemoryError, reason: str = "") -> RememberResult:
        """What becomes of a draft that cannot be accepted."""
        return cls(
            id="",
            status="rejected",
            revision=0,
            scope=None,
            expires_at=None,
            reason=reason or str(error),
            error=error,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RecallHit:
    """One memory that came back, with its score in [0, 1] and the reasons for it.

    `parts` are the named parts of the score; `copies` counts near-identical memories
    that were folded into this one.
    """

    memory: Memory
    score: float
    why: str
    parts: Mapping[str, float]
    copies: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RecallResult:
    """The answer to one query. `omitted` counts relevant memories that did not fit."""

    memories: tuple[RecallHit, ...]
    context: str
    searched: tuple[Partition, ...]
    mode: str
    degraded: bool
    reason: str
    omitted: int
    abstained: bool
    trace_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateResult:
    """A memory after an update, and as it was before; the same when nothing changed.

    `note`: what had to be changed in what was given, "" for nothing.
    """

    memory: Memory
    previous: Memory
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class EraseReceipt:
    """What an erase removed, and from where. Counts are rows; `files` were rewritten.

    `quoted` other memories, of which `quoted_by` are the first few ids, still quote something
    of it in the reasons that were given for their changes; see `mcp_memory.service.forget.quotes`.
    """

    memories: int
    revisions: int
    journal_entries: int
    traces: int
    index_entries: int
    vectors: int
    files: tuple[str, ...]
    quoted: int = 0
    quoted_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgetResult:
    """What a forget did, or would do.

    With `done` False this is a preview: call again with the same arguments and `confirm`.
    `erased` says what happened, `would_erase` what a preview is of. `memories` are the first
    few of `total`; `touched` is every one that changed.
    """

    done: bool
    memories: tuple[Memory, ...]
    total: int
    erased: bool = False
    would_erase: bool = False
    confirm: str = ""
    receipt: EraseReceipt | None = None
    touched: tuple[tuple[str, Partition], ...] = ()
