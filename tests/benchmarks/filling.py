"""Stores to measure on: loaded through the service, or filled with prepared vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Caller, ChangeKind
from mcp_memory.domain.requests import Draft
from mcp_memory.domain.times import utc_now
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.identity.resolver import Signals, resolve
from mcp_memory.service.core import actor
from mcp_memory.service.policy import Policy
from mcp_memory.service.validation import DraftValidator
from mcp_memory.storage.contract import Store, Write
from tests.benchmarks.texts import statement, statements

if TYPE_CHECKING:
    from mcp_memory.storage.contract import Vector, Windows

PROJECT = "bench"
"""The project that everything is measured in, as MCP_MEMORY_PROJECT would name it."""
LOADED_MAX = 10_000
"""Stores up to this size are loaded through `remember`; larger ones are filled."""
POOL = 5_000
"""Statements embedded for filling; every memory beyond them varies one of them."""
BATCH = 100
VARIED_COSINE = 0.63
"""Cosine of a varied vector to its pool vector: the median between real embeddings of two
statements of one topic, measured with the bundled model."""
_ASIDE = float(np.sqrt(1 - VARIED_COSINE**2))
_STRIDE = 1_009
_WRITTEN_AT_ONCE = 1_000
_TYPES = ("fact", "task", "episode", "fact", "summary")


def made_caller(user: str, tenant: str = "") -> Caller:
    """The scope of a client on this machine, in the project and with a session."""
    return resolve(
        Signals(
            configured_tenant=tenant,
            configured_user=user,
            configured_project=PROJECT,
            client_name="benchmark",
            client_version="1",
            connection_id="benchmark-session",
        )
    )


def draft(text: str, number: int) -> Draft:
    """A draft at project scope; the number decides its type."""
    return Draft(content=text, type=_TYPES[number % len(_TYPES)], scope="project")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """Real vectors of statements, shape (POOL, dimensions), and vectors made from them."""

    vectors: Windows

    @classmethod
    def embedded(cls, embedder: Embedder) -> Pool:
        """Embed the pool: the statement of each topic whose detail is the topic itself."""
        found = embedder.embed([statement(topic, topic) for topic in range(POOL)])
        return cls(vectors=np.stack([windows[0] for windows in found]))

    def vector(self, detail: int) -> Vector:
        """The pool's vector of a topic itself, or one at a cosine of VARIED_COSINE to it.

        It is moved towards another pool vector, so that it stays where real ones lie.
        """
        own = self.vectors[detail % POOL]
        if detail < POOL:
            return own
        step, place = divmod(detail, POOL)
        other = self.vectors[(place + step * _STRIDE) % POOL]
        aside = other - float(other @ own) * own
        aside /= np.linalg.norm(aside)
        return VARIED_COSINE * own + _ASIDE * aside


def fill(store: Store, scopes: Sequence[Caller], count: int, pool: Pool) -> None:
    """Write `count` memories in turn over the scopes, through the store's own interface."""
    writes = _writes(scopes, count, pool)
    while batch := list(islice(writes, _WRITTEN_AT_ONCE)):
        store.write(new_id(), batch)


def _writes(scopes: Sequence[Caller], count: int, pool: Pool) -> Iterator[Write]:
    """One write a statement, a minute apart, the last one now."""
    policy, now = Policy(), utc_now()
    for number, (detail, text) in enumerate(statements(count, POOL)):
        caller = scopes[number % len(scopes)]
        at = now - timedelta(minutes=count - number)
        memory = DraftValidator(caller=caller, policy=policy, now=at).memory(
            draft(text, number), "content"
        )
        vectors = pool.vector(detail)[np.newaxis]
        yield Write(verb=ChangeKind.REMEMBER, memory=memory, actor=actor(caller), vectors=vectors)
