"""Rows: one run each, read from its directory: what it was scored on, its config and its scores."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnlab import metrics
from nnlab.config import yaml
from nnlab.dataset import Task
from nnlab.rundir import CONFIG, RunDir

SPLITS = ("test", "val", "train")
SEED = "seed"
CHOSEN_BY_TEST = (
    "these runs have no val split: whoever chooses among them by the test score makes the winner's look better than "
    "it is; dataset.val_fraction=0.1 keeps examples to choose by"
)


@dataclass(frozen=True)
class Data:
    """What runs are scored on; only those that agree in all of it are ranked together."""

    dataset: str
    sha256: str
    task: Task
    scored: str
    """How many examples of which split give the score that counts."""

    @property
    def title(self) -> str:
        """A line for people."""
        return f"{self.dataset}: {self.scored}; data {self.sha256[:12]}"


@dataclass(frozen=True)
class Row:
    """One run in a comparison."""

    name: str
    path: Path
    status: str
    config: dict[str, str]
    """The resolved config by dotted key, values as YAML."""
    values: dict[str, float]
    """Metrics by column: test_accuracy, test_loss, …"""
    seconds: float | None
    run: RunDir
    summary: dict[str, Any]
    """Its run.json."""
    marks: tuple[str, ...] = ()
    """What a reader of its scores should know of this run, each a few words."""


def read_row(run: RunDir, *, bare: bool = False) -> Row:
    """A run as a row, ``bare`` without its config. Raises RunError or ConfigError where its directory is damaged."""
    summary = run.summary()
    config = {} if bare else _flat(yaml.read(run.read_text(CONFIG), str(run.path / CONFIG)).data)
    values = {
        f"{split}_{name}": float(value)
        for split in SPLITS
        for name, value in (summary["metrics"].get(split) or {}).items()
        if isinstance(value, int | float)
    }
    seconds = summary["seconds"].get("total")
    total = float(seconds) if isinstance(seconds, int | float) and seconds else None
    worse = metrics.shortfall(summary)
    marks = (worse.mark,) if worse else ()
    return Row(run.name, run.path, str(summary["status"]), config, values, total, run, summary, marks)


def chosen_by_test(row: Row) -> bool:
    """Whether the only examples to choose a run by are those that are to judge it."""
    data = row.summary["dataset"]
    return bool(data.get("test")) and not data.get("val")


def scored_on(summary: Mapping[str, Any], seeds: Iterable[Any]) -> Data:
    """What the runs of these seeds, of which ``summary`` is one's run.json, are scored on."""
    facts = summary["dataset"]
    train, val, test = (facts.get(name) or 0 for name in ("train", "val", "test"))
    if test:
        scored = f"{test:,} test examples"
    elif val:  # which examples these are depends on the seed, and on how many there were to draw from
        listed = [str(seed) for seed in seeds]
        scored = f"{val:,} val examples of {train + val:,}, seed{'s' * (len(listed) > 1)} {', '.join(listed)}"
    else:
        scored = f"{train:,} train examples"
    task: Task = "regression" if summary["task"] == "regression" else "classification"
    return Data(str(facts.get("name")), str(facts.get("sha256")), task, scored)


def _flat(data: Any, path: str = "") -> dict[str, str]:
    """Leaves by dotted key, as YAML; in ``model.name`` and ``dataset.name`` the short key is enough."""
    if isinstance(data, dict):
        return {
            dotted: value
            for key, inner in data.items()
            for dotted, value in _flat(inner, f"{path}.{key}" if path else str(key)).items()
        }
    return {path.removesuffix(".name"): yaml.dump_line(data)}
