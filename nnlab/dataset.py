"""A dataset: inputs and targets in up to three splits, and what is known of them."""

import hashlib
import math
import tokenize
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Task = Literal["classification", "regression"]
SplitName = Literal["train", "val", "test"]
Progress = Callable[[str, int, int | None], None]
"""Called while data is fetched, with what is fetched, the bytes so far and the bytes in all (None: not known)."""


def quiet(what: str, done: int, total: int | None) -> None:
    """The Progress that shows nothing."""


def digest(*arrays: Array) -> str:
    """SHA-256, in hexadecimal, over the type, the shape and the numbers of these arrays, in this order."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def read_npy(file: IO[bytes], limit: int) -> Array:
    """The array in a .npy file of at most ``limit`` bytes, more than which is never allocated, whatever it says.

    Raises ValueError for anything else, damaged ones and those that need pickle.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of headers from Python 2, or damaged ones
            read_header = _NPY_HEADERS[np.lib.format.read_magic(file)]
            shape, fortran, dtype = read_header(file)
    except (EOFError, SyntaxError, TypeError, KeyError, RecursionError, tokenize.TokenError) as error:
        # What NumPy's reader of headers lets through.
        raise ValueError(f"its header is damaged ({type(error).__name__})") from error
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which need pickle")
    size = math.prod(shape) * dtype.itemsize
    if not 0 <= size <= limit or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError("it is shorter than its header says")
    content = np.empty(size, np.uint8)
    if _fill(file, content.data) < size:
        raise ValueError("it is shorter than its header says")
    return content.view(dtype).reshape(shape, order="F" if fortran else "C")


_NPY_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def _fill(file: Any, room: memoryview) -> int:
    """Read until there is no more room, or no more to read; returns how many bytes came."""
    done = 0
    while done < len(room) and (count := file.readinto(room[done:])):
        done += count
    return done


@dataclass(frozen=True)
class Split:
    """Some examples: ``inputs`` and ``targets`` of the same length."""

    inputs: Array
    """(n, features) float32, C order."""
    targets: Array
    """(n,) int64 class numbers from 0, or (n, outputs) float32 values."""

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Array) -> "Split":
        """The examples at these row numbers, in this order."""
        return Split(np.ascontiguousarray(self.inputs[rows]), np.ascontiguousarray(self.targets[rows]))


@dataclass(frozen=True)
class Dataset:
    """Everything a run needs to know of its data."""

    name: str
    train: Split
    val: Split | None
    test: Split | None
    sha256: str
    """Of the examples as decoded, before ``limit`` and ``val_fraction``: equal hashes mean scores can be compared."""
    shape: tuple[int, ...]
    """Of one input before it was flattened to ``features``: (28, 28), (3, 32, 32) or (4,)."""
    classes: tuple[str, ...] = ()
    """The name of each class by its number; empty for regression."""
    feature_names: tuple[str, ...] = ()
    target_name: str = ""
    scale: float = 1
    """What every input was divided by, so that pictures come in [0, 1]."""
    mean: tuple[float, ...] = ()
    """What was taken off each feature to standardise it; empty where nothing was."""
    std: tuple[float, ...] = ()

    @property
    def task(self) -> Task:
        """Classification where there are classes."""
        return "classification" if self.classes else "regression"

    @property
    def features(self) -> int:
        """How many numbers one input has."""
        return int(self.train.inputs.shape[1])

    @property
    def outputs(self) -> int:
        """How many classes, or how many values a regression predicts."""
        return len(self.classes) if self.classes else int(self.train.targets.shape[1])

    def split(self, name: SplitName) -> Split | None:
        """The split of that name, where there is one."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    @property
    def watched(self) -> SplitName:
        """The split that is evaluated while training: val, else test, else train."""
        return "val" if self.val else "test" if self.test else "train"


@dataclass(frozen=True)
class Card:
    """What ``nnlab datasets`` says of a dataset before any of it is loaded; None where only the files can tell."""

    source: Literal["download", "built in", "your files"]
    task: Task | None = None
    train: int | None = None
    test: int | None = None
    shape: tuple[int, ...] | None = None
    outputs: int | None = None
    download_mib: int = 0
