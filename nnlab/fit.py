"""Fit: THE training loop, for every model alike: batches in, records out."""

import math
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlab.dataset import Array, Split, Task
from nnlab.errors import TrainingError
from nnlab.evaluate import evaluate
from nnlab.model import Model, Step
from nnlab.randomness import Purpose, generator

CHUNK_SECONDS = 0.4
"""About how long the model is left alone, so that progress shows and a signal is answered. No result depends on it."""


@dataclass(frozen=True)
class Plan:
    """How long to train, on batches of which size, at which learning rate, and how often to evaluate."""

    steps: int
    batch_size: int | None
    """None: all rows, in their order."""
    eval_every: int
    seed: int
    lr: float
    """The learning rate; 0 for a model that takes none."""
    pause_every: int | None = None
    """Steps after which a record comes in any case, for a caller that must save there."""
    pauses: tuple[int, ...] = ()
    """More such steps, ascending."""

    def steps_per_epoch(self, rows: int) -> int:
        """How many batches a pass over ``rows`` examples takes; the last one may be smaller."""
        return 1 if self.batch_size is None else math.ceil(rows / self.batch_size)

    def lr_at(self, number: int) -> float:
        """The learning rate of the step that ``number`` steps came before; the same for all so far."""
        return self.lr


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
    scores: Array | None = None
    """And the scores (n, outputs) that they come of."""

    @property
    def seconds(self) -> float:
        """Time spent so far."""
        return self.train_seconds + self.eval_seconds


@dataclass(frozen=True)
class Position:
    """Where a training stands."""

    step: int = 0
    since: tuple[float, ...] = ()
    """The losses of the steps since the last evaluation."""
    train_seconds: float = 0.0
    eval_seconds: float = 0.0


def batch_order(rows: int, batch_size: int | None, seed: int, epoch: int) -> list[Array]:
    """The row numbers of each batch of an epoch (int64), shuffled by a generator of this epoch's own."""
    if batch_size is None:
        return [np.arange(rows)]
    order = generator(seed, Purpose.ORDER, epoch).permutation(rows)
    return [order[at : at + batch_size] for at in range(0, rows, batch_size)]


def fit(
    model: Model, data: Any, rows: int, watched: tuple[Any, Split, Task], plan: Plan, start: Position = Position()
) -> Iterator[Record]:
    """Train and yield a record after each chunk of steps; one that ends at an evaluation carries its metrics.

    ``data`` is the training split as ``model.put`` gave it, with ``rows`` examples; ``watched`` the split to evaluate,
    likewise, with its task. The caller may stop at any record and go on later: from ``start``, with the model's
    weights and optimizer state as they were, the same bits come as without a pause. Raises TrainingError after the
    record in which the loss is not a finite number.
    """
    per_epoch = plan.steps_per_epoch(rows)
    following = each_step(rows, plan, start.step)
    since = list(start.since)
    step, size, train_seconds, eval_seconds = start.step, 1, start.train_seconds, start.eval_seconds
    while step < plan.steps or since:
        due = min(plan.steps, _next_multiple(step, plan.eval_every))
        pause = min(due, _next_multiple(step, plan.pause_every or plan.steps), _next_pause(step, plan))
        count = min(size, pause - step)
        began = time.perf_counter()
        # No steps are left where a training stopped between its last step and the evaluation after it.
        losses = model.train(data, [next(following) for _ in range(count)]) if count else np.empty(0)
        spent = time.perf_counter() - began
        train_seconds += spent
        size = _next_size(size, count, spent)
        step += count
        since.extend(losses.tolist())
        train_loss = metrics = scores = None
        broken = _broken(losses, step)
        if step == due and not broken:
            began = time.perf_counter()
            found = evaluate(model, *watched)
            eval_seconds += time.perf_counter() - began
            if math.isfinite(found.metrics["loss"]):
                train_loss, metrics, scores = math.fsum(since) / len(since), found.metrics, found.scores
            else:  # the last update broke what the loss before it did not show yet
                broken = f"the loss became {found.metrics['loss']} after step {step}"
            since = []
        yield Record(step, step / per_epoch, losses, train_seconds, eval_seconds, train_loss, metrics, scores)
        if broken:
            raise TrainingError(broken)


def each_step(rows: int, plan: Plan, number: int = 0) -> Iterator[Step]:
    """Steps without end, epoch after epoch, from the one that ``number`` steps came before."""
    everything = batch_order(rows, None, plan.seed, 0)
    epoch, done = divmod(number, plan.steps_per_epoch(rows))
    while True:
        order = everything if plan.batch_size is None else batch_order(rows, plan.batch_size, plan.seed, epoch)
        for batch in order[done:]:
            yield Step(batch, number, plan.lr_at(number))
            number += 1
        epoch, done = epoch + 1, 0


def _broken(losses: Array, step: int) -> str:
    """Which of the losses up to ``step`` is the first that is not a finite number; empty where all are."""
    finite = np.isfinite(losses)
    if finite.all():
        return ""
    first = int(np.argmin(finite))
    return f"the loss became {losses[first]} at step {step - len(losses) + first + 1}"


def _next_multiple(step: int, every: int) -> int:
    return (step // every + 1) * every


def _next_pause(step: int, plan: Plan) -> int:
    at = bisect_right(plan.pauses, step)
    return plan.pauses[at] if at < len(plan.pauses) else plan.steps


def _next_size(size: int, count: int, spent: float) -> int:
    """How many steps to hand over next, from the speed of the last chunk; at most four times as many as before."""
    fitting = int(count * CHUNK_SECONDS / max(spent, 1e-6))
    return max(1, min(fitting, 4 * size))
