"""The types of data: splits, datasets, what was done to the one on the way to the other, and what is learnt of it."""

from nnlab.dataset.dataset import Card, Dataset
from nnlab.dataset.split import Array, Progress, Split, SplitName, quiet
from nnlab.dataset.task import Classification, Regression, Task
from nnlab.dataset.transform import Transform

__all__ = [
    "Array",
    "Card",
    "Classification",
    "Dataset",
    "Progress",
    "Regression",
    "Split",
    "SplitName",
    "Task",
    "Transform",
    "quiet",
]
