"""Metrics: numbers that say how good scores are, computed in float64 the same way for every backend."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nnlab.dataset import Array, SplitName, Task

PRIMARY: dict[Task, str] = {"classification": "accuracy", "regression": "loss"}
"""The metric that ranks runs of a task."""
HIGHER_IS_BETTER = {"accuracy": True, "r2": True, "loss": False, "mse": False}
GUESS: dict[Task, str] = {"classification": "majority class", "regression": "mean of the targets"}
"""The baseline of a task that has seen no input: what guesses one answer, learnt from the training targets."""
ROUNDING = 1e-6
"""How much larger, relative to the guess's, a loss may be and still be as good: what float32 rounds."""
SURE = 2.0
"""How many times the loss of guessing a model has that is sure of what is wrong, and no near miss."""

Found = Mapping[SplitName, Mapping[str, float | None] | None]
"""Scores by split and metric."""


def measured(task: Task) -> tuple[str, ...]:
    """The names of the metrics that ``measure`` gives for a task."""
    return ("loss", "accuracy") if task == "classification" else ("loss", "mse", "r2")


def measure(task: Task, scores: Array, targets: Array) -> dict[str, float]:
    """The metrics of a task: loss and accuracy for classes; loss (the same as mse), mse and r2 for values.

    ``scores`` is (n, outputs); ``targets`` is (n,) class numbers or (n, outputs) values.
    """
    if task == "classification":
        return {"loss": cross_entropy(scores, targets), "accuracy": accuracy(scores, targets)}
    mse = mean_squared_error(scores, targets)
    return {"loss": mse, "mse": mse, "r2": r_squared(scores, targets)}


def shown(name: str, value: float | None) -> str:
    """A metric as people read it: accuracy in percent, others to four significant digits."""
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" if name.endswith("accuracy") else f"{value:.4g}"


def shown_spread(name: str, mean: float, sd: float, n: int) -> str:
    """A metric over ``n`` seeds as people read it: ``97.93 ± 0.06 % (n=5)``; the deviation has two digits or more."""
    if n == 1:
        return shown(name, mean)
    if name.endswith("accuracy"):
        return f"{100 * mean:.2f} ± {100 * sd:.2f} % (n={n})"
    size = max(abs(mean), sd)
    digits = max(0, 1 - math.floor(math.log10(sd))) if sd and 1e-12 * size < sd and 1e-4 < size < 1e6 else None
    numbers = (
        (f"{mean:.{min(digits, 8)}f}", f"{sd:.{min(digits, 8)}f}")
        if digits is not None
        else (f"{mean:.4g}", f"{sd:.2g}")
    )
    return f"{numbers[0]} ± {numbers[1]} (n={n})"


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


def confusion(scores: Array, targets: Array, classes: int) -> Array:
    """Counts (classes, classes) int64: rows are true classes, columns predicted ones."""
    cells = targets * classes + scores.argmax(axis=1)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class ClassReport:
    """How well one class is recognised. A ratio with nothing below the line is 0, as in scikit-learn."""

    name: str
    precision: float
    recall: float
    f1: float
    count: int
    """How many examples are of this class."""


def per_class(matrix: Array, names: tuple[str, ...]) -> list[ClassReport]:
    """Precision, recall and F1 of each class from a confusion matrix."""
    reports = []
    for number, name in enumerate(names):
        hits, true, predicted = matrix[number, number], matrix[number].sum(), matrix[:, number].sum()
        reports.append(
            ClassReport(
                name, _ratio(hits, predicted), _ratio(hits, true), _ratio(2 * hits, true + predicted), int(true)
            )
        )
    return reports


def _ratio(part: int, whole: int) -> float:
    return float(part / whole) if whole else 0.0


@dataclass(frozen=True)
class Shortfall:
    """A run's score that is worse than the one that guessing has on the same examples."""

    baseline: str
    """The guess's name among the baselines."""
    split: str
    metric: str
    score: float
    guess: float

    @property
    def mark(self) -> str:
        """A few words to stand beside the run's scores."""
        return f"worse than its baseline: {self.baseline}"

    def __str__(self) -> str:
        name = f"{self.split} {self.metric}"
        return f"{self.mark} has a {name} of {shown(name, self.guess)}, the run {shown(name, self.score)}"


def shortfall(task: Task, found: Found, baselines: Mapping[str, Found] | None) -> Shortfall | None:
    """Where a run does worse than guessing; None where it does not, or has no scores.

    ``found`` is what it scores, ``baselines`` what each of these does. Judged by the metric that ranks runs, on the
    split that they are ranked by: test, else val, else train; and where that is just as good, by a loss that is far
    worse.
    """
    baseline = GUESS[task]
    order: tuple[SplitName, ...] = ("test", "val", "train")
    scored = next((split for split in order if found.get(split)), None)
    if scored is None:
        return None
    ours = found[scored] or {}
    guessed = (baselines or {}).get(baseline, {}).get(scored) or {}
    metric = PRIMARY[task]
    score, guess = ours.get(metric), guessed.get(metric)
    if score is None or guess is None:
        return None
    if score < guess if HIGHER_IS_BETTER[metric] else score > guess * (1 + ROUNDING):
        return Shortfall(baseline, scored, metric, score, guess)
    loss, least = ours.get("loss"), guessed.get("loss")
    if score == guess and loss is not None and least is not None and loss > SURE * least:
        return Shortfall(baseline, scored, "loss", loss, least)
    return None
