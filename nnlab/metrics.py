"""Metrics: as people read them, class by class, and beside what guessing comes to."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nnlab.dataset import Array, SplitName, Task
from nnlab.dataset.split import SCORED_FIRST
from nnlab.dataset.task import LOSS, metric_of

ROUNDING = 1e-6
"""How much larger, relative to the guess's, a loss may be and still be as good: what float32 rounds."""
SURE = 2.0
"""How many times the loss of guessing a model has that is sure of what is wrong, and no near miss."""

Found = Mapping[SplitName, Mapping[str, float | None] | None]
"""Scores by split and metric."""


def shown(name: str, value: float | None) -> str:
    """A metric as people read it: accuracy in percent, others to four significant digits."""
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" if metric_of(name).percent else f"{value:.4g}"


def shown_spread(name: str, mean: float, sd: float, n: int) -> str:
    """A metric over ``n`` seeds as people read it: ``97.93 ± 0.06 % (n=5)``; the deviation has two digits or more."""
    if n == 1:
        return shown(name, mean)
    if metric_of(name).percent:
        return f"{100 * mean:.2f} ± {100 * sd:.2f} % (n={n})"
    size = max(abs(mean), sd)
    digits = max(0, 1 - math.floor(math.log10(sd))) if sd and 1e-12 * size < sd and 1e-4 < size < 1e6 else None
    numbers = (
        (f"{mean:.{min(digits, 8)}f}", f"{sd:.{min(digits, 8)}f}")
        if digits is not None
        else (f"{mean:.4g}", f"{sd:.2g}")
    )
    return f"{numbers[0]} ± {numbers[1]} (n={n})"


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
    scored = next((split for split in SCORED_FIRST if found.get(split)), None)
    if scored is None:
        return None
    ours = found[scored] or {}
    guessed = (baselines or {}).get(task.guess, {}).get(scored) or {}
    metric = task.ranked_by
    score, guess = ours.get(metric.name), guessed.get(metric.name)
    if score is None or guess is None:
        return None
    if metric.better(guess if metric.higher_is_better else guess * (1 + ROUNDING), score):
        return Shortfall(task.guess, scored, metric.name, score, guess)
    loss, least = ours.get(LOSS.name), guessed.get(LOSS.name)
    if score == guess and loss is not None and least is not None and loss > SURE * least:
        return Shortfall(task.guess, scored, LOSS.name, loss, least)
    return None
