"""Your own pictures: a folder with one folder of pictures for each class."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from nnlab.dataset import Array, Card, Dataset, Progress, Transform, quiet
from nnlab.datasets import (
    ClassKeys,
    Examples,
    HoldOutKeys,
    TrainKeys,
    _files,
    _pictures,
    build,
    choose,
    divided,
    hold_out,
    listed,
    short,
)
from nnlab.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

CARD = Card("your files", "classification")


class Params(ClassKeys, HoldOutKeys, TrainKeys):
    """The shared keys, and how the pictures are read.

    ``path`` holds one folder a class, or the folders ``train`` and ``test`` which do; then the test keys are not used.
    """

    path: str
    """The folder."""
    size: list[Annotated[int, Field(ge=1, le=1024)]] = Field(default=[28, 28], min_length=2, max_length=2)
    """Height and width that every picture is scaled to."""
    colour: _pictures.Colour = "grey"
    """grey: one number a pixel, shape (h, w). rgb: three, shape (3, h, w)."""


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, h * w) or (n, 3 * h * w) in [0, 1]; classes in the order of their names.

    Raises DataError, naming the file or folder, for what is missing, empty or no picture.
    """
    folder = _files.existing(params.path, folder=True)
    train_folder, test_folder = folder / "train", folder / "test"
    apart = train_folder.is_dir() and test_folder.is_dir()
    files = _listed(train_folder if apart else folder)
    names, pools = tuple(files), [_decoded(files, tuple(files), params)]
    if apart:
        pools.append(_decoded(_listed(test_folder), names, params))
    names, pools = choose(params.classes, names, *pools)
    train, test = pools if apart else hold_out(pools[0], params)
    return build(
        "image-folder", params, seed, train, test, classes=names, transform=Transform(scale=255), your_files=True
    )


def read_picture(image: "Image", shape: tuple[int, ...]) -> Array:
    """A picture as (features,) float32, made as those of a dataset of this ``shape``, (h, w) or (3, h, w), were."""
    return divided(_pictures.pixels(image, shape, "rgb" if len(shape) == 3 else "grey")[None], 255).ravel()


def _listed(folder: Path) -> dict[str, list[Path]]:
    """The pictures of each class, by name; hidden files and other kinds of files are passed over."""
    try:
        classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))
        files = {c.name: sorted(p for p in c.iterdir() if _is_picture(p)) for c in classes}
    except OSError as error:
        raise DataError(f"{str(folder)!r} cannot be read: {error}", "check its permissions") from error
    if not files:
        raise DataError(f"{str(folder)!r} holds no folder, where one a class belongs", "path/<class>/<picture>.png")
    for name, pictures in files.items():
        if not name.isprintable():
            raise DataError(f"{str(folder)!r}: {short(name)} cannot be the name of a class", "rename the folder")
        if not pictures:
            raise DataError(
                f"{str(folder / name)!r} holds no picture", f"what is read: {', '.join(_pictures.SUFFIXES)}"
            )
    return files


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in _pictures.SUFFIXES and not path.name.startswith(".")


def _decoded(files: dict[str, list[Path]], names: tuple[str, ...], params: Params) -> Examples:
    """Every picture, class by class. Raises DataError for classes that are not among ``names``."""
    if unknown := set(files) - set(names):
        raise DataError(f"no picture to train is of class {listed(sorted(unknown))}", f"classes: {listed(names)}")
    pairs = [(path, names.index(name)) for name, paths in files.items() for path in paths]
    shape = (3, *params.size) if params.colour == "rgb" else tuple(params.size)
    _files.must_fit(Path(params.path), len(pairs) * int(np.prod(shape)) * 5)  # as uint8 and as float32
    inputs = np.empty((len(pairs), *shape), np.uint8)
    for row, (path, _) in enumerate(pairs):
        inputs[row] = _pictures.pixels(_pictures.open_picture(path), shape, params.colour)
    return Examples(inputs, np.array([number for _, number in pairs], np.int64))
