"""What the doctor looks at in a store."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from mcp_memory.storage.contract import CheckResult
from mcp_memory.storage.embedded.index.index import Index
from mcp_memory.storage.embedded.record.record import Record

_FREE_BYTES_MIN = 200 << 20


@dataclass(kw_only=True, slots=True)
class Faults:
    """What is wrong with record and index after what could be repaired was, "" for nothing."""

    record: str = ""
    index: str = ""


def check(home: Path, record: Record, index: Index, faults: Faults) -> list[CheckResult]:
    """Every finding, good and bad; repairs made come last, those of before included."""
    found = [*record.findings, *index.findings]
    return [
        *_record(record, faults.record),
        _index(index, faults.index),
        _agreement(record, index),
        _vectors(index),
        _disk(home),
        *found,
        *record.findings.ledger.tell(found),
    ]


def _record(record: Record, fault: str) -> list[CheckResult]:
    changes, revisions, strays = record.counts()
    advice = "restore the folder from a backup; keep a copy of it as it is now"
    return [
        CheckResult(
            name="record",
            ok=changes == record.number and not strays,
            detail=f"{changes} changes, {revisions} revisions, {strays} without a change",
            advice=advice,
        ),
        CheckResult(
            name="chain",
            ok=not fault,
            detail=fault or f"{changes} changes verified",
            advice=advice,
        ),
    ]


def _index(index: Index, fault: str) -> CheckResult:
    return CheckResult(
        name="index",
        ok=not fault,
        detail=fault or "whole",
        advice=f"stop mcp-memory and remove {index.path}: it is made anew from the record",
    )


def _agreement(record: Record, index: Index) -> CheckResult:
    changes, revisions, _ = record.counts()
    counts = index.counts()
    same_head = (index.number, index.head) == (record.number, record.head)
    same_counts = (counts["changes"], counts["revisions"]) == (changes, revisions)
    same_rows = counts["documents"] == counts["revisions"] and counts["codes"] == counts["windows"]
    return CheckResult(
        name="agreement",
        ok=same_head and same_counts and same_rows,
        detail=f"record at change {record.number}, index at {index.number};"
        f" {revisions} and {counts['revisions']} revisions",
        advice=f"stop mcp-memory and remove {index.path}: it is made anew from the record",
    )


def _vectors(index: Index) -> CheckResult:
    counts = index.counts()
    waiting = counts["unembedded"]
    return CheckResult(
        name="vectors",
        ok=True,  # they are filled in behind; until then the text is searched
        detail=f"{counts['windows']} vectors, {waiting} revisions wait for theirs",
    )


def _disk(home: Path) -> CheckResult:
    free = shutil.disk_usage(home).free
    return CheckResult(
        name="disk",
        ok=free >= _FREE_BYTES_MIN,
        detail=f"{free >> 20} MB free at {home}",
        advice="free some space: writing stops when the disk is full",
    )
