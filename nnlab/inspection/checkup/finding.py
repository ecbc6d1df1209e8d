"""Finding: what a check before training came to, and what would help."""

from dataclasses import dataclass, field
from typing import Any, Literal

from nnlab.dataset import Array

Verdict = Literal["ok", "warning", "not checked"]


@dataclass(frozen=True)
class Finding:
    """One line of a checkup."""

    subject: str
    verdict: Verdict
    found: str
    """What was found; for ``not checked`` the reason."""
    advice: str = ""
    """What would help; empty where nothing needs to be done."""
    values: dict[str, Any] = field(default_factory=dict)
    """The numbers behind it, for programs."""


def share(part: int, whole: int) -> str:
    """A count as people read it: "3 of 1,797 (0.2 %)"."""
    percent = 100 * part / whole
    return f"{part:,} of {whole:,} ({'< 0.1' if 0 < percent < 0.1 else f'{percent:.1f}'} %)"


def spread_out(rows: Array, most: int) -> Array:
    """At most so many of the rows, evenly spaced: data often lies class by class."""
    return rows[:: -(-len(rows) // most)]
