"""Distance: how far numbers are apart, as a fraction of the larger one."""

import math
import sys
from typing import Any

import numpy as np

from nnlab.dataset import Array

SMALL = 1e-12
"""What smaller numbers are measured by, so that two that are as good as 0 are not far apart."""
LEAST = sys.float_info.min
"""What two arrays are apart at least where a bit of them differs: 0 and -0 are equal as numbers."""


def difference(a: float, b: float) -> float:
    """Of two numbers; infinite where one of them is none."""
    by = 0.0 if a == b else abs(a - b) / max(abs(a), abs(b), SMALL)
    return math.inf if math.isnan(by) else by


def near(a: float, b: Any, tolerance: float) -> bool:
    """Whether ``b`` is no further from ``a``; JSON has null for numbers that are none."""
    if b is None:
        return not math.isfinite(a)
    return isinstance(b, int | float) and difference(a, b) <= tolerance


def differences(a: Array, b: Array) -> Array:
    """Of each two numbers of two float64 arrays of one shape: at least ``LEAST`` where a bit differs, else 0."""
    by = _over(a, b, np.maximum(np.abs(a), np.abs(b)))
    return np.where(a.view(np.int64) == b.view(np.int64), 0.0, by)


def array_difference(a: Array | None, b: Array | None, small: float = SMALL) -> float:
    """The largest of two arrays, measured by the largest number in them; 1 where they are not of one shape and dtype.

    ``small`` is what smaller numbers are measured by. 0 where they are equal to the bit, and nowhere else.
    """
    if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
        return 1.0
    if a.tobytes() == b.tobytes():
        return 0.0
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(_over(a, b, np.maximum(np.abs(a).max(), np.abs(b).max()), small).max())


def _over(a: Array, b: Array, larger: Array, small: float = SMALL) -> Array:
    with np.errstate(all="ignore"):
        by = LEAST + np.abs(a - b) / np.maximum(larger, small)
    return np.where(np.isnan(by), math.inf, by)
