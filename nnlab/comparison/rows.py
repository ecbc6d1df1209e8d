"""Rows: one run each, read from its directory: what it was scored on, its config and its scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnlab import metrics
from nnlab.config import yaml
from nnlab.dataset import SplitName, Task
from nnlab.dataset.split import SCORED_FIRST
from nnlab.rundir import RunDir, Summary
from nnlab.rundir.directory import CONFIG
from nnlab.rundir.edited import edited

SEED = "seed"
SPLIT_KEYS = ("dataset.test_fraction", "dataset.split_seed")
"""What decides which examples of the same data are the test split."""
CHOSEN_BY_TEST = (
    "these runs have no val split: whoever chooses among them by the test score makes the winner's look better than "
    "it is; dataset.val_fraction=0.1 keeps examples to choose by"
)


@dataclass(frozen=True)
class Data:
    """What runs are scored on, in words."""

    dataset: str
    sha256: str
    task: Task
    scored: str
    """How many examples of which split give the score that counts."""
    examples: str | None
    """The hash of the very examples; None where a run keeps none, or each seed has its own."""

    @property
    def hashes(self) -> str:
        """The starts of its hashes, for people: two groups may differ in nothing else."""
        return f"data {self.sha256[:12]}" + (f", examples {self.examples[:12]}" if self.examples else "")

    @property
    def title(self) -> str:
        """A line for people."""
        return f"{self.dataset}: {self.scored}; {self.hashes}"


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
    summary: Summary
    """Its run.json."""
    marks: tuple[str, ...] = ()
    """What a reader of its scores should know of this run, each a few words."""

    @property
    def task(self) -> Task:
        """What its run.json says."""
        return self.summary.learnt

    @property
    def scored(self) -> SplitName:
        """The split whose score counts: test where there is one, else val, else train."""
        return self.summary.dataset.scored

    @property
    def chosen_by_test(self) -> bool:
        """Whether the only examples to choose it by are those that are to judge it."""
        return bool(self.summary.dataset.test) and not self.summary.dataset.val

    def examples(self, split: str) -> str | None:
        """The hash of the very examples of a split; None where the run keeps none."""
        return (self.summary.dataset.examples or {}).get(split)

    @property
    def without_hashes(self) -> tuple[str, ...]:
        """What decides which examples a run is scored on that keeps no hash of them."""
        facts, split = self.summary.dataset, self.scored
        drawn = [str(self.summary.seed), str(facts.train)] * (split == "val")
        keys = [f"{key}={self.config[key]}" for key in SPLIT_KEYS if key in self.config]
        return (str(facts.name), str(facts.sha256), split, str(facts.count(split)), *drawn, *keys)

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """What next to no learning scores on its data, and scikit-learn's linear model, by name and column."""
        return {
            name: {f"{split}_{metric}": value for split, values in splits.items() for metric, value in values.items()}
            for name, splits in (self.summary.baselines or {}).items()
        }


def read_row(run: RunDir, *, bare: bool = False) -> Row:
    """A run as a row, ``bare`` without its config. Raises RunError or ConfigError where its directory is damaged."""
    summary = run.summary()
    config = {} if bare else _flat(yaml.read(run.config.read(), str(run.path / CONFIG)).data)
    values = {
        f"{split}_{name}": float(value)
        for split in SCORED_FIRST
        for name, value in summary.scores(split).items()
        if value is not None
    }
    seconds = summary.seconds.get("total")
    total = float(seconds) if seconds else None
    worse = metrics.shortfall(summary.learnt, summary.metrics, summary.baselines)
    marks = (*edited(run, summary), *([worse.mark] if worse else []))
    return Row(run.name, run.path, summary.status, config, values, total, run, summary, marks)


def scored_on(rows: Sequence[Row]) -> Data:
    """What runs are scored on that differ in nothing but their seed."""
    first = rows[0]
    facts = first.summary.dataset
    count, split = facts.count(first.scored) or 0, first.scored
    scored = f"{count:,} {split} examples"
    if split == "val":  # which examples these are depends on the seed, and on how many there were to draw from
        listed = [str(row.summary.seed) for row in rows]
        plural = "s" * (len(listed) > 1)
        scored += f" of {(facts.train or 0) + count:,}, seed{plural} {', '.join(listed)}"
    hashes = {row.examples(split) for row in rows}
    examples = hashes.pop() if len(hashes) == 1 else None
    return Data(str(facts.name), str(facts.sha256), first.task, scored, examples)


def _flat(data: Any, path: str = "") -> dict[str, str]:
    """Leaves by dotted key, as YAML; in ``model.name`` and ``dataset.name`` the short key is enough."""
    if isinstance(data, dict):
        return {
            dotted: value
            for key, inner in data.items()
            for dotted, value in _flat(inner, f"{path}.{key}" if path else str(key)).items()
        }
    return {path.removesuffix(".name"): yaml.dump_line(data)}
