"""Seven car prices and how many cars were sold at each: a straight line to find."""

import numpy as np

from nnlab.config import Strict
from nnlab.dataset import Card, Dataset, Progress, Regression, quiet
from nnlab.datasets import Examples, build
from nnlab.plugin import DatasetFile

PRICES = (3, 4, 5, 6, 7, 8, 9)
SOLD = (7.5, 7, 6.5, 6, 5.5, 5, 4.5)


class Params(Strict):
    """No keys: seven points are too few to split."""


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (7, 1), targets (7, 1); there is no test split."""
    points = Examples(np.array([PRICES], np.float32).T, np.array([SOLD], np.float32).T)
    return build("car-prices", None, seed, points, None, feature_names=["price"], target_names=["cars sold"])


DATASET = DatasetFile(Params, Card("built in", Regression, train=7, shape=(1,), outputs=1), load)
