"""Findings on the screen: one table and one piece of JSON for whatever command looked at something."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nnlab.cli import screen
from nnlab.finding import Finding
from nnlab.present.values import Listing


def print_findings(
    findings: Sequence[Finding],
    about: str,
    columns: Mapping[str, Callable[[Finding], str]] | None = None,
    found: str = "what was found",
    title: str = "",
) -> None:
    """A row for each: its subject under ``about``, the ``columns``, its outcome and, where any has one, its detail."""
    columns = columns or {}
    rows = [
        [
            finding.subject,
            *(cell(finding) for cell in columns.values()),
            _shown(finding),
            screen.with_flags(finding.detail),
        ]
        for finding in findings
    ]
    names = [about, *columns, "", found]
    if not any(finding.detail for finding in findings):
        names, rows = names[:-1], [row[:-1] for row in rows]
    outcome = len(columns) + 1
    screen.show(Listing(names, rows, title=title, left=(0, outcome, outcome + 1)))


def _shown(finding: Finding) -> str:
    """The outcome as people read it."""
    return {"wrong": "WRONG", "untold": "not checked"}.get(finding.outcome, finding.outcome)


def as_json(finding: Finding, **names: str) -> dict[str, Any]:
    """What a document has of a finding, by its own keys: each names a part of the finding or one of its values."""
    parts = {
        "subject": finding.subject,
        "shown": _shown(finding),
        "held": {"ok": True, "wrong": False}.get(finding.outcome),
        "possible": finding.outcome != "untold",
        "detail": screen.with_flags(finding.detail),
        "advice": finding.advice,
        "values": finding.values,
        **finding.values,
    }
    return {key: parts[name] for key, name in names.items()}
