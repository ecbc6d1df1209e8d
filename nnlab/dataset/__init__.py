"""The types of data: splits, datasets, what was done to the one on the way to the other, and what is learnt of it."""

from nnlab.dataset.dataset import PICTURE_CHANNELS, Card, Dataset, is_picture
from nnlab.dataset.npy import read_npy
from nnlab.dataset.split import Array, Progress, Split, SplitName, digest, digest_taken, quiet
from nnlab.dataset.task import Classification, Regression, Task
from nnlab.dataset.transform import UNCHANGED, Column, Layout, Picture, Scaling, Transform, mark, spread

__all__ = [
    "PICTURE_CHANNELS",
    "UNCHANGED",
    "Array",
    "Card",
    "Classification",
    "Column",
    "Dataset",
    "Layout",
    "Picture",
    "Progress",
    "Regression",
    "Scaling",
    "Split",
    "SplitName",
    "Task",
    "Transform",
    "digest",
    "digest_taken",
    "is_picture",
    "mark",
    "quiet",
    "read_npy",
    "spread",
]
