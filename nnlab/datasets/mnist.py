"""70,000 handwritten digits of 28x28, white on black."""

from functools import partial

from nnlab.dataset import Card, Classification, Dataset, Progress, Transform, quiet
from nnlab.datasets import ClassKeys, TrainKeys, _mnist_family, build, choose
from nnlab.datasets._pictures import read_picture
from nnlab.plugin import DatasetFile

SHA256 = "c9c899568825c0192b158204e056115690ebe9e01a8a467321a8e34a416b7a26"
"""Of the decoded arrays: see ``nnlab.dataset.split.digest``."""


class Params(ClassKeys, TrainKeys):
    """The shared keys; the test split is MNIST's own."""


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, 784) in [0, 1].

    Raises DataUnavailableError where it can't be fetched, DataError for classes and splits that can't be made.
    """
    train, test, sha256 = _mnist_family.load("mnist", "MNIST", SHA256, progress)
    names, (train, test) = choose(params.classes, [str(d) for d in range(10)], train, test)
    known = "" if params.classes else sha256
    return build("mnist", params, seed, train, test, classes=names, transform=Transform(scale=255), sha256=known)


DATASET = DatasetFile(
    Params,
    Card("download", Classification, train=60_000, test=10_000, shape=(28, 28), outputs=10, download_mib=11),
    load,
    cached=partial(_mnist_family.cached, "mnist"),
    fetch=partial(_mnist_family.fetch, "mnist", "MNIST"),
    read_picture=read_picture,
    dark_edges=True,
)
