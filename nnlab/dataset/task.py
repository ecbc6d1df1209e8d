"""Tasks: what is learnt of data, and the numbers that say how well, in float64 the same way for every backend."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from nnlab.dataset.split import Array


@dataclass(frozen=True)
class Metric:
    """A number that says how good scores are."""

    name: str
    """As columns have it: test_accuracy, val_loss."""
    higher_is_better: bool = False
    percent: bool = False
    """Whether it is a share of the examples: a fraction in files, percent on the screen."""
    label: str = ""
    """As charts have it, where that is not its name."""

    @property
    def title(self) -> str:
        """What a chart calls it."""
        return self.label or self.name

    def best(self, values: Iterable[float]) -> float:
        """The best of some values of it."""
        return max(values) if self.higher_is_better else min(values)

    def better(self, a: float, b: float) -> bool:
        """Whether ``a`` is better than ``b``."""
        return a > b if self.higher_is_better else a < b


LOSS, MSE = Metric("loss"), Metric("mse")
ACCURACY = Metric("accuracy", higher_is_better=True, percent=True)
R2 = Metric("r2", higher_is_better=True, label="R²")


SQUARED_ERROR = "mean squared error"


class Task:
    """What is learnt: a third task is one more class like those below, its place in ``TASKS`` and its loss.

    Scores are what a model gives: (n, outputs). Targets are (n,) class numbers or (n, outputs) values.
    """

    name: ClassVar[str]
    """As run.json has it."""
    metrics: ClassVar[tuple[Metric, ...]]
    """What ``measure`` gives, in its order; the loss comes first."""
    ranked_by: ClassVar[Metric]
    """What ranks runs, and tells the best weights."""
    curve: ClassVar[Metric]
    """What is drawn beside the loss."""
    loss: ClassVar[str]
    """What is made small, by its name in the backends' tables."""
    unit: ClassVar[str] = ""
    """Of the loss, where it has one."""
    guess: ClassVar[str]
    """The baseline that has seen no input: it guesses one answer, learnt from the training targets."""
    linear: ClassVar[str] = ""
    """The kind of linear model that scikit-learn has for it as a baseline; empty for none."""
    picture: ClassVar[str] = "fit"
    """What shows the scores of a split: ``confusion``, or ``fit``: predicted over true values."""
    classes: tuple[str, ...] = ()
    """The name of each class by its number; empty where values are learnt."""

    @property
    def outputs(self) -> int:
        """How many classes there are, or how many values to predict."""
        return len(self.classes)

    @property
    def scores(self) -> int:
        """How many scores a hand-written net gives."""
        return self.outputs

    @property
    def scalable(self) -> bool:
        """Whether targets may be scaled to be learnt: the squared error of those is that of these, but for a factor."""
        return self.loss == SQUARED_ERROR

    @classmethod
    def compared(cls) -> tuple[Metric, ...]:
        """The metrics that a comparison shows, the one that ranks first."""
        return tuple(dict.fromkeys((cls.ranked_by, LOSS, cls.curve)))

    @classmethod
    def of(cls, classes: Sequence[str], outputs: int) -> Self:
        """The task of data with these classes, or with so many values where it has none."""
        raise NotImplementedError

    def measure(self, scores: Array, targets: Array) -> dict[str, float]:
        """Its metrics by name."""
        raise NotImplementedError

    def each(self, scores: Array, targets: Array) -> dict[str, Array]:
        """(n,) float64 of those metrics that are a mean over examples and compared: each example's own."""
        raise NotImplementedError

    def fits(self, scores: Array, targets: Array) -> bool:
        """Whether these are targets that the scores can be held against."""
        raise NotImplementedError

    def guessed(self, targets: Array) -> Array:
        """(outputs,) float64: the scores that ``guess`` has for every example."""
        raise NotImplementedError

    def complete(self, scores: Array) -> Array:
        """The scores (n, outputs), of those that a hand-written net gives."""
        return scores

    def chances(self, scores: Array) -> Array | None:
        """(n, classes) float64: how likely each class is; None where values are learnt."""
        return None

    def values(self, scores: Array) -> Array:
        """(n, outputs): the values that scores stand for."""
        return scores


@dataclass(frozen=True)
class Classification(Task):
    """One of some classes; scores are logits."""

    classes: tuple[str, ...] = ()

    name = "classification"
    metrics = (LOSS, ACCURACY)
    ranked_by = curve = ACCURACY
    loss, unit = "cross-entropy", "nats"
    guess, linear, picture = "majority class", "logistic", "confusion"

    @property
    def scores(self) -> int:
        """A single sigmoid output tells two classes apart."""
        return 1 if self.outputs == 2 else self.outputs

    @classmethod
    def of(cls, classes: Sequence[str], outputs: int) -> Self:
        return cls(tuple(classes))

    def measure(self, scores: Array, targets: Array) -> dict[str, float]:
        return {"loss": cross_entropy(scores, targets), "accuracy": accuracy(scores, targets)}

    def each(self, scores: Array, targets: Array) -> dict[str, Array]:
        right = (scores.argmax(axis=1) == targets).astype(np.float64)
        return {"accuracy": right, "loss": -log_softmax(scores)[np.arange(len(targets)), targets]}

    def fits(self, scores: Array, targets: Array) -> bool:
        alike = targets.shape == (len(scores),) and targets.dtype.kind == "i"
        return alike and int(targets.min()) >= 0 and int(targets.max()) < scores.shape[1]

    def guessed(self, targets: Array) -> Array:
        shares = np.bincount(targets, minlength=self.outputs) / len(targets)
        return np.log(np.maximum(shares, np.finfo(np.float64).tiny))

    def complete(self, scores: Array) -> Array:
        return both_classes(scores) if scores.shape[1] == 1 else scores

    def chances(self, scores: Array) -> Array:
        return np.exp(log_softmax(scores))


@dataclass(frozen=True)
class Regression(Task):
    """One value or several."""

    outputs: int = 1

    name = "regression"
    metrics = (LOSS, MSE, R2)
    ranked_by, curve = LOSS, R2
    loss = SQUARED_ERROR
    guess, linear = "mean of the targets", "ridge"

    @classmethod
    def of(cls, classes: Sequence[str], outputs: int) -> Self:
        return cls(outputs)

    def measure(self, scores: Array, targets: Array) -> dict[str, float]:
        mse = mean_squared_error(scores, targets)
        return {"loss": mse, "mse": mse, "r2": r_squared(scores, targets)}

    def each(self, scores: Array, targets: Array) -> dict[str, Array]:
        return {"loss": ((scores.astype(np.float64) - targets) ** 2).mean(axis=1)}

    def fits(self, scores: Array, targets: Array) -> bool:
        return targets.shape == scores.shape and targets.dtype.kind == "f"

    def guessed(self, targets: Array) -> Array:
        mean: Array = targets.mean(axis=0, dtype=np.float64)
        return mean


TASKS: dict[str, type[Task]] = {each.name: each for each in (Classification, Regression)}


def every_metric() -> dict[str, Metric]:
    """Those of all tasks by name."""
    return {metric.name: metric for task in TASKS.values() for metric in task.metrics}


def metric_of(column: str) -> Metric:
    """What a column holds: ``accuracy``, ``val_accuracy`` or ``val accuracy``; a plain number where no task has it."""
    name = column.replace(" ", "_").rpartition("_")[2]
    return every_metric().get(name, Metric(name))


def every_curve() -> list[Metric]:
    """What is drawn beside the loss, of all tasks."""
    return [task.curve for task in TASKS.values()]


def both_classes(scores: Array) -> Array:
    """The scores (0, z) of two classes, (n, 2), from the one score z, (n, 1), of a sigmoid output."""
    return np.hstack([np.zeros_like(scores), scores])


def log_softmax(scores: Array) -> Array:
    """Logarithms of the class probabilities, (n, classes) float64, by log-sum-exp, so that nothing overflows."""
    with np.errstate(invalid="ignore", over="ignore"):
        shifted = scores - scores.max(axis=1, keepdims=True).astype(np.float64)
        result: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def cross_entropy(scores: Array, targets: Array) -> float:
    """Mean negative log-likelihood of the true classes, in nats."""
    return float(-np.mean(log_softmax(scores)[np.arange(len(targets)), targets]))


def accuracy(scores: Array, targets: Array) -> float:
    """The fraction whose highest score is the true class; the first class wins a tie."""
    return float(np.mean(scores.argmax(axis=1) == targets))


def mean_squared_error(scores: Array, targets: Array) -> float:
    """Mean of the squared differences."""
    with np.errstate(invalid="ignore", over="ignore"):
        return float(np.mean((scores.astype(np.float64) - targets) ** 2))


def r_squared(scores: Array, targets: Array) -> float:
    """One minus the squared error over the targets' own variance; 0 where the targets do not vary, 1 if exact.

    Of several targets the mean of each one's, as scikit-learn has it: the largest numbers would hide all others.
    """
    if targets.ndim == 2 and targets.shape[1] > 1:
        each = zip(scores.T, targets.T, strict=True)
        return float(np.mean([r_squared(guessed[:, None], true[:, None]) for guessed, true in each]))
    with np.errstate(invalid="ignore", over="ignore"):
        error = float(np.sum((scores.astype(np.float64) - targets) ** 2))
    spread = float(np.sum((targets - targets.mean(axis=0, dtype=np.float64)) ** 2))
    if spread == 0:
        return 1.0 if error == 0 else 0.0
    return 1 - error / spread
