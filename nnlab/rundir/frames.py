"""Frames: what a net looked like after some of its epochs, one small file each, beside the curves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nnlab.dataset import Array
from nnlab.errors import RunError
from nnlab.rundir import storage, tensors

FOLDER = "frames"
MAX_FRAME_BYTES = 16 * 2**20
MOST_FRAMES = 100
FILE = re.compile(r"[0-9]{12,18}\.safetensors")
"""The name of a frame, which is its step."""
_RATIO = "ratio:"


@dataclass(frozen=True)
class Frame:
    """A net after a step."""

    step: int
    epoch: float
    weight: Array
    """(units, …) float16: the first units of the first layer, each in the shape of its inputs."""
    ratios: dict[str, float]
    """Of each of the weights: the norm of the step's update over the norm before it; empty before the first step."""
    confusion: Array | None
    """(classes, classes) int64 of the split that is watched; None for regression and before the first step."""


def write(folder: Path, frame: Frame) -> None:
    """Keep a frame in the run at ``folder``. Raises OSError."""
    arrays = {
        "epoch": np.float64(frame.epoch),
        "weight": frame.weight,
        **{f"{_RATIO}{name}": np.float64(value) for name, value in frame.ratios.items()},
        **({} if frame.confusion is None else {"confusion": frame.confusion}),
    }
    storage.make_folder(folder / FOLDER)
    content = tensors.dump({name: np.asarray(array) for name, array in arrays.items()})
    storage.write(folder / FOLDER / f"{frame.step:012}.safetensors", content)


def read(folder: Path) -> Iterator[Frame]:
    """The frames of the run at ``folder``, the first step first. Raises RunError for a damaged one."""
    place = folder / FOLDER
    if place.is_symlink() or not place.is_dir():
        return
    try:
        names = sorted((path.name for path in place.iterdir() if FILE.fullmatch(path.name)), key=lambda n: (len(n), n))
    except OSError as error:
        raise RunError(f"{place}: cannot be read: {error.strerror}") from None
    for name in names[:MOST_FRAMES]:
        arrays = tensors.load(place / name, MAX_FRAME_BYTES)
        weight, epoch, confusion = arrays.get("weight"), arrays.get("epoch"), arrays.get("confusion")
        ratios = {key.removeprefix(_RATIO): array for key, array in arrays.items() if key.startswith(_RATIO)}
        fine = (
            weight is not None
            and weight.ndim > 1
            and weight.dtype == np.float16
            and epoch is not None
            and all(array.shape == () and array.dtype == np.float64 for array in (epoch, *ratios.values()))
            and (confusion is None or (_square(confusion) and confusion.dtype == np.int64))
        )
        if not fine or weight is None or epoch is None:
            raise RunError(f"{place / name}: this is no frame of a training", "the file is damaged")
        plain = {key: float(array) for key, array in ratios.items()}
        yield Frame(int(name.partition(".")[0]), float(epoch), weight, plain, confusion)


def _square(array: Array) -> bool:
    return array.ndim == 2 and array.shape[0] == array.shape[1]
