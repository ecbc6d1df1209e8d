"""A finding: what one part of the proof set out to show, how often it was tried and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """One row of RELIABILITY.md."""

    goal: str
    """What must hold, with its figure."""
    found: str
    """What was tried and what came of it, with counts."""
    failures: list[str] = field(default_factory=list)
    """A line for each case that went against the goal; empty where it is met."""
    notes: list[str] = field(default_factory=list)
    """Details worth printing: counts by kind, times."""

    @property
    def met(self) -> bool:
        """Whether nothing went against the goal."""
        return not self.failures


Measure = Callable[[bool, Path], Finding]
"""``measure(full, folder)``: the full counts, or a quick round of the same for the test suite; files go in folder."""
