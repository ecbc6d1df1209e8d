"""Points on two rings, one round the other: no straight line tells them apart."""

import numpy as np

from nnlab.config import Strict
from nnlab.dataset import Card, Dataset, Progress, quiet
from nnlab.datasets import Examples, build
from nnlab.plugin import DatasetFile

TEST = 500


class Params(Strict):
    """Keys of rings."""

    rows: int = 1000
    """How many points there are to learn from."""
    noise: float = 0.25
    """Standard deviation of a point's distance from its ring; the rings' radii are 1 and 2."""


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, 2). The points do not depend on the run's seed, so that scores can be compared over seeds."""
    train, test = (_points(rows, params.noise, part) for part, rows in enumerate((params.rows, TEST)))
    return build("rings", None, seed, train, test, classes=["inner", "outer"])


def _points(rows: int, noise: float, part: int) -> Examples:
    rng = np.random.default_rng(part)
    targets = np.arange(rows, dtype=np.int64) % 2
    radii = 1 + targets + noise * rng.standard_normal(rows)
    angles = rng.uniform(0, 2 * np.pi, rows)
    points = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return Examples(points.astype(np.float32), targets)


DATASET = DatasetFile(Params, Card("built in", test=TEST, shape=(2,), outputs=2), load)
