"""What the doctor looks at in a store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw

from mcp_memory.storage.contract import Finding
from mcp_memory.storage.embedded import chain
from mcp_memory.storage.embedded.index import Index
from mcp_memory.storage.embedded.record import Record

_BATCH = 2_000
_FREE_BYTES_MIN = 200 << 20


def check(home: Path, record: Record, index: Index) -> list[Finding]:
    """Every finding, good and bad; repairs made come last."""
    return [
        _record(record),
        _chain(record),
        _index(index),
        _agreement(record, index),
        _vectors(index),
        _disk(home),
        *record.findings,
        *index.findings,
    ]


def index_fault(index: Index) -> str:
    """What is wrong with the index's file, "" for nothing."""
    try:
        return "; ".join(index.faults())
    except apsw.Error as error:
        return str(error)


def _record(record: Record) -> Finding:
    changes, revisions, strays = record.counts()
    return Finding(
        name="record",
        ok=changes == record.number and not strays,
        detail=f"{changes} changes, {revisions} revisions, {strays} revisions without a change",
        advice="restore the folder from a backup; keep a copy of it as it is now",
    )


def _chain(record: Record) -> Finding:
    broken, head, after = 0, chain.GENESIS, 0
    for batch in _batches(record):
        broken = chain.first_break(batch, head)
        if broken:
            break
        head, after = batch[-1].head, batch[-1].change.number
    whole = not broken and after == record.number
    return Finding(
        name="chain",
        ok=whole,
        detail=f"{after} changes verified" + ("" if whole else f", {broken or after + 1} is wrong"),
        advice="restore the folder from a backup; keep a copy of it as it is now",
    )


def _batches(record: Record) -> Iterator[list[chain.Entry]]:
    after = 0
    while batch := record.entries(after, _BATCH):
        yield batch
        after = batch[-1].change.number


def _index(index: Index) -> Finding:
    fault = index_fault(index)
    return Finding(
        name="index",
        ok=not fault,
        detail=fault or "whole",
        advice=f"stop mcp-memory and remove {index.path}: it is made anew from the record",
    )


def _agreement(record: Record, index: Index) -> Finding:
    changes, revisions, _ = record.counts()
    counts = index.counts()
    same_head = (index.number, index.head) == (record.number, record.head)
    same_counts = (counts["changes"], counts["revisions"]) == (changes, revisions)
    same_rows = counts["documents"] == counts["revisions"] and counts["codes"] == counts["windows"]
    return Finding(
        name="agreement",
        ok=same_head and same_counts and same_rows,
        detail=f"record at change {record.number}, index at {index.number};"
        f" {revisions} and {counts['revisions']} revisions",
        advice=f"stop mcp-memory and remove {index.path}: it is made anew from the record",
    )


def _vectors(index: Index) -> Finding:
    counts = index.counts()
    waiting = counts["unembedded"]
    return Finding(
        name="vectors",
        ok=True,  # they are filled in behind; until then the text is searched
        detail=f"{counts['windows']} vectors, {waiting} revisions wait for theirs",
    )


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(home).free
    return Finding(
        name="disk",
        ok=free >= _FREE_BYTES_MIN,
        detail=f"{free >> 20} MB free at {home}",
        advice="free some space: writing stops when the disk is full",
    )
