"""What was found, and put right, while the store was opened or used."""

from __future__ import annotations

import logging

from mcp_memory.storage.contract import Finding

_log = logging.getLogger(__name__)
_KEPT_MAX = 50


def note(findings: list[Finding], finding: Finding) -> None:
    """Add a finding, once, in place of the oldest when there are too many."""
    if finding not in findings:
        if not finding.ok:
            _log.warning("%s", finding.detail)
        findings.append(finding)
        del findings[:-_KEPT_MAX]


def noted(detail: str) -> Finding:
    """Something that belongs to a normal life, such as catching up after a kill."""
    return Finding(name="note", ok=True, detail=detail)


def repaired(detail: str) -> Finding:
    """Damage that was put right."""
    return Finding(
        name="repair",
        ok=False,
        detail=detail,
        advice="nothing is left to do; if it comes again, check the disk",
    )
