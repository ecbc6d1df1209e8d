"""Sample: a few rows of many, and how a part of them is told."""

from nnlab.dataset import Array


def share(part: int, whole: int) -> str:
    """A count as people read it: "3 of 1,797 (0.2 %)"."""
    percent = 100 * part / whole
    return f"{part:,} of {whole:,} ({'< 0.1' if 0 < percent < 0.1 else f'{percent:.1f}'} %)"


def spread_out(rows: Array, most: int) -> Array:
    """At most so many of the rows, evenly spaced: data often lies class by class."""
    return rows[:: -(-len(rows) // most)]
