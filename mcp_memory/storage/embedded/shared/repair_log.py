"""What was found, and put right, while the store was opened or used.

Damage is told of until somebody has read it: beside the log it goes into a small file,
which a check empties into its report. That file holds our own words, counts and names of
files only, never an engine's message, so that nothing erased can stay in it.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp_memory.storage.contract import CheckResult

_log = logging.getLogger(__name__)
_KEPT_MAX = 50
_SHOWN_MAX = 5
_NEVER_TOLD = ""


class CheckResults(list[CheckResult]):
    """The findings of one part of a store since it was opened."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.ledger = Ledger(home)


class Ledger:
    """The damage that a store has had, in the file `repairs.jsonl`, the newest 50."""

    def __init__(self, home: Path) -> None:
        self._path = home / "repairs.jsonl"

    def add(self, finding: CheckResult) -> None:
        """Keep a finding until it was told."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"at": now, "name": finding.name, "detail": finding.detail, "told": _NEVER_TOLD}
        self._write([*self._lines(), {**line, "advice": finding.advice}])

    def tell(self, known: list[CheckResult]) -> list[CheckResult]:
        """What was not told yet and is not among the `known`, then the latest of the rest.

        From now on all of it counts as told.
        """
        lines = self._lines()
        waiting = [line for line in lines if not line["told"]]
        before = [line for line in lines if line["told"]][-_SHOWN_MAX:]
        if waiting:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._write([{**line, "told": line["told"] or now} for line in lines])
        details = {finding.detail for finding in known}
        return [
            *(_untold(line) for line in waiting if line["detail"] not in details),
            *(noted(f"told before: on {line['at']} {line['detail']}") for line in before),
        ]

    def _lines(self) -> list[dict[str, Any]]:
        try:
            said = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        return [line for line in map(_line, said) if line][-_KEPT_MAX:]

    def _write(self, lines: list[dict[str, Any]]) -> None:
        draft = self._path.with_name("repairs.tmp")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.touch(mode=0o600)
            draft.write_text("".join(f"{json.dumps(line)}\n" for line in lines[-_KEPT_MAX:]))
            os.replace(draft, self._path)
        except OSError as error:  # to mend matters more than to tell of it
            _log.warning("a repair could not be noted (%s)", error)


def note(findings: CheckResults, finding: CheckResult, cause: object = "") -> None:
    """Add a finding, once, in place of the oldest when there are too many.

    The `cause`, such as an engine's words, goes into the log only.
    """
    if finding not in findings:
        if not finding.ok:
            _log.warning("%s%s", finding.detail, f" ({cause})" if cause else "")
            findings.ledger.add(finding)
        findings.append(finding)
        del findings[:-_KEPT_MAX]


def noted(detail: str) -> CheckResult:
    """Something that belongs to a normal life, such as catching up after a kill."""
    return CheckResult(name="note", ok=True, detail=detail)


def repaired(
    detail: str, advice: str = "nothing is left to do; if it comes again, check the disk"
) -> CheckResult:
    """Damage that was put right."""
    return CheckResult(name="repair", ok=False, detail=detail, advice=advice)


def meddled(detail: str) -> CheckResult:
    """Files that somebody took away or replaced while they were in use, which was put right."""
    advice = "nothing is left to do; to restore a backup run first: mcp-memory daemon stop"
    return repaired(detail, advice)


def lost(detail: str) -> CheckResult:
    """Damage that could not be put right: something acknowledged is gone."""
    return CheckResult(
        name="loss",
        ok=False,
        detail=detail,
        advice="if there is a backup of the folder, compare; and check the disk",
    )


def _line(said: str) -> dict[str, Any]:
    """A line of the file; {} for one that is none."""
    try:
        line = json.loads(said)
        return {name: str(line[name]) for name in ("at", "name", "detail", "advice", "told")}
    except (ValueError, KeyError, TypeError):
        return {}


def _untold(line: dict[str, Any]) -> CheckResult:
    detail = f"on {line['at']}: {line['detail']}"
    return CheckResult(name=line["name"], ok=False, detail=detail, advice=line["advice"])
