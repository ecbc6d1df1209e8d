"""Tally: the metrics of scores that come a part at a time, in memory that does not grow."""

from dataclasses import dataclass, field

import numpy as np

from nnlab.dataset import Array, Task
from nnlab.dataset.task import R2


@dataclass
class Tally:
    """What ``Task.measure`` would say of all parts together."""

    task: Task
    count: int = 0
    _sums: dict[str, float] = field(default_factory=dict)
    """Of each metric that is a mean over examples, times their number."""
    _mean: Array = field(default_factory=lambda: np.zeros(1))
    """(outputs,) of the targets."""
    _squares: Array = field(default_factory=lambda: np.zeros(1))
    """(outputs,): sum of their squared distances from it."""
    _errors: Array = field(default_factory=lambda: np.zeros(1))
    """(outputs,): sum of the scores' squared distances from them."""

    def add(self, scores: Array, targets: Array) -> None:
        """Some more examples: (n, outputs) scores and their (n,) class numbers or (n, outputs) values."""
        found = self.task.measure(scores, targets)
        for name in found.keys() - {R2.name}:
            self._sums[name] = self._sums.get(name, 0.0) + len(targets) * found[name]
        if R2 in self.task.metrics:
            self._spread(targets.astype(np.float64))
            with np.errstate(invalid="ignore", over="ignore"):
                self._errors = self._errors + np.square(scores.astype(np.float64) - targets).sum(axis=0)
        self.count += len(targets)

    def _spread(self, targets: Array) -> None:
        """Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979)."""
        n, before = len(targets), self.count
        mean = targets.mean(axis=0)
        apart = mean - self._mean
        self._squares = self._squares + np.square(targets - mean).sum(axis=0)
        if before:
            self._squares = self._squares + np.square(apart) * before * n / (before + n)
        self._mean = self._mean + apart * n / (before + n)

    def metrics(self) -> dict[str, float] | None:
        """The metrics of all so far; None of nothing."""
        if not self.count:
            return None
        found = {
            name: self._sums[name] / self.count
            for name in (metric.name for metric in self.task.metrics)
            if name in self._sums
        }
        if R2 in self.task.metrics:
            varied = self._squares > 0
            share = np.divide(self._errors, self._squares, out=np.where(self._errors == 0, 0.0, 1.0), where=varied)
            found[R2.name] = float(np.mean(1 - share))
        return found
