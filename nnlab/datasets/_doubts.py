"""Doubts: what looks in a table as if it had not been meant to be learnt from."""

import numpy as np

from nnlab.dataset import Array

LEAST_ROWS = 10
"""Fewer numbers may rise by chance, or because somebody has sorted a few points."""


def id_like(values: Array) -> bool:
    """Whether a column, (n,) numbers in the file's order, counts its rows: all different, rising whole numbers."""
    values = np.asarray(values, np.float64)
    if len(values) < LEAST_ROWS or not (np.diff(values[:LEAST_ROWS]) > 0).all():
        return False
    return bool((np.diff(values) > 0).all() and (values == np.floor(values)).all() and np.isfinite(values).all())
