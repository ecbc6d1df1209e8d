"""70,000 pictures of clothes and shoes of 28x28, bright on black; harder to tell apart than digits."""

from functools import partial

from nnlab.dataset import Card, Classification, Dataset, Progress, Transform, quiet
from nnlab.datasets import ClassKeys, TrainKeys, _mnist_family, build, choose
from nnlab.datasets._pictures import read_picture
from nnlab.plugin import DatasetFile

NAMES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


class Params(ClassKeys, TrainKeys):
    """The shared keys; the test split is Fashion-MNIST's own."""


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, 784) in [0, 1].

    Raises DataUnavailableError where it can't be fetched, DataError for classes and splits that can't be made.
    """
    # No SHA-256 is pinned: what is trusted is torchvision's MD5 of each file, and from then on the digest that was
    # recorded beside the arrays when these files were first decoded.
    train, test, sha256 = _mnist_family.load("fashion-mnist", "FashionMNIST", "", progress)
    names, (train, test) = choose(params.classes, NAMES, train, test)
    known = "" if params.classes else sha256
    return build(
        "fashion-mnist", params, seed, train, test, classes=names, transform=Transform(scale=255), sha256=known
    )


DATASET = DatasetFile(
    Params,
    Card("download", Classification, train=60_000, test=10_000, shape=(28, 28), outputs=10, download_mib=30),
    load,
    cached=partial(_mnist_family.cached, "fashion-mnist"),
    fetch=partial(_mnist_family.fetch, "fashion-mnist", "FashionMNIST"),
    read_picture=read_picture,
    dark_edges=True,
)
