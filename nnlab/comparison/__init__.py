"""Comparison: runs side by side, from their directories alone."""

from nnlab.comparison.diff import diff
from nnlab.comparison.entries import Entry, fold
from nnlab.comparison.groups import Comparison, Group, compare
from nnlab.comparison.rows import Row, read_row
from nnlab.comparison.select import select

__all__ = ["Comparison", "Entry", "Group", "Row", "compare", "diff", "fold", "read_row", "select"]
