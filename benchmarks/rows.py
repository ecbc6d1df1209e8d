"""Rows: what a benchmark measured, and the goals it is held against."""

from dataclasses import dataclass, field
from typing import Any

from benchmarks.timing import Timing


@dataclass(frozen=True)
class Goal:
    """A number that should be at least, or at most, a limit."""

    text: str
    value: float | None
    """None where it could not be measured; ``why`` says why."""
    limit: float
    at_least: bool
    unit: str = ""
    why: str = ""
    pair: tuple[str, ...] = ()
    """The contestants it is about: nnlab's own, and the one beside it."""

    @property
    def met(self) -> bool | None:
        """None where it could not be measured."""
        if self.value is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def to_dict(self) -> dict[str, Any]:
        return {
            "goal": self.text,
            "value": self.value,
            "limit": self.limit,
            "at_least": self.at_least,
            "unit": self.unit,
            "met": self.met,
            "why": self.why,
            "pair": self.pair,
        }


@dataclass
class Row:
    """A work, how long each contestant took for it, and its goals."""

    work: str
    timings: dict[str, Timing] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    """Contestants that could not take part, and why."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Whatever else is worth knowing: scores reached, megabytes."""

    def faster(self, text: str, than: str, limit: float, nnlab: str = "nnlab") -> None:
        """Add the goal of being ``limit`` times as fast as a contestant."""
        self._ratio(text, nnlab, than, limit, at_least=True)

    def within(self, text: str, of: str, limit: float, nnlab: str = "nnlab") -> None:
        """Add the goal of taking at most ``limit`` times as long as a floor."""
        self._ratio(text, nnlab, of, limit, at_least=False)

    def _ratio(self, text: str, ours: str, other: str, limit: float, *, at_least: bool) -> None:
        why = next((f"{name}: {self.missing.get(name, '?')}" for name in (ours, other) if name not in self.timings), "")
        value = None
        if not why:
            value = self.timings[other].median / self.timings[ours].median
            value = value if at_least else 1 / value
        self.goals.append(Goal(text, value, limit, at_least, why=why, pair=(ours, other)))

    def to_dict(self) -> dict[str, Any]:
        return {
            "work": self.work,
            "seconds": {name: found.to_dict() for name, found in self.timings.items()},
            "goals": [goal.to_dict() for goal in self.goals],
            "missing": self.missing,
            "facts": self.facts,
        }
