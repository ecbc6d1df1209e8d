"""Fit: THE training loop, for every model alike: batches in, records out."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlab.dataset import Array, Split, Task
from nnlab.errors import TrainingError
from nnlab.evaluate import evaluate
from nnlab.model import Model
from nnlab.randomness import Purpose, generator

CHUNK_SECONDS = 0.4
"""About how long the model is left alone, so that progress shows and a signal is answered. No result depends on it."""


@dataclass(frozen=True)
class Plan:
    """How long to train, on batches of which size, and how often to evaluate."""

    steps: int
    batch_size: int | None
    """None: all rows, in their order."""
    eval_every: int
    seed: int

    def steps_per_epoch(self, rows: int) -> int:
        """How many batches a pass over ``rows`` examples takes; the last one may be smaller."""
        return 1 if self.batch_size is None else math.ceil(rows / self.batch_size)


@dataclass(frozen=True)
class Record:
    """What a chunk of training steps came to."""

    step: int
    """Steps done so far."""
    epoch: float
    losses: Array
    """(steps of this chunk,) float64: the loss of each step before its update."""
    train_seconds: float
    eval_seconds: float
    """Time in the model's ``train`` and in evaluations so far."""
    train_loss: float | None = None
    """At an evaluation: the mean loss of the steps since the last one."""
    metrics: dict[str, float] | None = None
    """At an evaluation: the metrics of the watched split."""

    @property
    def seconds(self) -> float:
        """Time spent so far."""
        return self.train_seconds + self.eval_seconds


def batch_order(rows: int, batch_size: int | None, seed: int, epoch: int) -> list[Array]:
    """The row numbers of each batch of an epoch (int64), shuffled by a generator of this epoch's own."""
    if batch_size is None:
        return [np.arange(rows)]
    order = generator(seed, Purpose.ORDER, epoch).permutation(rows)
    return [order[at : at + batch_size] for at in range(0, rows, batch_size)]


def fit(model: Model, data: Any, rows: int, watched: tuple[Any, Split, Task], plan: Plan) -> Iterator[Record]:
    """Train and yield a record after each chunk of steps; one that ends at an evaluation carries its metrics.

    ``data`` is the training split as ``model.put`` gave it, with ``rows`` examples; ``watched`` the split to evaluate,
    likewise, with its task. The caller may stop at any record. Raises TrainingError after the record in which the
    loss is not a finite number.
    """
    batches = _batches(rows, plan)
    per_epoch = plan.steps_per_epoch(rows)
    since: list[float] = []
    step, size, train_seconds, eval_seconds = 0, 1, 0.0, 0.0
    while step < plan.steps:
        due = min(plan.steps, (step // plan.eval_every + 1) * plan.eval_every)
        count = min(size, due - step)
        began = time.perf_counter()
        losses = model.train(data, [next(batches) for _ in range(count)])
        spent = time.perf_counter() - began
        train_seconds += spent
        size = _next_size(size, count, spent)
        step += count
        since.extend(losses.tolist())
        train_loss = metrics = None
        if step == due and np.isfinite(losses).all():
            train_loss = math.fsum(since) / len(since)
            since = []
            began = time.perf_counter()
            metrics = evaluate(model, *watched).metrics
            eval_seconds += time.perf_counter() - began
        yield Record(step, step / per_epoch, losses, train_seconds, eval_seconds, train_loss, metrics)
        if not np.isfinite(losses).all():
            bad = step - count + 1 + int(np.argmin(np.isfinite(losses)))
            raise TrainingError(f"the loss became {losses[bad - (step - count) - 1]} at step {bad}")


def _batches(rows: int, plan: Plan) -> Iterator[Array]:
    """Batches without end, epoch after epoch."""
    everything = batch_order(rows, None, plan.seed, 0)
    epoch = 0
    while True:
        yield from everything if plan.batch_size is None else batch_order(rows, plan.batch_size, plan.seed, epoch)
        epoch += 1


def _next_size(size: int, count: int, spent: float) -> int:
    """How many steps to hand over next, from the speed of the last chunk; at most four times as many as before."""
    fitting = int(count * CHUNK_SECONDS / max(spent, 1e-6))
    return max(1, min(fitting, 4 * size))
