"""Finding: one thing that was looked at, what came of it, and what a command ends in by it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from nnlab.errors import CheckError, ConfigError, NnlabError

Outcome = Literal["wrong", "not checked", "warning", "untold", "ok"]
"""``not checked`` is what this machine or the data at hand lacks something for; ``untold`` what no look can tell."""
ENDS: dict[Outcome, type[NnlabError] | None] = {
    "wrong": CheckError,
    "not checked": ConfigError,
    "warning": None,
    "untold": None,
    "ok": None,
}
"""What a command ends in by the worst outcome that it found, the worst first: the one rule for exit codes."""
Said = tuple[str, str]
"""A message and a hint."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    """The file, the parameter, or what else it is about."""
    outcome: Outcome
    detail: str = ""
    """What was found; where nothing could be told, the reason."""
    advice: str = ""
    """What would help; empty where nothing needs to be done."""
    values: dict[str, Any] = field(default_factory=dict)
    """The numbers behind it, for programs."""


def worst(findings: Iterable[Finding]) -> Outcome:
    """The worst of their outcomes; of no finding at all ``ok``."""
    found = {finding.outcome for finding in findings}
    return next((outcome for outcome in ENDS if outcome in found), "ok")


def subjects(findings: Iterable[Finding], *outcomes: Outcome) -> list[str]:
    """The subjects of those with one of the outcomes, each once."""
    return list(dict.fromkeys(finding.subject for finding in findings if finding.outcome in outcomes))


def conclude(findings: Iterable[Finding], wrong: Said, not_checked: Said = ("", "")) -> None:
    """Raise what the worst of the findings ends in, saying ``wrong`` or ``not_checked``; most end in nothing."""
    outcome = worst(findings)
    if error := ENDS[outcome]:
        raise error(*(wrong if outcome == "wrong" else not_checked))
