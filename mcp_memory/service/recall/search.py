"""Searching for a query: read it, have the store propose, rank what it proposes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_memory import ranking
from mcp_memory.domain.conversation import CONTEXT_TURNS
from mcp_memory.ranking import RankingQuery, Scored
from mcp_memory.service.core import Core
from mcp_memory.service.query.query import Question
from mcp_memory.storage.contract import Filter, SearchResult

if TYPE_CHECKING:
    from mcp_memory.storage.contract import QueryVector

_PROPOSED = 30
"""Memories that each half of the search proposes, or twice as many as are asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchOutcome:
    """All candidates, best first; `with_vectors` if vectors took part, `is_reranked` if a
    cross-encoder did.
    """

    ranked: Sequence[Scored]
    with_vectors: bool
    unembedded: int
    notes: tuple[str, ...]
    is_reranked: bool


def search(
    core: Core, where: Filter, question: Question, limit: int, *, in_context: bool = True
) -> SearchOutcome:
    """Candidates for a question, `limit` or more of them if there are.

    Unless `in_context`, each is found and weighed by itself alone.
    """
    known = core.embedder.knows(question.text)
    vector = core.beside(core.queries, lambda: core.embed_query(question.text))
    reach = CONTEXT_TURNS if in_context else 0
    proposal = _propose(
        core, where, question, vector.result if known else None, max(_PROPOSED, 2 * limit), reach
    )
    asked = RankingQuery(
        terms=question.terms,
        now=where.as_of or where.now,
        half_lives=core.policy.half_lives,
        window=question.window,
        exact=question.is_exact,
        in_context=in_context,
    )
    ranked = ranking.rank(proposal.candidates, proposal.corpus, asked)
    looked_at = _look_again(core, question.text, ranked) if in_context else None
    return SearchOutcome(
        ranked=ranked if looked_at is None else looked_at,
        with_vectors=vector.result() is not None,
        unembedded=proposal.unembedded,
        notes=proposal.notes,
        is_reranked=looked_at is not None,
    )


def _look_again(core: Core, text: str, ranked: Sequence[Scored]) -> list[Scored] | None:
    """The results after a second look; None where no reranker is on, or it is not ready."""
    best = [item.memory.content for item in ranked[: ranking.LOOKED_AT]]
    if not (core.reranker.is_on and best):
        return None
    answers = core.reranker.scores(text, best)
    return None if answers is None else ranking.looked_at_again(ranked, answers)


def _propose(
    core: Core, where: Filter, question: Question, vector: QueryVector, limit: int, reach: int
) -> SearchResult:
    """What the store proposes, and of what is of the time asked about some more: in a large
    store it may not be among the best of all times.
    """
    found = core.store.propose(where, terms=question.terms, vector=vector, limit=limit, reach=reach)
    window = question.window
    if window is None or where.since or where.until or len(found.candidates) < limit:
        return found
    known = {candidate.memory.id: candidate for candidate in found.candidates}
    for part in window.parts():
        within = replace(where, begins_since=part.start, begins_until=part.end)
        more = core.store.propose(
            within, terms=question.terms, vector=vector, limit=limit, reach=reach
        )
        known = {**{c.memory.id: c for c in more.candidates}, **known}
    return replace(found, candidates=tuple(known.values()))
