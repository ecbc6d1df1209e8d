"""Diff: two runs side by side: what differs in config, data, code, packages and hardware, and what they score."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nnlab import environment
from nnlab.comparison.comparable import why_not
from nnlab.comparison.rows import Row, read_row
from nnlab.dataset.split import SCORED_FIRST
from nnlab.dataset.task import TASKS, metric_of
from nnlab.errors import RunError
from nnlab.rundir import RunDir

NAMED = 5
"""Keys that the sentence names; of more it says how many."""
# Which keys of env.json belong to which section; what is not listed is hardware. Device and threads are in the config.
_PACKAGES, _CODE, _CONFIG = ("python", "implementation", "packages"), ("git",), ("device", "threads")


Changes = dict[str, tuple[str | None, str | None]]
"""Keys that differ: the values of A and B as text, None where one has none."""


@dataclass(frozen=True)
class Score:
    """A metric of a split, of both runs; None where a run has none."""

    split: str
    metric: str
    a: float | None
    b: float | None

    @property
    def difference(self) -> float | None:
        """B less A."""
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def better(self) -> bool | None:
        """Whether B is better than A; None where they are equal, or one has no score."""
        if not self.difference:
            return None
        return (self.difference > 0) == metric_of(self.metric).higher_is_better


@dataclass(frozen=True)
class Diff:
    """What two runs have in common and what not."""

    a: Row
    b: Row
    sections: dict[str, Changes]
    """Of the config, the data, the code, the packages and the hardware."""
    unknown: dict[str, str]
    """By section: why it cannot be told whether anything in it differs."""
    scores: list[Score]
    incomparable: str | None
    """Why their scores may not be set side by side; None where they may."""

    @property
    def sentence(self) -> str:
        """What it all comes to."""
        if self.a.path.resolve() == self.b.path.resolve():
            return "A and B are one run"
        if self.incomparable:
            return f"not comparable: {self.incomparable}"
        keys = list(self.sections["config"])
        others = [f"the {name}" for name, changes in self.sections.items() if changes and name != "config"]
        text = _differ(keys) if keys else "the config is the same" if others else "nothing differs"
        if keys and others:
            text += f" in the config; {_differ(others, also=True)}"
        elif others:
            text += f"; {_differ(others)}"
        if not keys and any(score.difference for score in self.scores):
            text += ", and so do the scores" if others else ", and yet the scores do"
        return text


def _differ(names: list[str], *, also: bool = False) -> str:
    """Which of them differ: "only train.lr differs", "train.lr and seed differ"."""
    if len(names) == 1:
        return f"{names[0]} differs too" if also else f"only {names[0]} differs"
    shown = names if len(names) <= NAMED else [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more keys"]
    return f"{', '.join(shown[:-1])} and {shown[-1]} differ" + (" too" if also else "")


def diff(a: RunDir, b: RunDir) -> Diff:
    """Read two runs and set them side by side. Raises RunError or ConfigError where one's directory is damaged."""
    ours, theirs = read_row(a), read_row(b)
    beside, unknown = _environment(ours, theirs)
    sections = {
        "config": _changes(ours.config, theirs.config),
        "data": _changes(_data(ours, theirs), _data(theirs, ours)),
        **beside,
    }
    return Diff(ours, theirs, sections, unknown, list(_scores(ours, theirs)), why_not(ours, theirs))


def _changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Changes:
    differing = [key for key in dict.fromkeys([*a, *b]) if a.get(key) != b.get(key)]
    return {key: (_text(a.get(key)), _text(b.get(key))) for key in differing}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _data(row: Row, other: Row) -> dict[str, Any]:
    """What a run says of its data; the hashes of its examples only where both have them, as older runs keep none."""
    facts, splits = row.summary.dataset, ("train", "val", "test")
    hashes = {f"data.{split}.sha256": row.examples(split) for split in splits if other.examples(split)}
    return {**{f"data.{key}": getattr(facts, key) for key in ("name", "sha256", *splits)}, **hashes}


def _environment(a: Row, b: Row) -> tuple[dict[str, Changes], dict[str, str]]:
    """Code, packages and hardware, from the env.json that each run has but for old ones and those killed early.

    Beside what differs, why that cannot be told of a section.
    """
    sides: dict[str, list[dict[str, Any]]] = {name: [{}, {}] for name in ("code", "packages", "hardware")}
    try:
        found = [environment.flat(row.run.environment.read()) for row in (a, b)]
    except RunError as error:
        return {name: {} for name in sides}, dict.fromkeys(sides, error.message)
    for side, flat in enumerate(found):
        for key, value in flat.items():
            if (section := _section(key)) is not None:
                sides[section][side][key] = value
    sections = {name: _changes(ours, theirs) for name, (ours, theirs) in sides.items()}
    why = "" if sections["code"] else _unknown_code(sides["code"][0])
    return sections, {"code": why} if why else {}


def _section(key: str) -> str | None:
    first = key.partition(".")[0]
    if first in _CONFIG:
        return None
    return "code" if first in _CODE else "packages" if first in _PACKAGES else "hardware"


def _unknown_code(both: Mapping[str, Any]) -> str:
    """Why two runs that say the same of their code need not have had the same."""
    if not both.get("git.commit"):
        return "neither run was started in a git repository"
    return f"both had uncommitted changes on {both['git.commit']!s:.12}" if both.get("git.dirty") else ""


def _scores(a: Row, b: Row) -> Iterator[Score]:
    for split in SCORED_FIRST:
        for metric in dict.fromkeys(metric.name for task in TASKS.values() for metric in task.compared()):
            values = [row.values.get(f"{split}_{metric}") for row in (a, b)]
            if values != [None, None]:
                yield Score(split, metric, *values)


def diff_as_json(found: Diff) -> dict[str, Any]:
    """The same as plain data."""
    sides = {
        letter: {"name": row.name, "path": str(row.path), "status": row.status, "seconds": row.seconds}
        for letter, row in (("a", found.a), ("b", found.b))
    }
    return {
        **sides,
        "sections": [
            {
                "name": name,
                "changes": [{"key": key, "a": a, "b": b} for key, (a, b) in changes.items()],
                "unknown": found.unknown.get(name, ""),
            }
            for name, changes in found.sections.items()
        ],
        "scores": [
            {**asdict(score), "difference": score.difference, "better": None if found.incomparable else score.better}
            for score in found.scores
        ],
        "comparable": found.incomparable is None,
        "why_not": found.incomparable,
        "sentence": found.sentence,
    }
