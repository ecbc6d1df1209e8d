"""Differences: how far B is from A, over test examples or over seeds, by the method that is right for the metric."""

import numpy as np

from nnlab.comparison.crossed import of_seeds
from nnlab.comparison.interval import Estimate, wider
from nnlab.comparison.means import of_means, said
from nnlab.comparison.proportions import of_proportions
from nnlab.dataset import Array
from nnlab.dataset.task import metric_of

LEAST_COUNTED, LEAST_MEASURED = 6, 30
"""Test examples below which nothing is called better: McNemar's exact test can say so of 6, and losses are so skewed
that of fewer than 30 no interval has the coverage that it promises."""


def over_examples(metric: str, a: Array, b: Array) -> tuple[Estimate, str]:
    """B - A of the means over the runs, and by which method: of these weights, on whatever examples.

    ``a`` and ``b`` are (m, k, n): the metric of each of k runs on each of n test examples, m times; their k may differ.
    """
    n = a.shape[2]
    if metric_of(metric).percent and a.shape[1] == b.shape[1] == 1:
        won, lost = ((x > y).sum(axis=(1, 2)) for x, y in ((b, a), (a, b)))
        return of_proportions(won, lost, n), "McNemar, exact; Tango's interval"
    step = _step(metric, a, b)
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is told by the estimate
        differences = b.mean(axis=1) - a.mean(axis=1)
    return of_means(differences, step), said(n, step)


def over_seeds(metric: str, a: Array, b: Array, *, paired: bool) -> tuple[Estimate, str]:
    """The same of the configs: on whatever seeds and examples.

    It is never narrower than over the examples alone. ``paired``: A's and B's runs are of the same seeds, in order.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        sides = [b - a] if paired else [a, b]
    found = of_seeds(sides, _step(metric, a, b))
    method = f"seeds and examples crossed, {'paired' if paired else 'unpaired'}"
    return wider(found, over_examples(metric, a, b)[0]), method


def least(metric: str) -> int:
    """How many test examples it takes to call something better."""
    return LEAST_COUNTED if metric_of(metric).percent else LEAST_MEASURED


def _step(metric: str, a: Array, b: Array) -> float | None:
    """What one prediction changes in the mean over an example's runs where it is right or wrong; None for others."""
    return 1 / min(a.shape[1], b.shape[1]) if metric_of(metric).percent else None
