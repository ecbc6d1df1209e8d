"""Product: a @ b for hand-written nets, by the road that is fastest for its shape."""

import numpy as np

from nnlab.dataset import Array

THIN = 3
"""Rows or columns up to which a product is sooner done one by one: a general matrix product wastes most of its tile."""
LARGE = 16_384
"""Elements of the other matrix from which that shows."""


def product(a: Array, b: Array) -> Array:
    """a @ b, (n, k) times (k, m), as matrix-vector products where ``a`` has few rows or ``b`` few columns."""
    dtype = np.result_type(a, b)
    if 1 < b.shape[1] <= THIN and a.size >= LARGE:
        columns = np.empty((b.shape[1], len(a)), dtype)
        for number, column in enumerate(columns):
            np.dot(a, b[:, number], out=column)
        return columns.T
    if 1 < len(a) <= THIN and b.size >= LARGE:
        rows = np.empty((len(a), b.shape[1]), dtype)
        for number, row in enumerate(rows):
            np.dot(a[number], b, out=row)
        return rows
    result: Array = a @ b
    return result
