"""Writers: what is kept of a training on its way, beside its rows and frames: best weights, checkpoints, run.json.

Each writes what it has to of where the training stands and hands that on.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np

from nnlab.dataset import Array, Dataset
from nnlab.experiment.rows import Rows
from nnlab.fit import Plan
from nnlab.model import Model
from nnlab.rundir import RunDir, Summary
from nnlab.rundir.checkpoint import Checkpoint
from nnlab.rundir.sealed import sha256
from nnlab.rundir.summary import RUNNING, Status
from nnlab.standing import Best, Standing

CHECKPOINT_SECONDS = 30.0
"""Between checkpoints where the config does not say how many steps."""
SUMMARY_SECONDS = 5.0
"""Between updates of run.json, so that others see how far the run is."""


class Writer(Protocol):
    """What keeps something of a training."""

    def write(self, at: Standing) -> Standing:
        """Write what there is to write of this standing; the standing as it then is. Raises OSError."""
        ...


class BestWeights:
    """The weights where the val split's metric is better than ever before."""

    def __init__(self, run: RunDir, dataset: Dataset, model: Model) -> None:
        self.run, self.model = run, model
        self.metric = dataset.task.ranked_by if dataset.watched == "val" else None
        self.weights: dict[str, Array] = {}

    def begin(self) -> None:
        """Write those that there are. Raises OSError."""
        if self.weights:
            self.run.best.write(self.weights)

    def write(self, at: Standing) -> Standing:
        metric = self.metric
        if metric is None or at.metrics is None:
            return at
        value = at.metrics[metric.name]
        if at.best is not None and not metric.better(value, at.best.value):
            return at
        self.weights = self.model.weights()
        self.run.best.write(self.weights)
        return replace(at, best=Best(at.step, at.epoch, f"val_{metric.name}", value))


class Checkpoints:
    """What going on needs, now and then, and at the last step."""

    def __init__(self, run: RunDir, model: Model, plan: Plan, rows: Rows, best: BestWeights, config: str) -> None:
        """``config`` is the text of config.yaml."""
        self.run, self.model, self.plan, self.rows, self.best = run, model, plan, rows, best
        self.config_sha256 = sha256(config.encode())
        self.time = time.perf_counter()
        self.step = -1
        """Of the last one."""

    def write(self, at: Standing) -> Standing:
        if self._due(at) and self.fit_for(at):
            self.save(at)
        return at

    def _due(self, at: Standing) -> bool:
        if self.plan.over(at):  # what `resume --epochs` goes on from
            return True
        if self.plan.pause_every:
            return at.step % self.plan.pause_every == 0
        return time.perf_counter() - self.time >= CHECKPOINT_SECONDS

    def fit_for(self, at: Standing) -> bool:
        """Whether a checkpoint here is better than the one before.

        It is not where something has diverged, a loss or an evaluation that was due; and on the way not before every
        row that was cut off has come out as it was.
        """
        if not np.isfinite(at.losses).all() or (at.metrics is None and self.plan.evaluates(at.step)):
            return False
        return self.plan.over(at) or not (self.rows.strict and self.rows.awaited)

    def save(self, at: Standing) -> None:
        """Write one. Raises OSError."""
        content = self.run.metrics.bytes()
        weights, optimizer, best = self.model.weights(), self.model.optimizer_state(), self.best.weights
        belonging = len(content), sha256(content), self.config_sha256
        self.run.write_checkpoint(Checkpoint(at, *belonging, weights, optimizer, best))
        self.time, self.step = time.perf_counter(), at.step


class Account:
    """run.json, anew every few seconds at an evaluation."""

    def __init__(self, run: RunDir, summary: Summary) -> None:
        self.run, self.summary = run, summary
        self.time = time.perf_counter()

    def write(self, at: Standing) -> Standing:
        if at.metrics is not None and time.perf_counter() - self.time >= SUMMARY_SECONDS:
            self.update(RUNNING, at)
        return at

    def update(self, status: Status, at: Standing, **changes: Any) -> None:
        """Write it, with this status. Raises OSError."""
        self.summary = self.saying(status, at, **changes)
        self.run.json.write(self.summary.to_json())
        self.time = time.perf_counter()

    def saying(self, status: Status, at: Standing, **changes: Any) -> Summary:
        """What it is to say now."""
        return replace(
            self.summary,
            **changes,
            status=status,
            finished=None if status == RUNNING else now(),
            steps=at.step,
            epochs=at.epoch,
            best=at.best,
            seconds={name: round(getattr(at.seconds, name), 4) for name in ("total", "train", "eval")},
            ended=at.ended or None,
        )


def now() -> str:
    """The local time, as run.json has it."""
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")
