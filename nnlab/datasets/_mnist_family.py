"""The MNIST family: four files fetched from where torchvision lists them, decoded by torchvision, kept as arrays."""

import gzip
import hashlib
from collections.abc import Callable
from importlib import metadata
from typing import Any

from nnlab import cache
from nnlab.dataset import Progress, quiet
from nnlab.datasets import Examples
from nnlab.errors import MissingDependencyError

KEYS = ("train_inputs", "train_targets", "test_inputs", "test_targets")
LIMIT = 32 << 20
"""Bytes; the largest of the files, Fashion-MNIST's training pictures, has 26 million."""


def load(name: str, kind: str, pin: str, progress: Progress) -> tuple[Examples, Examples, str]:
    """Training and test examples, (n, 28, 28) uint8 with int64 targets, and their SHA-256; torch is not imported.

    Fetches them first where they are not in the cache. Raises DataError as ``cache.load_arrays`` does.
    """
    (x, y, x_test, y_test), sha256 = cache.load_arrays(name, KEYS, lambda: fetch(name, kind, progress), pin)
    return Examples(x, y), Examples(x_test, y_test), sha256


def fetch(name: str, kind: str, progress: Progress = quiet) -> None:
    """Download, check, decode and keep what ``torchvision.datasets.<kind>`` describes.

    Raises DataUnavailableError, DataError, and MissingDependencyError where torchvision cannot be imported.
    """
    source = _source(kind)
    files = {}
    for file, md5 in source.resources:
        urls = cache.addresses(f"{name}/{file}", [mirror + file for mirror in source.mirrors])
        files[file] = cache.download(name, urls, LIMIT, _has(md5), progress)
    with cache.scratch() as folder:
        raw = folder / kind / "raw"
        raw.mkdir(parents=True)
        for file, body in files.items():
            (raw / file.removesuffix(".gz")).write_bytes(gzip.decompress(body))
        train, test = source(root=folder, train=True), source(root=folder, train=False)
    arrays = (train.data.numpy(), train.targets.numpy(), test.data.numpy(), test.targets.numpy())
    cache.store_arrays(name, dict(zip(KEYS, arrays, strict=True)))


def cached(name: str) -> bool:
    """Whether the arrays are in the cache."""
    return cache.complete(name, KEYS)


def _has(md5: str) -> Callable[[bytes], None]:
    def check(body: bytes) -> None:
        if hashlib.md5(body, usedforsecurity=False).hexdigest() != md5:
            raise ValueError(f"not the file that was asked for: its MD5 is not {md5}")

    return check


def _source(kind: str) -> Any:
    """The class in ``torchvision.datasets``."""
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError, OSError) as error:  # RuntimeError: torchvision was built for another torch
        raise MissingDependencyError(
            f"torchvision {_version('torchvision')} cannot be used with torch {_version('torch')}: "
            f"{' '.join(str(error).split())[:200]}",
            "install the two together and from the same index: pip install --force-reinstall torch torchvision",
        ) from error
    return getattr(datasets, kind)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"
