"""The summary: what run.json says of a run, read strictly and written by the same class."""

import math
import re
from collections.abc import Mapping, Sized
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

from nnlab.dataset import Dataset, SplitName, Task, Transform
from nnlab.dataset.task import TASKS
from nnlab.dataset.transform import UNCHANGED, Layout
from nnlab.rundir import strict
from nnlab.standing import Best, Count

SCHEMA_VERSION = 1
Status = Literal["running", "finished", "failed", "interrupted", "died"]
RUNNING: Status = "running"
DIED: Status = "died"
ENDED = ("finished", "failed", "interrupted")
RARE = ("config_before", "group", "ended")
"""Keys that run.json has only where they say something."""
MAX_DIMENSIONS = 8
MAX_TEXT = 4096
MAX_DEPTH = 5
MAX_METRICS = 20
MAX_VARIED = 20


def _positive(value: float) -> bool:
    return value > 0


def _few(values: Sized) -> bool:
    return len(values) <= MAX_METRICS


def _dimensions(sides: list[int]) -> bool:
    return 0 < len(sides) <= MAX_DIMENSIONS and all(sides)


def _known(task: str) -> bool:
    return task in TASKS


def _in_a_file(status: str) -> bool:
    return status != DIED  # which is told by the lock


Deviations = Annotated[list[float], all]
Scores = Annotated[dict[str, float], _few]
"""By metric."""
Baselines = Annotated[dict[str, dict[SplitName, Scores]], _few]
"""Scores by baseline and split."""


def _some(varied: Sized) -> bool:
    return 0 < len(varied) <= MAX_VARIED


def _text_or_number(value: Any) -> bool:
    return isinstance(value, str) or strict.fits(float, value)


@dataclass(frozen=True)
class Membership:
    """The group of runs that a run belongs to, which were started together."""

    id: Annotated[str, re.compile(r"[0-9a-f]{16}").fullmatch]
    varied: Annotated[dict[str, Annotated[Any, _text_or_number]], _some]
    """By dotted key of the config: how this run differs from the rest."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What run.json says of the data: enough to compare runs, and to predict without having the data."""

    name: str | None = None
    sha256: str | None = None
    train: Annotated[Count, _positive] | None = None
    val: Count | None = None
    test: Count | None = None
    features: Count | None = None
    outputs: Annotated[Count, _positive] | None = None
    shape: Annotated[list[Count], _dimensions] | None = None
    classes: list[str] | None = None
    """Empty for regression."""
    feature_names: list[str] | None = None
    target_name: str | None = None
    target_names: list[str] | None = None
    examples: dict[str, str | None] | None = None
    """The hash of the very examples of each split."""
    columns: list[Any] | None = None
    """From here on the parts of ``transform``."""
    header: bool | None = None
    width: Count | None = None
    target_places: list[Count] | None = None
    layout: Layout | None = None
    picture: dict[str, Any] | None = None
    scale: Annotated[float, _positive] | None = None
    whole: bool | None = None
    mean: list[float] | None = None
    std: Deviations | None = None
    target_mean: list[float] | None = None
    target_std: Deviations | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """Keys that this version does not know."""
    keys: tuple[str, ...] = ()
    """All keys that the file has, in their order."""

    @classmethod
    def of(cls, dataset: Dataset) -> "Facts":
        """Those of the data that is here."""
        return cls(
            name=dataset.name,
            sha256=dataset.sha256,
            train=len(dataset.train),
            val=len(dataset.val) if dataset.val else 0,
            test=len(dataset.test) if dataset.test else 0,
            features=dataset.features,
            outputs=dataset.outputs,
            shape=list(dataset.shape),
            classes=list(dataset.classes),
            feature_names=list(dataset.feature_names),
            target_name=dataset.target_name,
            target_names=list(dataset.target_names),
            examples={name: dataset.examples.get(name) for name in ("train", "val", "test")},
            **dataset.transform.to_dict(),
        )

    @cached_property
    def transform(self) -> Transform:
        """What was done to the data. Raises ValueError, TypeError or KeyError for what cannot have been."""
        return Transform.from_dict(vars(self))

    def count(self, split: SplitName) -> int | None:
        """How many examples a split has."""
        return {"train": self.train, "val": self.val, "test": self.test}[split]

    def to_json(self) -> dict[str, Any]:
        """What run.json is to hold of them."""
        found: dict[str, Any] = strict.plain(self)
        return found

    @property
    def watched(self) -> SplitName:
        """The split that was evaluated while the run trained."""
        return "val" if self.val else "test" if self.test else "train"

    @property
    def scored(self) -> SplitName:
        """The split whose score counts: test where there is one, else val, else train."""
        return "test" if self.test else "val" if self.val else "train"

    def contradiction(self, task: Task) -> str | None:
        """What cannot be so together: features as the shape says, outputs as there are classes, a mean for each."""
        features, outputs = self.features, self.outputs
        if self.shape and features is not None and math.prod(self.shape) != features:
            return "features"
        for key, values in (("mean", self.mean), ("std", self.std), ("feature_names", self.feature_names)):
            if values and features is not None and len(values) != features:
                return key
        if bool(self.mean) != bool(self.std):
            return "std"
        means, deviations = self.target_mean or [], self.target_std or []
        if len(means) != len(deviations) or (means and outputs is not None and len(means) != outputs):
            return "target_std"
        try:
            transform = self.transform if self.columns or self.picture else UNCHANGED  # else its keys are right
        except (ValueError, TypeError, KeyError):
            return "columns"
        if transform.columns and features is not None and len(transform.feature_names) != features:
            return "columns"
        if self.classes is not None and (tuple(self.classes) != task.classes or not task.outputs):
            return "classes"
        return "outputs" if self.classes and outputs is not None and len(self.classes) != outputs else None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What run.json says; None for what the run does not know yet, or an older version did not write."""

    schema_version: int = SCHEMA_VERSION
    status: Annotated[Status, _in_a_file]
    name: str
    """Of its folder when it was made."""
    config_sha256: str | None = None
    model: str
    dataset: Facts
    path_given: str | None = None
    """How the path of the data was written."""
    task: Annotated[str, _known]
    """The name of what is learnt."""
    device: str | None = None
    seed: int | None = None
    parameters: Count | None = None
    """How many numbers the model learns."""
    started: str | None = None
    finished: str | None = None
    seconds: dict[str, float | None]
    """In total, and those of training and evaluating."""
    steps: Count | None = None
    epochs: float | None = None
    metrics: Annotated[dict[SplitName, Annotated[dict[str, float | None], _few] | None], _few]
    """By split and metric; None where a number was none."""
    best: Best | None = None
    baselines: Baselines | None = None
    resumed: list[Any] | None = None
    """Where resumes went on from."""
    error: str | None = None
    config_before: str | None = None
    """The hash of the config that a resume is about to replace."""
    group: Membership | None = None
    ended: Annotated[str, len] | None = None
    """Why training ended before all steps of its plan."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Keys that this version does not know."""
    keys: tuple[str, ...] = ()
    """All keys that the file has, in their order."""

    @classmethod
    def of(cls, content: dict[str, Any]) -> "Summary":
        """What run.json holds. Raises ShapeError for the first key that is missing, or cannot have been written so."""
        if _too_much(content):
            raise strict.ShapeError("a text or a list")
        found = strict.read(cls, content)
        if key := found.dataset.contradiction(found.learnt):
            raise strict.ShapeError("dataset", key)
        return found

    def to_json(self) -> dict[str, Any]:
        """What run.json is to hold."""
        found: dict[str, Any] = strict.plain(self)
        return {key: value for key, value in found.items() if value is not None or key not in RARE or key in self.keys}

    @cached_property
    def learnt(self) -> Task:
        """The task."""
        return TASKS[self.task].of(self.dataset.classes or (), self.dataset.outputs or 1)

    def scores(self, split: SplitName) -> Mapping[str, float | None]:
        """The metrics of a split; empty where there are none."""
        return self.metrics.get(split) or {}


def _too_much(content: dict[str, Any]) -> bool:
    """Whether a text in it is longer, or a level deeper, than anything that is written here."""
    level: list[Any] = [content]
    for _ in range(MAX_DEPTH):
        inside = [item for each in level for item in (each if type(each) is list else (*each, *each.values()))]
        if max(map(len, [item for item in inside if type(item) is str]), default=0) > MAX_TEXT:
            return True
        level = [item for item in inside if type(item) in (dict, list)]
    return any(level)
