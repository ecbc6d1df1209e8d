"""2,062 photographs of hands that sign the digits 0-9, as grey pictures of 64x64."""

import hashlib
import io
import re
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from nnlab import cache, splits
from nnlab.dataset import Array, Card, Classification, Dataset, Progress, Transform, quiet
from nnlab.datasets import (
    ClassKeys,
    Examples,
    HoldOutKeys,
    TrainKeys,
    _arrays,
    _files,
    _pictures,
    build,
    choose,
)
from nnlab.errors import DataError
from nnlab.plugin import DatasetFile

if TYPE_CHECKING:
    from PIL.Image import Image

COMMIT = "4b09433ef9d5c60602e8805bb54b8aa2428527f8"
URLS = (
    f"https://codeload.github.com/ardamavi/Sign-Language-Digits-Dataset/zip/{COMMIT}",
    f"https://github.com/ardamavi/Sign-Language-Digits-Dataset/archive/{COMMIT}.zip",
)
CONTENT_SHA256 = "649f1d41e4c42beb3131c96dbb1a8d308b66e5a4702ee40fcb0b0fb09ed4e753"
"""Over the name and the bytes of every photograph, sorted by name: GitHub may pack the same files in other ways."""
BLOCKS = (9, 0, 7, 6, 1, 8, 4, 3, 2, 5)
"""The digits that the columns of the notebook's Y.npy, which follow its blocks of pictures, stand for."""

_KEYS = ("inputs", "targets")
_ZIP_LIMIT, _MEMBERS, _MEMBER_LIMIT, _UNPACKED_LIMIT = 32 << 20, 5000, 4 << 20, 64 << 20
_PHOTOGRAPH = re.compile(r"(?:^|/)(Dataset/([0-9])/[^/]+\.JPG)$")


class Params(ClassKeys, HoldOutKeys, TrainKeys):
    """The shared keys, and what the notebook's own choice of pictures needs."""

    path: str | None = None
    """A folder with the notebook's X.npy and Y.npy; default: the photographs they were made from are downloaded."""
    per_class: int | None = Field(default=None, ge=1)
    """Only the first so many pictures of each class, by file name; default: all."""
    test_fraction: float = Field(default=0.15, ge=0, lt=1)
    """Share of the pictures that become the test split, drawn as scikit-learn's train_test_split does."""


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, 4096) in [0, 1], class by class in the order of ``classes`` before the test split is drawn.

    Raises DataUnavailableError where they can't be fetched, DataError for arrays, classes and splits that won't do.
    """
    scale, pool = (255, _downloaded(progress)) if params.path is None else (1, _notebook(params.path))
    names, (pool,) = choose(params.classes, [str(d) for d in range(10)], pool)
    rows = [np.flatnonzero(pool.targets == n)[: params.per_class] for n in range(len(names))]
    pool = pool.take(np.concatenate(rows))
    train, test = _hold_out(pool, params)
    return build("sign-digits", params, seed, train, test, classes=names, transform=Transform(scale=scale))


def cached() -> bool:
    """Whether ``load`` without ``path`` needs no network."""
    return cache.complete("sign-digits", _KEYS)


def fetch(progress: Progress = quiet) -> None:
    """Download the photographs and keep the pictures made from them. Raises DataUnavailableError and DataError."""
    from PIL import Image

    urls = cache.addresses("sign-language-digits/Sign-Language-Digits-Dataset-master.zip", URLS)
    photographs = _unpack(cache.download("sign-digits", urls, _ZIP_LIMIT, _check, progress))
    pictures, digits = [], []
    for name, body in photographs.items():
        with Image.open(io.BytesIO(body), formats=("JPEG",)) as image:
            pictures.append(_picture(image))
        digits.append(int(name.split("/")[1]))
    cache.store_arrays("sign-digits", dict(zip(_KEYS, (np.stack(pictures), np.array(digits, np.int64)), strict=True)))


def read_picture(image: "Image", shape: tuple[int, ...]) -> Array:
    """A picture as (4096,) float32, made as the notebook's were."""
    return Transform(scale=255).apply(_picture(_pictures.plain(image))[None]).ravel()


def _downloaded(progress: Progress) -> Examples:
    # What the photographs hold is pinned, the pixels made of them are not: another JPEG decoder may round otherwise.
    # The recorded digest finds damage, and a Dataset's sha256 tells such pictures apart.
    (inputs, targets), _ = cache.load_arrays("sign-digits", _KEYS, lambda: fetch(progress))
    return Examples(inputs, targets)


def _notebook(path: str) -> Examples:
    """The notebook's arrays, (n, 64, 64) in [0, 1] and one-hot (n, 10), with the digit each column stands for."""
    folder = _files.existing(path, folder=True)
    x, y = folder / "X.npy", folder / "Y.npy"
    found, marks = _arrays.read_file(x), _arrays.read_file(y)
    inputs = _arrays.inputs(found, repr(str(x)), "auto")[0].astype(np.float32)
    if inputs.ndim != 3 or found.dtype == np.uint8 or inputs.min() < 0 or inputs.max() > 1:
        raise DataError(f"{str(x)!r} is not (n, 64, 64) in [0, 1]: {inputs.shape}", "give the notebook's X.npy")
    if marks.shape != (len(inputs), 10) or not np.isin(marks, (0, 1)).all() or (marks.sum(axis=1) != 1).any():
        raise DataError(f"{str(y)!r} is not one-hot ({len(inputs)}, 10): {marks.shape}", "give the notebook's Y.npy")
    return Examples(inputs, np.array(BLOCKS, np.int64)[marks.argmax(axis=1)])


def _hold_out(pool: Examples, params: Params) -> tuple[Examples, Examples | None]:
    if not params.test_fraction:
        return pool, None
    rest, test = splits.shuffled(len(pool), params.test_fraction, params.split_seed)
    if not len(rest):
        raise DataError(
            f"dataset.test_fraction: {params.test_fraction:g} of {len(pool)} pictures leaves none to train on",
            "a smaller one",
        )
    return pool.take(rest), pool.take(test)


def _unpack(archive: bytes) -> dict[str, bytes]:
    """The photographs by their name from ``Dataset/`` on, sorted by it.

    In memory, and bounded before anything is unpacked: nothing in an archive should decide what we write or how much.
    Raises ValueError for an archive that is damaged or holds more than the photographs could.
    """
    with _files.archive(io.BytesIO(archive)) as packed:
        members = packed.infolist()
        sizes = [m.file_size for m in members]
        if len(members) > _MEMBERS or max(sizes, default=0) > _MEMBER_LIMIT or sum(sizes) > _UNPACKED_LIMIT:
            raise ValueError("an archive that holds far more than the photographs")
        named = {m[1]: info for info in members if (m := _PHOTOGRAPH.search(info.filename))}
        return {name: packed.read(named[name]) for name in sorted(named)}


def _check(archive: bytes) -> None:
    total = hashlib.sha256()
    for name, body in _unpack(archive).items():
        total.update(name.encode())
        total.update(body)
    if total.hexdigest() != CONTENT_SHA256:
        raise ValueError("not the photographs that were asked for: their SHA-256 is another")


def _picture(image: "Image") -> Array:
    """(64, 64) uint8: grey, stretched so that its darkest pixel is 0 and its brightest 255, then made smaller."""
    from PIL import Image

    grey = np.asarray(image.convert("F"))
    low, high = grey.min(), grey.max()
    stretched = np.round((grey - low) / max(high - low, np.float32(1e-6)) * 255).astype(np.uint8)
    return np.asarray(Image.fromarray(stretched).resize((64, 64), Image.Resampling.BILINEAR))


DATASET = DatasetFile(
    Params,
    Card("download", Classification, train=1752, test=310, shape=(64, 64), outputs=10, download_mib=17),
    load,
    cached=cached,
    fetch=fetch,
    read_picture=read_picture,
)
