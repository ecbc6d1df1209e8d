"""Crossed: a difference over seeds and test examples at once.

Both are drawn by chance, and each seed is tried on each example, so that the difference of a seed on an example is a
mean, a part of the seed, a part of the example and a rest. The interval is a modified large-sample one (Burdick and
Graybill, "Confidence Intervals on Variance Components", 1992): the variance that the seeds bring is taken with
Student's t of as many seeds, and that of the examples with Student's t of as many examples. It is never narrower than
that of the examples alone, however alike the seeds come out. From 5 seeds on those that lie no farther apart than the
rest would put them count as alike; of fewer, that says too little.
"""

from collections.abc import Sequence

import numpy as np

from nnlab.comparison.interval import TAIL, Estimate
from nnlab.comparison.means import from_scale, to_scale, variance
from nnlab.dataset import Array

TELLING = 5
"""Seeds from which on it says something that they lie close together."""
HALVINGS = 50
SMALLEST = 1e-15
"""No p below it is worked out."""


def of_seeds(sides: Sequence[Array], step: float | None = None) -> Estimate:
    """The mean difference of (m, k, n) numbers, of k seeds on n examples, of m pairs.

    ``sides`` is the differences of the same seeds, or else the numbers of A and those of B, whose k may differ.
    ``step`` is for accuracies: see ``of_means``.
    """
    together, scale = to_scale(np.concatenate([side.reshape(len(side), -1) for side in sides], axis=1))
    ends = np.cumsum([side[0].size for side in sides])[:-1]
    sides = [part.reshape(side.shape) for part, side in zip(np.split(together, ends, axis=1), sides, strict=True)]
    found = _estimate(sides, 0 if step is None else step / scale)
    return from_scale(found, scale)


def _estimate(sides: Sequence[Array], step: Array | float) -> Estimate:
    """The same of numbers with 1 as the largest."""
    over = [side.mean(axis=1) for side in sides]
    differences = over[-1] - (over[0] if len(over) > 1 else 0)
    mean, n = differences.mean(axis=1), differences.shape[1]
    seeds, rest = [], np.zeros(len(mean))
    for side in sides:
        spread, chance = _of_seeds(side), _of_rest(side)
        apart = (side.shape[1] < TELLING) | (spread > chance)
        seeds.append((side.shape[1] - 1, np.where(apart, spread, 0)))
        rest += np.where(apart, chance, 0)
    whole = variance(differences, step)
    examples = max(n - 1, 1), whole
    own = examples[0], np.maximum(whole - rest, 0)
    reach = np.maximum(_reach(TAIL, [*seeds, own]), _reach(TAIL, [examples]))
    p = np.maximum(_p(np.abs(mean), [*seeds, own]), _p(np.abs(mean), [examples]))
    return Estimate(mean, mean - reach, mean + reach, p)


def _of_seeds(numbers: Array) -> Array:
    """(m,): the variance of the mean of the seeds' means."""
    found: Array = numbers.mean(axis=2).var(axis=1, ddof=1) / numbers.shape[1]
    return found


def _of_rest(numbers: Array) -> Array:
    """(m,): the part of the mean's variance that belongs to neither the seeds nor the examples."""
    k, n = numbers.shape[1:]
    rest = numbers - numbers.mean(axis=2, keepdims=True)
    rest -= rest.mean(axis=1, keepdims=True)
    found: Array = (rest**2).sum(axis=(1, 2)) / ((k - 1) * max(n - 1, 1)) / (k * n)
    return found


Part = tuple[int, Array]
"""Degrees of freedom, and the (m,) variance that was estimated with them."""


def _reach(tail: Array | float, parts: Sequence[Part]) -> Array:
    """(m,): half the interval that leaves ``tail`` on each side."""
    from scipy import stats

    found: Array = np.sqrt(sum(stats.t.isf(tail, freedom) ** 2 * found for freedom, found in parts))
    return found


def _p(distance: Array, parts: Sequence[Part]) -> Array:
    """(m,): the p at which the interval reaches just so far, found by halving its logarithm."""
    below, above = np.full(distance.shape, np.log(SMALLEST)), np.zeros(distance.shape)
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        farther = _reach(np.exp(middle) / 2, parts) > distance
        below, above = np.where(farther, middle, below), np.where(farther, above, middle)
    return np.exp(above)
