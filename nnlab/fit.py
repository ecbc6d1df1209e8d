"""Fit: THE training loop, for every model alike: steps in, standings out."""

import math
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnlab.dataset import Array, Split, Task
from nnlab.errors import DivergedError
from nnlab.evaluate import evaluate
from nnlab.model import Model, Step
from nnlab.randomness import Purpose, generator
from nnlab.standing import Standing

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
    """Steps after which the loop pauses in any case, for a caller that must save there."""
    pauses: tuple[int, ...] = ()
    """More such steps, ascending."""

    def steps_per_epoch(self, rows: int) -> int:
        """How many batches a pass over ``rows`` examples takes; the last one may be smaller."""
        return 1 if self.batch_size is None else math.ceil(rows / self.batch_size)

    def lr_at(self, number: int) -> float:
        """The learning rate of the step that ``number`` steps came before; the same for all so far."""
        return self.lr

    def ends(self, at: Standing) -> str:
        """Why training is to end at this evaluation, before all its steps are done; empty for none so far."""
        return ""

    def evaluates(self, step: int) -> bool:
        """Whether training comes to an evaluation after this step."""
        return step == self.steps or (step < self.steps and step % self.eval_every == 0)

    def over(self, at: Standing) -> bool:
        """Whether no steps are left there."""
        return at.step == self.steps or bool(at.ended)


def batch_order(rows: int, batch_size: int | None, seed: int, epoch: int) -> list[Array]:
    """The row numbers of each batch of an epoch (int64), shuffled by a generator of this epoch's own."""
    if batch_size is None:
        return [np.arange(rows)]
    order = generator(seed, Purpose.ORDER, epoch).permutation(rows)
    return [order[at : at + batch_size] for at in range(0, rows, batch_size)]


def fit(
    model: Model,
    data: Any,
    rows: int,
    watched: tuple[Any, Split, Task],
    plan: Plan,
    start: Standing = Standing(),  # noqa: B008 - it is frozen
) -> Iterator[Standing]:
    """Train and yield where it stands after each chunk of steps; at an evaluation with its metrics.

    ``data`` is the training split as ``model.put`` gave it, with ``rows`` examples; ``watched`` the split to evaluate,
    likewise, with its task. The caller may stop at any standing and go on later: from ``start``, with the model's
    weights and optimizer state as they were, the same bits come as without a pause. Raises DivergedError after the
    standing in which the loss is not a finite number.
    """
    per_epoch = plan.steps_per_epoch(rows)
    following = each_step(rows, plan, start.step)
    at, size, losses = start, 1, start.losses
    # An evaluation alone is left where a training stopped between its last step and that.
    while not plan.over(at) or (at.since < at.step and at.metrics is None):
        due = min(plan.steps, _next_multiple(at.step, plan.eval_every))
        pause = min(due, _next_multiple(at.step, plan.pause_every or plan.steps), _next_pause(at.step, plan))
        count = min(size, pause - at.step)
        began = time.perf_counter()
        new = model.train(data, [next(following) for _ in range(count)]) if count else np.empty(0)
        spent = time.perf_counter() - began
        size = _next_size(size, count, spent)
        step = at.step + count
        losses = _with(losses, new, step, plan.steps)
        seconds = at.seconds._replace(train=at.seconds.train + spent)
        at = Standing(step, step / per_epoch, at.since, losses[:step], at.best, seconds)
        broken = _broken(new, step)
        if step == due and not broken:
            at, broken = _evaluated(at, model, watched, plan)
        yield at
        if broken:
            raise DivergedError(broken)


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


def _evaluated(at: Standing, model: Model, watched: tuple[Any, Split, Task], plan: Plan) -> tuple[Standing, str]:
    """Where it stands with its metrics, or without them and with what is wrong with the loss.

    An evaluation off the beat, at the end, is as if it had never been for a training that is made longer.
    """
    began = time.perf_counter()
    found = evaluate(model, *watched)
    at = replace(at, seconds=at.seconds._replace(eval=at.seconds.eval + time.perf_counter() - began))
    if not math.isfinite(found.metrics["loss"]):  # the last update broke what the loss before it did not show yet
        return at, f"the loss became {found.metrics['loss']} after step {at.step}"
    mean = math.fsum(at.losses[at.since :].tolist()) / (at.step - at.since)
    since = at.since if at.step % plan.eval_every else at.step
    at = replace(at, since=since, train_loss=mean, metrics=found.metrics, scores=found.scores)
    return replace(at, ended="" if at.step == plan.steps else plan.ends(at)), ""


def _with(losses: Array, new: Array, step: int, most: int) -> Array:
    """The losses of the steps up to ``step``, with the last ones added; the room for them grows in few large pieces.

    One array: a piece a chunk, kept among the freed buffers of evaluations, would hold them all fast.
    """
    if step > len(losses):
        room = np.empty(min(most, max(2 * step, 65_536)))
        room[: len(losses)] = losses
        losses = room
    losses[step - len(new) : step] = new
    return losses


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
