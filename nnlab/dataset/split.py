"""Splits: examples as a net is given them, the types around them, and hashes over arrays."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SplitName = Literal["train", "val", "test"]
SCORED_FIRST: tuple[SplitName, ...] = ("test", "val", "train")
"""Of the splits that there are the first one's score counts."""
Progress = Callable[[str, int, int | None], None]
"""Called while data is fetched, with what is fetched, the bytes so far and the bytes in all (None: not known)."""


def quiet(what: str, done: int, total: int | None) -> None:
    """The Progress that shows nothing."""


def digest(*arrays: Array, names: Sequence[Sequence[str]] = ()) -> str:
    """SHA-256, in hexadecimal, over the type, the shape and the numbers of these arrays, and these lists of names."""
    return digest_taken(*((array, None) for array in arrays), names=names)


def digest_taken(*taken: tuple[Array, Array | None], names: Sequence[Sequence[str]] = ()) -> str:
    """``digest`` of arrays of which only some rows are taken, by their numbers, without a copy of them all."""
    total = hashlib.sha256()
    for array, rows in taken:
        count = len(array) if rows is None else len(rows)
        shape = array.shape if rows is None else (count, *array.shape[1:])
        total.update(f"{array.dtype.str}{shape}".encode())
        if array.flags.c_contiguous and rows is None:
            total.update(array.data)
            continue
        for at in range(0, count, _ROWS):
            part = array[at : at + _ROWS] if rows is None else array[rows[at : at + _ROWS]]
            total.update(np.ascontiguousarray(part).data)
    if names:
        total.update(json.dumps([list(some) for some in names]).encode())
    return total.hexdigest()


_ROWS = 4096
"""Rows that are copied at once to be hashed."""


@dataclass(frozen=True)
class Split:
    """Some examples: ``inputs`` and ``targets`` of the same length."""

    inputs: Array
    """(n, features) float32, C order."""
    targets: Array
    """(n,) int64 class numbers from 0, or (n, outputs) values: float32, or float64 where a model is to scale them."""

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Array) -> "Split":
        """The examples at these row numbers, in this order."""
        return Split(np.ascontiguousarray(self.inputs[rows]), np.ascontiguousarray(self.targets[rows]))
