"""recall: search, rank, cut to the budget, say why, and keep a trace."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from mcp_memory import ranking
from mcp_memory.domain.ids import ending, new_id
from mcp_memory.domain.memory import NOTHING, Caller, Memory, Partition, Scope, Trace, Type
from mcp_memory.domain.requests import Query
from mcp_memory.domain.results import RecallHit, RecallResult
from mcp_memory.domain.times import local
from mcp_memory.errors import InvalidInput, ScopeMissing
from mcp_memory.ranking import Choice, Scored
from mcp_memory.service import policy as limits
from mcp_memory.service.core import Core
from mcp_memory.service.periods.arguments import Edge, past
from mcp_memory.service.query.cross_language import foreign
from mcp_memory.service.query.match_all import asks_for_everything
from mcp_memory.service.query.query import Question, question_of
from mcp_memory.service.recall.listing import LISTED_MAX, by_standing, of_the_time
from mcp_memory.service.recall.metadata_filter import mismatch
from mcp_memory.service.recall.render import Cost, fenced, within_budget
from mcp_memory.service.recall.search import search
from mcp_memory.service.recall.token_count import at_most
from mcp_memory.service.recall.trace import asked_for, tell, touched
from mcp_memory.service.validation import choices, json_object, line, tag_list
from mcp_memory.service.validation import question as question_text
from mcp_memory.storage.contract import Filter

_LOOKED_AT = 500
"""Memories whose metadata is looked at where a filter by metadata finds nothing."""
_HEADING = "recalled"
_COMPARED = "since and until compare when a memory was written down or last changed"
_OTHER_DATES = f"{_COMPARED}, the date on a line is when it became true"


@dataclass(kw_only=True, slots=True)
class _Search:
    """One recall on its way: what was asked, what was found, what became of it.

    `owners` are who asked, who alone may read the trace: the user and, where there is one, the
    session; `zone` that of the days it is told; `begun` which erasures it came after; `foreign`
    why what was chosen is no answer, where it is in another language than the question.
    """

    where: Filter
    text: str
    owners: tuple[Partition, ...]
    zone: tzinfo
    begun: int
    mode: str = "recent"
    reasons: tuple[str, ...] = ()
    degraded: bool = False
    terms: Collection[str] = ()
    ranked: Sequence[Scored] = ()
    choice: Choice = field(default_factory=Choice)
    foreign: str = ""
    began: float = 0.0


def recall(core: Core, caller: Caller, query: Query) -> RecallResult:
    """The memories that answer a query, best first; without one, the newest and weightiest.

    Raises InvalidInput, or ScopeMissing when none of the scopes asked for is the caller's.
    """
    _check(query)
    if asks_for_everything(query.query):
        query = replace(query, query="")
    asked = _Search(
        where=filter_of(core, caller, query),
        text=question_text("query", query.query),
        owners=(*caller.at(Scope.USER), *caller.at(Scope.SESSION)),
        zone=caller.zone,
        begun=core.traces.begin(),
        began=time.perf_counter(),
    )
    question = question_of(asked.text, local(asked.where.as_of or asked.where.now, caller.zone))
    asked.terms = question.terms
    window = question.window if question.is_bare else None
    if asked.text and (window is None or asked.where.since or asked.where.until):
        _by_query(core, asked, question, query.limit)
        found = [item.memory for item in asked.choice.results]
    else:
        asked.reasons = tuple(filter(None, [core.lag()]))
        asked.degraded = bool(asked.reasons)
        if window is not None:  # nothing but a time is asked: what is of that time
            found = of_the_time(core, asked.where, window)
        elif _is_conversation(query):
            found = core.store.select(asked.where, limit=LISTED_MAX)
        else:
            found = by_standing(core, asked.where)
    asked.reasons += (question.note,) if question.note else ()
    kept, over = _fitting(core, caller, query, asked, found[: query.limit])
    if not asked.text and _is_conversation(query):
        kept.reverse()
    return _answer(core, query, asked, kept, over + max(0, len(found) - query.limit))


def _fitting(
    core: Core, caller: Caller, query: Query, search_: _Search, found: list[Memory]
) -> tuple[list[Memory], int]:
    """What of the memories found fits beside all else that the answer says; how many do not."""
    cost = Cost(
        count=at_most(core.embedder.count_tokens),
        zone=caller.zone,
        explained=query.explain,
        notes=_notes(search_),
    )
    caller_text = f"{caller.user} at {caller.project_label or caller.project}"
    if query.explain:  # with what was searched, which has the same names
        caller_text = 2 * f"{caller.tenant} {caller_text} {caller.agent} {caller.session}"
    dates = _OTHER_DATES if search_.where.since or search_.where.until else ""
    left = cost.left(query.max_tokens, caller_text, *search_.reasons, _doubt(search_), dates)
    return within_budget(found, left, cost, search_.terms)


def filter_of(core: Core, caller: Caller, query: Query) -> Filter:
    """What the query restricts, as a filter over the caller's own partitions."""
    now = core.clock()
    here = local(now, caller.zone)
    scopes = choices("scopes", query.scopes, Scope)
    partitions = tuple(p for scope in scopes or Scope for p in caller.at(scope))
    if not partitions:
        names = ", ".join(scopes)
        raise ScopeMissing(f"scopes: you have no {names} here; leave scopes out to search them all")
    since = past("since", query.since, here, Edge.START)
    until = past("until", query.until, here, Edge.END)
    if since and until and since >= until:
        raise InvalidInput(
            "until", query.until, f"it ends before since ({query.since}) begins: nothing is between"
        )
    return Filter(
        partitions=partitions,
        now=now,
        key=line("key", query.key, limits.KEY_CHARS_MAX),
        types=choices("types", query.types, Type),
        tags=tag_list("tags", query.tags),
        metadata=json_object("metadata", query.metadata),
        since=since,
        until=until,
        as_of=past("as_of", query.as_of, here, Edge.WITHIN),
    )


def _check(query: Query) -> None:
    if not 1 <= query.limit <= limits.RESULTS_MAX:
        raise InvalidInput("limit", query.limit, f"expected 1 to {limits.RESULTS_MAX}")
    if not 1 <= query.max_tokens <= limits.TOKENS_MAX:
        raise InvalidInput("max_tokens", query.max_tokens, f"expected 1 to {limits.TOKENS_MAX}")


def _is_conversation(query: Query) -> bool:
    """Whether the raw history of this session is asked for, which reads in order of time."""
    return query.scopes == (Scope.SESSION,) and not query.query.strip()


def _by_query(core: Core, search_: _Search, question: Question, limit: int) -> None:
    found = search(core, search_.where, question, limit)
    search_.mode = "hybrid" if found.with_vectors else "text"
    search_.ranked = found.ranked
    then = question.window.end if question.window else None
    now = search_.where.as_of or search_.where.now
    search_.choice = ranking.choose(found.ranked, question.words, min(then or now, now))
    if search_.choice.is_weak or not search_.choice.results:
        other = foreign(core, search_.where, search_.text, found.ranked, limit)
        if other is not None:
            search_.choice, search_.foreign = other.choice, other.reason
    reasons = list(found.notes)
    if reasons:
        core.lag()
    if not found.with_vectors:
        reasons.append(core.embedder.failure or "the embedding model is still loading")
    elif found.unembedded:
        reasons.append(f"{found.unembedded} memories wait for their vectors")
    search_.degraded = bool(reasons)
    if core.reranker.is_on and found.ranked and not found.is_reranked:
        reasons.append(core.reranker.failure or "the reranker is still loading")
    search_.reasons = tuple(reasons)


def _answer(
    core: Core, query: Query, search_: _Search, kept: Sequence[Memory], omitted: int
) -> RecallResult:
    scored = {item.memory.id: item for item in search_.choice.results}
    memories = tuple(_recalled(core, memory, scored.get(memory.id), search_) for memory in kept)
    abstained = bool(search_.foreign) or (bool(search_.text) and not kept and not omitted)
    reasons = [*search_.reasons]
    if abstained and not search_.foreign:
        told = f"best score {_best(search_):.2f}" if search_.ranked else "no match"
        reasons.append(f"nothing relevant is remembered ({told})")
    elif doubt := _doubt(search_):
        reasons.append(doubt)
    if search_.where.since and search_.where.since > search_.where.now:
        reasons.append(f"since ({query.since}) is to come: nothing was written down after it")
    reasons += _of_other_times(core, search_.where, kept, is_all=not omitted)
    if search_.where.metadata and not kept and not omitted:
        reasons += _filtered_out(core, search_.where)
    trace = Trace(
        id=new_id(),
        at=core.clock(),
        partitions=tuple(dict.fromkeys((*search_.where.partitions, *search_.owners))),
        query=search_.text,
        memory_ids=touched(search_.ranked, kept),
        document={
            "mode": search_.mode,
            "degraded": search_.degraded,
            "reasons": reasons,
            **asked_for(query),
            **tell(search_.ranked, search_.choice, kept),
            "milliseconds": round((time.perf_counter() - search_.began) * 1000, 2),
        },
    )
    core.traces.add(trace, search_.begun)
    core.returned.note(
        search_.owners[0].tenant, search_.owners[0].user, (m.id for m in kept), search_.where.now
    )
    return RecallResult(
        memories=memories,
        context=fenced(kept, _HEADING, search_.zone, _notes(search_)),
        searched=search_.where.partitions,
        mode=search_.mode,
        degraded=search_.degraded,
        reason="; ".join(reasons),
        omitted=omitted,
        abstained=abstained,
        trace_id=trace.id,
    )


def _best(search_: _Search) -> float:
    return max((item.relevance for item in search_.ranked), default=0.0)


def _doubt(search_: _Search) -> str:
    """Why what was chosen may be no answer, "" where it is one."""
    if search_.foreign or not search_.choice.is_weak:
        return search_.foreign
    return f"only weak matches (best score {_best(search_):.2f}); they may not answer this"


def _notes(search_: _Search) -> dict[str, str]:
    """What the line of a memory says of how far it can be relied on, by id."""
    results = search_.choice.results
    is_weak = search_.choice.is_weak or bool(search_.foreign)
    outdated = {item.memory.id: "possibly outdated" for item in results if item.outdated_by}
    return {item.memory.id: "weak" for item in results if is_weak} | outdated


def _of_other_times(
    core: Core, where: Filter, kept: Sequence[Memory], *, is_all: bool
) -> Iterator[str]:
    """What `since` and `until` compare, where the dates of the lines would let one think of
    something else: they are of another time, or what is of that time is not among them.
    """
    if not (where.since or where.until):
        return
    if not all(_became_true_within(where, memory) for memory in kept):
        yield _OTHER_DATES
    elif not kept and is_all:
        seen = core.store.select(replace(where, since=None, until=None), limit=_LOOKED_AT)
        count = sum(_became_true_within(where, memory) for memory in seen)
        if count:
            yield f"{_COMPARED}; of {count} the date lies there: name the time in the query instead"


def _became_true_within(where: Filter, memory: Memory) -> bool:
    begun = where.since is None or memory.valid_from >= where.since
    return begun and (where.until is None or memory.valid_from < where.until)


def _filtered_out(core: Core, where: Filter) -> list[str]:
    """Why its metadata may be what nothing fits, by the newest of what the caller sees."""
    seen = core.store.select(replace(where, metadata=NOTHING), limit=_LOOKED_AT)
    return list(mismatch(where.metadata, (memory.metadata for memory in seen)))


def _recalled(core: Core, memory: Memory, item: Scored | None, search_: _Search) -> RecallHit:
    if item is None:
        then = search_.where.as_of or search_.where.now
        standing = ranking.standing(memory, then, core.policy.half_lives)
        parts = {"standing": round(standing, 4)}
        return RecallHit(
            memory=memory, score=round(standing, 4), why="recent or weighty", parts=parts
        )
    return RecallHit(
        memory=memory,
        score=round(item.score, 4),
        why=", ".join(filter(None, ["weak" if search_.foreign else "", _why(item)])),
        parts=_rounded(item.parts),
        copies=item.copies,
    )


def _rounded(parts: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in parts.items()}


def _why(item: Scored) -> str:
    halves = [
        f"{name} {item.parts[part]:.2f}"
        for part, name in (("text", "words"), ("vector", "meaning"))
        if item.parts.get(part)
    ]
    if "rerank" in item.parts:
        halves.append(f"reranker {item.parts['rerank']:.2f}")
    if item.memory.pinned:
        halves.append("pinned")
    if item.copies:
        halves.append(f"said {item.copies + 1} times")
    if item.outdated_by:
        halves.append(f"possibly outdated: {ending(item.outdated_by)} says otherwise")
    return ", ".join(halves)
