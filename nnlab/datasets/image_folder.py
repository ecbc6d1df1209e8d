"""Your own pictures: a folder with one folder of pictures for each class."""

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from nnlab.dataset import Card, Classification, Dataset, Progress, Transform, quiet
from nnlab.dataset.transform import Colour, Fit, Picture
from nnlab.datasets import (
    ClassKeys,
    Examples,
    HoldOutKeys,
    TrainKeys,
    _files,
    _folders,
    _labels,
    _pictures,
    build,
    choose,
    listed,
    parted,
)
from nnlab.errors import DataError, did_you_mean
from nnlab.plugin import DatasetFile

MOST_NAMED = 20
"""Pictures that cannot be read are named up to this many."""


class Params(ClassKeys, HoldOutKeys, TrainKeys):
    """The shared keys, and how the pictures are read.

    ``path`` holds one folder a class, or the folders ``train``, ``val`` (``valid``, ``validation``, ``dev``) and
    ``test`` which do. The test keys are used where there are neither ``val`` nor ``test``.
    """

    path: str
    """The folder."""
    size: list[Annotated[int, Field(ge=1, le=1024)]] = Field(default=[28, 28], min_length=2, max_length=2)
    """Height and width that every picture is brought to."""
    colour: Colour = "grey"
    """grey: one number a pixel, shape (h, w). rgb: three, shape (3, h, w)."""
    fit: Fit = "stretch"
    """What happens to a picture of other proportions: stretch, pad (whole, on black) or crop (its middle)."""
    broken: Literal["refuse", "skip"] = "refuse"
    """Whether pictures that cannot be read are an error, or left out with a warning."""


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, h * w) or (n, 3 * h * w) in [0, 1]; classes in the natural order of their names.

    Raises DataError, naming the files or folder, for what is missing, empty or no picture.
    """
    found = _folders.look(_files.existing(params.path, folder=True), params.classes)
    names, pools = _decoded(found, params)
    names, pools = choose(params.classes, names, *pools)
    train, val, test = parted(dict(zip(found.splits, pools, strict=True)), params)
    height, width = params.size
    return build(
        "image-folder",
        params,
        seed,
        train,
        test,
        val=val,
        classes=names,
        transform=Transform(scale=255, picture=Picture((height, width), params.colour, params.fit)),
        your_files=True,
        notes=[*_said(found, params), *found.notes()],
        warnings=[*found.warnings(), *_labels.doubts(names)],
    )


def _decoded(found: _folders.Folder, params: Params) -> tuple[tuple[str, ...], list[Examples]]:
    """The names of the classes, and the pictures of each split class by class; what is seen of them is noted.

    Raises DataError for classes that are not among those to train on, and pictures that cannot be read.
    """
    names = tuple(found.splits["train"])
    for split, files in found.splits.items():
        if unknown := set(files) - set(names):
            first = sorted(unknown, key=_labels.order)
            raise DataError(
                f"no picture to train is of class {listed(first)}, of which there are some in {split}",
                f"{did_you_mean(first[0], names)}classes: {listed(names)}",
            )
    shape = (3, *params.size) if params.colour == "rgb" else tuple(params.size)
    count = sum(len(paths) for files in found.splits.values() for paths in files.values())
    _files.must_fit(found.path, count * math.prod(shape) * 5)  # as uint8 and as float32
    pools = [_examples(found, files, names, shape, params) for files in found.splits.values()]
    if params.broken == "refuse" and found.broken:
        raise _refused([error.message for _, error in found.broken])
    return names, pools


def _examples(
    found: _folders.Folder, files: _folders.Files, names: Sequence[str], shape: tuple[int, ...], params: Params
) -> Examples:
    pairs = [(path, names.index(name)) for name, paths in files.items() for path in paths]
    inputs = np.empty((len(pairs), *shape), np.uint8)
    targets: list[int] = []
    for path, number in pairs:
        try:
            picture = _pictures.open_picture(path)
        except DataError as error:
            found.broken.append((path, error))
            continue
        inputs[len(targets)] = _pictures.pixels(picture, shape, params.colour, params.fit)
        targets.append(number)
        found.sizes.add(picture.size)
        found.coloured = found.coloured or (params.colour == "grey" and _pictures.has_colour(picture))
    return Examples(inputs[: len(targets)], np.array(targets, np.int64))


def _refused(messages: Sequence[str]) -> DataError:
    """The error for all pictures that cannot be read."""
    hint = "replace them, take them out, or leave them out with dataset.broken: skip"
    if len(messages) == 1:
        return DataError(messages[0], hint.replace("them", "it"))
    more = f"; and {len(messages) - MOST_NAMED:,} more" if len(messages) > MOST_NAMED else ""
    return DataError(f"{len(messages):,} pictures cannot be read: {'; '.join(messages[:MOST_NAMED])}{more}", hint)


def _said(found: _folders.Folder, params: Params) -> Iterator[str]:
    """What is done to the pictures that changes them."""
    height, width = params.size
    changed = {size for size in found.sizes if size != (width, height)}
    bent = any(across * height != down * width for across, down in changed)
    ways = {"stretch": "stretched to", "pad": "padded to", "crop": "cropped to"}
    done = [f"{ways[params.fit] if bent else 'scaled to'} {width}x{height}"] if changed else []
    if found.coloured:
        done.append("made grey")
    if done:
        keys = ["dataset.size", *(["dataset.fit"] if bent else [])] if changed else []
        keys += ["dataset.colour"] if found.coloured else []
        yield f"pictures of {_spanned(found.sizes)} are {' and '.join(done)}; {', '.join(keys)}"


def _spanned(sizes: Collection[tuple[int, int]]) -> str:
    """Width and height of all, or of the smallest and the largest."""
    ordered = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    first, last = (f"{width}x{height}" for width, height in (ordered[0], ordered[-1]))
    return first if len(ordered) == 1 else f"{first} to {last}, of {len(ordered):,} sizes,"


DATASET = DatasetFile(Params, Card("your files", Classification), load, read_picture=_pictures.read_picture)
