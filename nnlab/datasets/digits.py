"""1,797 handwritten digits of 8x8, part of scikit-learn, so there is nothing to download."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nnlab.dataset import Array, Card, Classification, Dataset, Progress, Transform, quiet
from nnlab.datasets import ClassKeys, Examples, HoldOutKeys, TrainKeys, build, choose, hold_out
from nnlab.errors import MissingDependencyError
from nnlab.plugin import DatasetFile

if TYPE_CHECKING:
    from PIL.Image import Image

_FILE = "datasets/data/digits.csv.gz"


class Params(ClassKeys, HoldOutKeys, TrainKeys):
    """The shared keys."""


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, 64) in [0, 1]. Raises DataError for classes and splits that cannot be made."""
    names, (pool,) = choose(params.classes, [str(d) for d in range(10)], _digits())
    train, test = hold_out(pool, params)
    return build("digits", params, seed, train, test, classes=names, transform=Transform(scale=16))


def read_picture(image: "Image", shape: tuple[int, ...]) -> Array:
    """A picture as (64,) float32: grey, 8x8, in the 17 shades that the dataset has. Its digits are white on black."""
    from nnlab.datasets import _pictures

    shades = np.round(_pictures.pixels(image, shape, "grey") / np.float32(255) * 16)
    return (shades.ravel() / 16).astype(np.float32)


def _digits() -> Examples:
    """All of them, from scikit-learn's own file: to import it takes longer than to train a small model."""
    spec = find_spec("sklearn")
    folders = spec.submodule_search_locations or [] if spec else []
    file = next((path for folder in folders if (path := Path(folder) / _FILE).is_file()), None)
    if file is None:
        return _asked_for()
    table = np.loadtxt(file, dtype=np.uint8, delimiter=",")  # 64 shades and the digit
    return Examples(table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64))


def _asked_for() -> Examples:
    """The same from scikit-learn itself, for a version of it that keeps them elsewhere."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingDependencyError(
            f"the digits are part of scikit-learn, which cannot be imported ({error})", "pip install scikit-learn"
        ) from error
    found = load_digits()
    return Examples(found.images.astype(np.uint8), found.target.astype(np.int64))


DATASET = DatasetFile(
    Params,
    Card("built in", Classification, train=1438, test=359, shape=(8, 8), outputs=10),
    load,
    read_picture=read_picture,
    dark_edges=True,
)
