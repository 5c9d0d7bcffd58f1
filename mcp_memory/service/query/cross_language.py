"""A question in another language than the memories, where the model cannot tell them apart.

That nothing is found then says nothing about what is there. So the question gets at most three
memories, by the names and numbers that it shares with them and by how new they are, and is told
why. They are a hint to who asked, and no answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mcp_memory.domain.language import NAMES, language_of, little_words
from mcp_memory.domain.memory import Memory
from mcp_memory.domain.text import query_terms, terms
from mcp_memory.embedding import loader
from mcp_memory.ranking import Choice, Scored
from mcp_memory.service.core import Core
from mcp_memory.service.query.language_confidence import certain_language_of, is_surely_not_english
from mcp_memory.storage.contract import Candidate, Filter

SHOWN_MAX = 3
_LOOKED_AT = 50
_MOST = 0.5
"""The share of the memories, of those whose language can be told, that are in theirs."""
_FEW = 0.1
"""The share of them that may be in the language of the question."""
_FATE = "in another language than the question"


@dataclass(frozen=True, kw_only=True, slots=True)
class Foreign:
    """What a question in another language gets, and why."""

    choice: Choice
    reason: str


def foreign(
    core: Core, where: Filter, query: str, ranked: Sequence[Scored], limit: int
) -> Foreign | None:
    """What is shown of memories in another language; None where that is not why nothing fits.

    Where either language is unsure, or the model may read both, nothing is claimed.
    """
    asked_in = certain_language_of(query)
    is_told = bool(asked_in) or is_surely_not_english(query)
    if not is_told or not loader.reads_english_alone(core.embedder.name):
        return None
    newest = core.store.select(where, limit=_LOOKED_AT)
    written_in = _language_of_most(newest, asked_in)
    if not written_in or (not asked_in and not _is_english(newest, written_in)):
        return None
    shown = _best(query, asked_in, newest, ranked)[: min(SHOWN_MAX, limit)]
    kept = {item.memory.id for item in shown}
    dropped = {item.memory.id: _FATE for item in ranked if item.memory.id not in kept}
    return Foreign(
        choice=Choice(results=shown, is_weak=True, dropped=dropped),
        reason=(
            f"the question is in {NAMES.get(asked_in, 'another language')}, the memories are in"
            f" {NAMES[written_in]}, and this model reads English only, so that it cannot tell"
            " whether one of them answers; ask in their language, or have a person run:"
            f" mcp-memory model use {loader.MULTILINGUAL}"
        ),
    )


def _language_of_most(memories: Sequence[Memory], asked_in: str) -> str:
    """The language of most of them, if hardly any is in that of the question; else ""."""
    counts = Counter(filter(None, (language_of(memory.content) for memory in memories)))
    certain = Counter(filter(None, (certain_language_of(memory.content) for memory in memories)))
    if not certain or counts[asked_in] > _FEW * counts.total():
        return ""
    code, _ = certain.most_common(1)[0]
    return code if counts[code] >= _MOST * counts.total() else ""


def _is_english(memories: Sequence[Memory], written_in: str) -> bool:
    """Whether hardly any memory is in another language, which might be that of the question."""
    others = sum(is_surely_not_english(memory.content) for memory in memories)
    return written_in == "en" and others <= _FEW * len(memories)


def _best(
    query: str, code: str, newest: Sequence[Memory], ranked: Sequence[Scored]
) -> list[Scored]:
    """All that is known, those first that share most words with the query, then the newest."""
    words = {*query_terms(query)} - little_words(code)
    known = {item.memory.id: item for item in ranked}
    every = [*ranked, *(_unscored(m) for m in newest if m.id not in known)]
    return sorted(
        every,
        key=lambda item: (
            -len(words.intersection(terms(item.memory.searched))),
            -item.memory.recorded_at.timestamp(),
            item.memory.id,
        ),
    )


def _unscored(memory: Memory) -> Scored:
    candidate = Candidate(memory=memory, terms=(), similarity=None, vector=None)
    return Scored(candidate=candidate, score=0.0, relevance=0.0, parts={})
