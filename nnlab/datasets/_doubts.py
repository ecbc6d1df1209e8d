"""Doubts: what a column of a table looks like that should not be learnt from."""

import numpy as np

from nnlab.dataset import Array

LEAST = 10
"""Rows; fewer may rise by chance, or because they were measured so."""


def id_like(values: Array) -> bool:
    """Whether (n,) float64 values look like those of an id: whole numbers that rise from each row to the next."""
    if (
        len(values) < LEAST
        or not (np.diff(values[:LEAST]) > 0).all()
        or np.isnan(values).any()
        or (values != np.floor(values)).any()
    ):
        return False
    return bool((np.diff(values) > 0).all())
