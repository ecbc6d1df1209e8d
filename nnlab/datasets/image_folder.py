"""Your own pictures: a folder with one folder of pictures for each class."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from nnlab.dataset import Card, Classification, Dataset, Progress, SplitName, Transform, quiet
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
    folder = _files.existing(params.path, folder=True)
    found = _folders.look(folder, params.classes)
    names, pools, looked = _decoded(folder, found.splits, params)
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
        notes=[*looked.notes(params), *found.notes()],
        warnings=[*found.warnings(), *looked.warnings(folder), *_labels.doubts(names)],
    )


@dataclass
class _Looked:
    """What was seen of the pictures while they were read."""

    sizes: set[tuple[int, int]] = field(default_factory=set)
    """Width and height."""
    coloured: bool = False
    broken: list[tuple[Path, DataError]] = field(default_factory=list)

    def notes(self, params: Params) -> Iterator[str]:
        """What is done to the pictures that changes them."""
        height, width = params.size
        changed = {size for size in self.sizes if size != (width, height)}
        bent = any(across * height != down * width for across, down in changed)
        ways = {"stretch": "stretched to", "pad": "padded to", "crop": "cropped to"}
        done = [f"{ways[params.fit] if bent else 'scaled to'} {width}x{height}"] if changed else []
        if self.coloured and params.colour == "grey":
            done.append("made grey")
        if done:
            keys = ["dataset.size", *(["dataset.fit"] if bent else [])] if changed else []
            keys += ["dataset.colour"] if done[-1] == "made grey" else []
            yield f"pictures of {self._sizes()} are {' and '.join(done)}; {', '.join(keys)}"

    def _sizes(self) -> str:
        """Width and height of all, or of the smallest and the largest."""
        ordered = sorted(self.sizes, key=lambda size: (size[0] * size[1], size))
        first, last = (f"{width}x{height}" for width, height in (ordered[0], ordered[-1]))
        return first if len(ordered) == 1 else f"{first} to {last}, of {len(ordered):,} sizes,"

    def warnings(self, folder: Path) -> Iterator[str]:
        if self.broken:
            count = _labels.counted(
                len(self.broken), "picture that cannot be read is", "pictures that cannot be read are"
            )
            yield f"{count} left out: {listed(path.relative_to(folder).as_posix() for path, _ in self.broken)}"

    def refuse(self) -> None:
        """Raises DataError for the pictures that cannot be read, all at once."""
        if not self.broken:
            return
        hint = "replace them, take them out, or leave them out with dataset.broken: skip"
        if len(self.broken) == 1:
            raise DataError(self.broken[0][1].message, hint.replace("them", "it"))
        first = "; ".join(error.message for _, error in self.broken[:MOST_NAMED])
        more = f"; and {len(self.broken) - MOST_NAMED:,} more" if len(self.broken) > MOST_NAMED else ""
        raise DataError(f"{len(self.broken):,} pictures cannot be read: {first}{more}", hint)


def _decoded(
    folder: Path, splits: Mapping[SplitName, _folders.Files], params: Params
) -> tuple[tuple[str, ...], list[Examples], _Looked]:
    """The names of the classes, the pictures of each split class by class, and what was seen of them.

    Raises DataError for classes that are not among those to train on, and pictures that cannot be read.
    """
    names, looked = tuple(splits["train"]), _Looked()
    for split, files in splits.items():
        if unknown := set(files) - set(names):
            first = sorted(unknown, key=_labels.order)
            raise DataError(
                f"no picture to train is of class {listed(first)}, of which there are some in {split}",
                f"{did_you_mean(first[0], names)}classes: {listed(names)}",
            )
    shape = (3, *params.size) if params.colour == "rgb" else tuple(params.size)
    count = sum(len(paths) for files in splits.values() for paths in files.values())
    _files.must_fit(folder, count * math.prod(shape) * 5)  # as uint8 and as float32
    pools = [_examples(files, names, shape, params, looked) for files in splits.values()]
    if params.broken == "refuse":
        looked.refuse()
    return names, pools, looked


def _examples(
    files: _folders.Files, names: Sequence[str], shape: tuple[int, ...], params: Params, looked: _Looked
) -> Examples:
    pairs = [(path, names.index(name)) for name, paths in files.items() for path in paths]
    inputs = np.empty((len(pairs), *shape), np.uint8)
    targets: list[int] = []
    for path, number in pairs:
        try:
            picture = _pictures.open_picture(path)
        except DataError as error:
            looked.broken.append((path, error))
            continue
        inputs[len(targets)] = _pictures.pixels(picture, shape, params.colour, params.fit)
        targets.append(number)
        looked.sizes.add(picture.size)
        looked.coloured = looked.coloured or (params.colour == "grey" and _pictures.has_colour(picture))
    return Examples(inputs[: len(targets)], np.array(targets, np.int64))


DATASET = DatasetFile(Params, Card("your files", Classification), load, read_picture=_pictures.read_picture)
