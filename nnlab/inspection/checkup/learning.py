"""Whether a model can learn: its loss before the first step, and whether it can learn a few examples by heart."""

import math
import time
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from nnlab.config import Config
from nnlab.config.frame import DEFAULT_LR
from nnlab.dataset import Array, Dataset, Split
from nnlab.evaluate import evaluate
from nnlab.experiment.making import batch_rows, model_for
from nnlab.finding import Finding
from nnlab.fit import batch_order
from nnlab.inspection.checkup.sample import spread_out
from nnlab.model import Model, Step

FAR = 2.0
"""How many times the loss of knowing nothing an initial loss may be."""
SAMPLE = 1000
MOST_ROWS = 32
CANDIDATES = 256
APART = 0.1
"""How much of a row must be its own for it to be learnt beside the others, as a share of its length."""
LEARNT = 0.1
"""By heart is a loss of at most so much of that of knowing nothing."""
STEPS = 2000
SECONDS = 1.5
"""How long one learning rate is tried, whatever the steps."""
MOST_AT_ONCE = 64
"""Steps between two looks at the loss."""
MOST_LR = 1e6
"""What a config may have."""
STUCK = 0.9
"""Of its initial value, what a loss must fall below to have moved."""

Outcome = Literal["learnt", "diverged", "stuck", "slow"]


@dataclass(frozen=True)
class Trial:
    """What came of training on a few examples at one learning rate."""

    lr: float
    outcome: Outcome
    first: float
    last: float
    """The loss before and after."""
    steps: int

    def __str__(self) -> str:
        way = f"loss from {self.first:.3g} to {self.last:.3g} in {self.steps:,} steps"
        return f"{way} with train.lr={self.lr:g}" + ("" if self.outcome == "learnt" else f" ({self.outcome})")


def _ignorance(dataset: Dataset, targets: Array) -> float:
    """The loss of knowing nothing: ln C for C classes, for values the variance that guessing their mean leaves."""
    if dataset.classes:
        return math.log(dataset.outputs)
    return float(targets.astype(np.float64).var(axis=0).mean())


def initial_loss(config: Config, dataset: Dataset, model: Model) -> Finding:
    """The loss of the initial weights on a sample, against that of knowing nothing.

    For values it is held against guessing 0: their mean is the first that a model learns.
    """
    subject = "initial loss"
    sample = Split(spread_out(dataset.train.inputs, SAMPLE), spread_out(dataset.train.targets, SAMPLE))
    sample = sample.take(np.arange(len(sample)))
    loss = evaluate(model, model.put(sample), sample, dataset.task).metrics["loss"]
    reference = _ignorance(dataset, sample.targets)
    values = {"loss": loss, "knowing_nothing": reference}
    if dataset.classes:
        found, limit = f"{loss:.3g}; knowing nothing has ln {dataset.outputs} = {reference:.3g}", FAR * reference
    else:
        zero = float((sample.targets.astype(np.float64) ** 2).mean())
        found, limit = f"{loss:.3g}; guessing 0 has {zero:.3g}, guessing the mean {reference:.3g}", FAR * zero
    if loss <= limit:
        return Finding(subject, "ok", found, values=values)
    cure = "scale the inputs, or start from smaller weights"
    if config.model.has("init"):
        cure = "scale the inputs, or try model.init=torch"
    return Finding(subject, "warning", found, cure, values)


def by_heart(config: Config, dataset: Dataset) -> Finding:
    """Train fresh models on a few examples that any model can tell apart, until one knows them by heart.

    First at the config's own learning rate, then, where that does not get there, at others.
    """
    subject = "can learn a few by heart"
    sample = few(dataset, config)
    reference = _ignorance(dataset, sample.targets)
    if len(sample) < 2 or not reference:
        return Finding(subject, "untold", "there are no two examples here that differ in inputs and targets")
    goal = LEARNT * reference
    trials = [_try(config, dataset, sample, config.train.lr or 0.0, goal)]
    for lr in _others(trials[0], DEFAULT_LR[config.train.optimizer]):
        trials.append(_try(config, dataset, sample, lr, goal))
        if trials[-1].outcome == "learnt":
            break
    values = {"examples": len(sample), "goal": goal, "trials": [vars(trial) for trial in trials]}
    return _judged(subject, f"{len(sample)} examples: {trials[0]}", trials, values)


def _judged(subject: str, found: str, trials: list[Trial], values: dict[str, Any]) -> Finding:
    """What the trials come to; the first is at the config's own learning rate."""
    own, others = trials[0], trials[1:]
    if own.outcome == "learnt":
        return Finding(subject, "ok", found, values=values)
    better = next((trial for trial in reversed(others) if trial.outcome in ("learnt", "slow")), None)
    if own.outcome == "slow" and better and better.outcome == "slow":
        better = None
    if own.outcome != "diverged" and own.steps < STEPS:
        found += f", when {SECONDS:g} s were over" + (f"; {better}" if better else "")
        return Finding(subject, "ok" if own.outcome == "slow" else "untold", found, values=values)
    if better:
        return Finding(subject, "warning", found, str(better), values)
    found += "; " + ", ".join(f"{trial.outcome} with {trial.lr:g}" for trial in others)
    if own.outcome == "slow":
        return Finding(subject, "ok", found, values=values)
    cure = "check the scale of inputs and targets, the activations and the initial weights, or try another seed"
    return Finding(subject, "warning", found, cure, values)


def _others(own: Trial, default: float) -> list[float]:
    """Learning rates to try after this one, the likeliest first; ``default`` is what its optimizer has."""
    lr = own.lr
    rates = {
        "learnt": [],
        "slow": [10 * lr, 100 * lr],
        "stuck": [10 * lr, 100 * lr, default, 10 * default],
        "diverged": [lr / 10, lr / 100, default, default / 10],
    }[own.outcome]
    rates = [float(f"{rate:.6g}") for rate in rates]
    return [rate for rate in dict.fromkeys(rates) if rate != lr and rate <= MOST_LR]


def _try(config: Config, dataset: Dataset, sample: Split, lr: float, goal: float) -> Trial:
    """Train a fresh model on the sample until its loss is down to ``goal`` or the steps or seconds are over."""
    train = config.train.model_copy(update={"lr": lr})
    model = model_for(replace(config, train=train, threads=1), dataset)  # for so few rows more would only wait
    data = model.put(sample)
    everything = np.arange(len(sample))

    def loss() -> float:
        return evaluate(model, data, sample, dataset.task).metrics["loss"]

    first = last = loss()
    steps, spent, size = 0, 0.0, 1
    while steps < STEPS and spent < SECONDS and math.isfinite(last) and last > goal:
        count = min(size, STEPS - steps)
        began = time.perf_counter()
        model.train(data, [Step(everything, number, lr) for number in range(steps, steps + count)])
        steps, last = steps + count, loss()
        took = time.perf_counter() - began
        spent += took
        size = max(1, min(2 * size, MOST_AT_ONCE, int(count * SECONDS / 5 / max(took, 1e-6))))
    return Trial(lr, _outcome(first, last, goal), first, last, steps)


def _outcome(first: float, last: float, goal: float) -> Outcome:
    if last <= goal:
        return "learnt"
    if not last <= first / STUCK:  # nan too
        return "diverged"
    return "stuck" if last > STUCK * first else "slow"


def few(dataset: Dataset, config: Config) -> Split:
    """Training examples none of whose inputs is a mix of the others': even a linear model can learn them by heart.

    So there are no two of equal inputs among them, and of each class about as many.
    """
    train = dataset.train
    rows = batch_rows(config, len(train))
    order = batch_order(len(train), min(len(train), CANDIDATES), config.seed, 0)[0]
    if dataset.classes:
        order = _in_turn(order, train.targets[order])
    return train.take(_independent(train.inputs, order, min(max(rows, 2), MOST_ROWS)))


def _in_turn(order: Array, classes: Array) -> Array:
    """The same rows, one of each class after the other."""
    places = np.empty(len(order), np.int64)
    for number in np.unique(classes):
        own = np.flatnonzero(classes == number)
        places[own] = np.arange(len(own))
    return order[np.lexsort((classes, places))]


def _independent(inputs: Array, order: Array, most: int) -> Array:
    """Up to ``most`` of the rows, each of which has a part that none before it has, by Gram and Schmidt's way.

    Told from standardised features: that changes no answer but for rounding, which large features would drown in.
    """
    rows = inputs[order].astype(np.float64)
    deviation = rows.std(axis=0)
    rows = (rows - rows.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    rows = np.hstack([rows, np.ones((len(rows), 1))])  # for the bias, which is a weight too
    chosen: list[int] = []
    basis = np.empty((0, rows.shape[1]))
    for number, row in zip(order, rows, strict=True):
        rest = row
        for _ in range(2):  # once leaves rounding behind
            rest = rest - basis.T @ (basis @ rest)
        length = float(np.linalg.norm(rest))
        if length > APART * np.linalg.norm(row):
            chosen.append(int(number))
            basis = np.vstack([basis, rest / length])
        if len(chosen) == most:
            break
    return np.array(chosen, np.int64)
