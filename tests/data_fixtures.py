"""Small data for every dataset: made in a folder for those that read files, from ``$NNLAB_MIRROR`` for downloads."""

import gzip
import hashlib
import os
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nnlab.dataset import quiet
from nnlab.errors import DataUnavailableError
from nnlab.plugin import DatasetFile

MIRROR = os.environ.get("NNLAB_MIRROR")
"""As it was when the tests started: a test may take it away."""


def make_csv(folder: Path) -> dict[str, object]:
    rng = np.random.default_rng(0)
    rows = [f"{rng.normal():.6f},{rng.normal(50, 9):.3f},7,{kind}" for kind in "aabbbc" * 20]
    (folder / "flowers.csv").write_text("\n".join(["width,height,same,kind", *rows]))
    return {"path": str(folder / "flowers.csv"), "target": "kind"}


def make_arrays(folder: Path) -> dict[str, object]:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (120, 4, 5), np.uint8), np.tile([4, 4, 7, 7, 7, 9], 20)
    np.savez(folder / "some.npz", X=x, y=y)
    return {"path": str(folder / "some.npz")}


def make_image_folder(folder: Path) -> dict[str, object]:
    rng = np.random.default_rng(0)
    for name, count in (("cat", 20), ("dog", 30), ("owl", 10)):
        (folder / name).mkdir(parents=True)
        for n in range(count):
            Image.fromarray(rng.integers(0, 256, (9, 11, 3), np.uint8)).save(folder / name / f"{n}.png")
    return {"path": str(folder), "size": [6, 5], "colour": "rgb"}


MAKERS: dict[str, Callable[[Path], dict[str, object]]] = {
    "csv": make_csv,
    "arrays": make_arrays,
    "image-folder": make_image_folder,
}


def required(name: str, file: DatasetFile, folder: Path) -> dict[str, object]:
    """The keys without which this dataset has no data.

    A new dataset needs nothing here if its ``Params()`` needs none; else its file may have a function
    ``example(folder)`` that writes small data there and returns the keys to read it with.
    """
    if name in MAKERS:
        return MAKERS[name](folder)
    if file.example:
        return file.example(folder)
    if any(field.is_required() for field in file.params.model_fields.values()):
        pytest.fail(f"{name}: its DATASET needs example=, a function of a folder to a dict of keys")
    return {}


@cache
def why_missing(file: DatasetFile, data: str) -> str:
    """Why a download cannot be tested here; empty once it is in the cache folder ``data``."""
    if MIRROR is None:
        return "the real data is needed: set NNLAB_MIRROR to an address that serves it"
    try:
        if file.cached and file.fetch and not file.cached():
            file.fetch(quiet)
    except DataUnavailableError as error:
        return error.message
    return ""


def write_idx(folder: Path, train: int = 60, test: int = 20) -> list[tuple[str, str]]:
    """Four small files as MNIST's are; returns their names and MD5s, as torchvision lists them."""
    rng, listed = np.random.default_rng(0), []
    folder.mkdir(parents=True)
    for part, count in (("train", train), ("t10k", test)):
        pictures, labels = rng.integers(0, 256, (count, 28, 28), np.uint8), np.arange(count, dtype=np.uint8) % 10
        for kind, array in (("images-idx3", pictures), ("labels-idx1", labels)):
            header = struct.pack(f">{array.ndim + 1}I", 2048 + array.ndim, *array.shape)
            body = gzip.compress(header + array.tobytes(), mtime=0)
            file = folder / f"{part}-{kind}-ubyte.gz"
            file.write_bytes(body)
            listed.append((file.name, hashlib.md5(body, usedforsecurity=False).hexdigest()))
    return listed
