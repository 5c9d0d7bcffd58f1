"""What a trace says of a recall: what was asked, every candidate near the top, its outcome.

Candidates are kept as rows under one heading, for a trace is written with every recall and
a thousand of them are kept.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from mcp_memory.domain.memory import Memory, Trace
from mcp_memory.domain.requests import Query
from mcp_memory.ranking import Choice, Scored

CANDIDATES_MAX = 50
PARTS = ("text", "vector", "conversation", "recency", "importance", "time", "rerank")
_DIGITS = 4


def asked_for(query: Query) -> dict[str, Any]:
    """The filters and limits of a query that were given."""
    filters = {
        "key": query.key,
        "types": list(query.types),
        "tags": list(query.tags),
        "scopes": list(query.scopes),
        "metadata": dict(query.metadata),
        "since": query.since,
        "until": query.until,
        "as_of": query.as_of,
    }
    given = {name: value for name, value in filters.items() if value}
    return {"filters": given, "limit": query.limit, "max_tokens": query.max_tokens}


def tell(ranked: Sequence[Scored], choice: Choice, kept: Sequence[Memory]) -> dict[str, Any]:
    """The candidates, best first, and what became of each."""
    returned = {memory.id for memory in kept}
    outdated = {item.memory.id for item in choice.results if item.outdated_by}
    told = ranked[:CANDIDATES_MAX]
    parts = [part for part in PARTS if any(part in item.parts for item in told)]
    rows = [
        [
            item.memory.id,
            item.memory.revision,
            *(round(value, _DIGITS) for value in (item.score, item.relevance)),
            *(round(item.parts.get(part, 0.0), _DIGITS) for part in parts),
            _returned(item, outdated)
            if item.memory.id in returned
            else choice.fate(item.memory.id),
        ]
        for item in told
    ]
    return {
        "returned": [memory.id for memory in kept],
        "proposed": len(ranked),
        "columns": ["id", "revision", "score", "relevance", *parts, "outcome"],
        "candidates": rows,
    }


def _returned(item: Scored, outdated: Collection[str]) -> str:
    return "returned" + (", as possibly outdated" if item.memory.id in outdated else "")


def touched(ranked: Sequence[Scored], kept: Sequence[Memory]) -> tuple[str, ...]:
    """The ids of all memories that the recall came upon; erasing one erases the trace."""
    return tuple(dict.fromkeys((*(m.id for m in kept), *(item.memory.id for item in ranked))))


def spelt_out(trace: Trace) -> Trace:
    """The trace with each candidate as an object, for a reader."""
    document = dict(trace.document)
    columns = document.pop("columns", [])
    rows = document.get("candidates", [])
    document["candidates"] = [dict(zip(columns, row, strict=True)) for row in rows]
    return replace(trace, document=document)
