"""Proportions: the difference of two accuracies on the same examples.

The interval is Tango's, "Equivalence test and confidence interval for the difference in proportions for the
paired-sample design", Statistics in Medicine 17 (1998) 891-908: all differences that his score test does not reject.
The p-value is that of McNemar's test in its exact form, which holds its level at every n.
"""

import numpy as np

from nnlab.comparison.interval import ALPHA, TAIL, Estimate
from nnlab.dataset import Array

HALVINGS = 60
"""Of the interval in which an end lies: more than a float64 has digits."""


def of_proportions(won: Array, lost: Array, n: int) -> Estimate:
    """The difference of two shares of the same ``n`` examples.

    ``won`` and ``lost`` are (m,) counts: the examples that only the second has right, and those that only the first
    has. Where McNemar's p is not below 0.05 and Tango's interval leaves out 0 all the same, it is widened to hold it.
    """
    from scipy import stats

    won, lost = np.asarray(won, np.float64), np.asarray(lost, np.float64)
    p = np.minimum(1.0, 2 * stats.binom.cdf(np.minimum(won, lost), won + lost, 0.5))
    z = float(stats.norm.isf(TAIL))
    low, high = _end(won, lost, n, z), _end(won, lost, n, -z)
    unclear = p >= ALPHA
    low, high = np.where(unclear, np.minimum(low, 0), low), np.where(unclear, np.maximum(high, 0), high)
    return Estimate((won - lost) / n, low, high, p)


def _end(won: Array, lost: Array, n: int, wanted: float) -> Array:
    """(m,): the difference at which the score is ``wanted``, found by halving; the score falls as the difference
    grows."""
    below, above = -np.ones_like(won), np.ones_like(won)
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        higher = _score(won, lost, n, middle) > wanted
        below, above = np.where(higher, middle, below), np.where(higher, above, middle)
    end: Array = (below + above) / 2
    return end


def _score(won: Array, lost: Array, n: int, difference: Array) -> Array:
    """(m,): how many standard errors the counts are above what is expected where the true difference is ``difference``.

    The share of examples that only the first has right is its most likely value under that difference, the larger root
    of a quadratic (Tango's equation 5).
    """
    b = (2 * n - won + lost) * difference - won - lost
    c = -lost * difference * (1 - difference)
    share = (np.sqrt(np.maximum(b * b - 8 * n * c, 0)) - b) / (4 * n)
    above = won - lost - n * difference
    variance = n * (2 * share + difference * (1 - difference))
    beyond = np.where(above == 0, 0.0, np.copysign(np.inf, above))
    found: Array = np.divide(above, np.sqrt(np.maximum(variance, 0)), out=beyond, where=variance > 0)
    return found
