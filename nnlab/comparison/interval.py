"""Interval: differences with their 95 % intervals, and the p-values that agree with them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlab.dataset import Array

ALPHA = 0.05
"""A p below it is called clear, and an interval leaves out as much."""
TAIL = ALPHA / 2


@dataclass(frozen=True)
class Estimate:
    """What m samples say of the differences that they are of: each array is (m,) float64.

    An interval leaves out 0 exactly where p is below 0.05. Where a sample is too small to bound a difference, the ends
    are infinite.
    """

    difference: Array
    low: Array
    high: Array
    p: Array

    @property
    def clear(self) -> Array:
        """(m,) bool: whether chance alone would part two so far in less than one case of twenty."""
        clear: Array = is_clear(self.p, self.low, self.high)
        return clear


def is_clear(p: Any, low: Any, high: Any) -> Any:
    """The same of numbers or arrays: p is below 0.05, and the interval leaves out 0."""
    return (p < ALPHA) & ((low > 0) | (high < 0))


def wider(*estimates: Estimate) -> Estimate:
    """Of several estimates of the same differences the ends that are farther out, and the greater p.

    It holds its level wherever one of them does.
    """
    low = np.min([each.low for each in estimates], axis=0)
    high = np.max([each.high for each in estimates], axis=0)
    return Estimate(estimates[0].difference, low, high, np.max([each.p for each in estimates], axis=0))
