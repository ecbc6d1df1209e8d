"""NumPy files: arrays read without pickle, and checked to be inputs or targets that a net can be given."""

from pathlib import Path
from typing import Literal

import numpy as np

from nnlab.dataset import Array, read_npy
from nnlab.datasets import _files, short
from nnlab.errors import DataError

TaskKey = Literal["auto", "classification", "regression"]


def read_file(path: Path) -> Array:
    """The array in a .npy file. Raises DataError for what is none, needs pickle, or does not fit into memory."""
    path = _files.existing(path, (".npy",))
    try:
        _files.must_fit(path, path.stat().st_size)
        with path.open("rb") as file:
            return read_npy(file, path.stat().st_size)
    except (OSError, ValueError, MemoryError) as error:
        raise _unreadable(repr(str(path)), error) from error


def read_archive(path: Path, names: list[str]) -> dict[str, Array]:
    """Those of the named arrays that a .npz file holds. Raises DataError as ``read_file`` does."""
    path, name, found = _files.existing(path, (".npz",)), "", {}
    try:
        with _files.archive(path) as archive:
            sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
            wanted = [n for n in names if n in sizes]
            _files.must_fit(path, sum(sizes[n] for n in wanted))
            for name in wanted:
                with archive.open(f"{name}.npy") as file:
                    found[name] = read_npy(file, sizes[name])
    except (ValueError, KeyError, MemoryError) as error:
        raise _unreadable(f"{name} of {str(path)!r}" if name else repr(str(path)), error) from error
    return found


def names_in(path: Path) -> list[str]:
    """What the arrays in a .npz file are called. Raises DataError as ``read_file`` does."""
    path = _files.existing(path, (".npz",))
    try:
        with _files.archive(path) as archive:
            return [n.removesuffix(".npy") for n in archive.namelist()]
    except ValueError as error:
        raise _unreadable(repr(str(path)), error) from error


def inputs(array: Array, where: str) -> Array:
    """Inputs (n, …), uint8 left as it is and every other type as float32.

    Raises DataError for no rows, no features, anything but finite real numbers.
    """
    if array.ndim == 0 or not array.size:
        raise DataError(f"{where} is empty: its shape is {array.shape}", "give one row an example")
    if array.ndim == 1:
        raise DataError(
            f"{where} has the shape {array.shape}, where one row an example belongs",
            "for one feature: x.reshape(-1, 1)",
        )
    return array if array.dtype == np.uint8 else _float32(array, where)


def targets(array: Array, where: str, task: TaskKey, rows: int) -> Array:
    """Targets of ``rows`` examples: (n,) int64 labels, or (n, outputs) float32 values.

    Whole-number types are labels and floating-point ones values, unless ``task`` says otherwise. Raises DataError for
    another length, labels that are no whole numbers from 0, and anything but finite real numbers.
    """
    if array.ndim == 0 or len(array) != rows:
        count = len(array) if array.ndim else 0
        raise DataError(f"{where} holds {count} targets for {rows} inputs", "give one target an input")
    whole = array.dtype.kind in "iub"
    if task == "regression" or (task == "auto" and not whole):
        return _float32(array.reshape(rows, -1), where)
    return _labels(array, where)


def _labels(array: Array, where: str) -> Array:
    if array.shape != (len(array),) and array.shape != (len(array), 1):
        raise DataError(
            f"{where} has the shape {array.shape}, where one class number an example belongs",
            "from one-hot: y.argmax(axis=1)",
        )
    flat = array.ravel()
    if flat.dtype.kind not in "iub":
        flat = _float32(flat, where)
        _refuse(flat != np.round(flat), flat, where, "is no whole number, so it can be no class", "y.astype(int)")
    _refuse((flat < 0) | (flat > 2**31), flat, where, "is out of range for a class", "number classes from 0")
    return flat.astype(np.int64)


def _float32(array: Array, where: str) -> Array:
    if array.dtype.kind not in "fiub":
        raise DataError(f"{where} holds {array.dtype}, where numbers belong", "x.astype('float32')")
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused as that
        numbers = array.astype(np.float32)
    _refuse(
        ~np.isfinite(numbers), array, where, "is no finite number of 32 bits", "clean the data, or take the row out"
    )
    return numbers


def _refuse(wrong: Array, array: Array, where: str, what: str, hint: str) -> None:
    """Raises DataError at the first place where ``wrong`` is true."""
    if wrong.any():
        place = tuple(int(i) for i in np.unravel_index(np.argmax(wrong), wrong.shape))
        index = ", ".join(str(i) for i in place)
        raise DataError(f"{where}[{index}]: {short(array[place].item())} {what}", hint)


def _unreadable(where: str, error: Exception) -> DataError:
    if "need pickle" in str(error):
        return DataError(
            f"{where} holds Python objects, which only pickle can read: it could run any code",
            "save plain numbers: np.save(file, np.array(values, dtype='float32'))",
        )
    if isinstance(error, MemoryError):
        return DataError(f"{where} does not fit into memory", "take part of it")
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DataError(f"{where} cannot be read as a NumPy file: {reason}", "write it with numpy.save or numpy.savez")
