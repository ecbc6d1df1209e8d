"""NumPy files: arrays read without pickle, and checked to be inputs that a net can be given."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np

from nnlab.dataset import Array
from nnlab.dataset.dataset import PICTURE_CHANNELS
from nnlab.dataset.npy import read_npy
from nnlab.dataset.transform import Layout
from nnlab.datasets import _files
from nnlab.errors import DataError
from nnlab.tables.cells import short

LayoutKey = Literal["auto", "channels-first", "channels-last"]


def names_in(path: Path) -> list[str]:
    """What the arrays in a .npz file, or in a folder of .npy files, are called; of the files without their suffix.

    Raises DataError as ``read`` does.
    """
    if path.is_dir():
        return sorted(file.stem for file in path.glob("*.npy") if not file.name.startswith("."))
    path = _files.existing(path, (".npz",))
    try:
        with _files.archive(path) as archive:
            return [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
    except ValueError as error:
        raise _unreadable(repr(str(path)), error) from error


def read(path: Path, names: Iterable[str]) -> dict[str, Array]:
    """The named arrays. Raises DataError for what is none, needs pickle, or does not fit into memory."""
    if path.is_dir():
        return {name: read_file(path / f"{name}.npy") for name in names}
    return _of_archive(path, names)


def read_file(path: Path) -> Array:
    """The array in a .npy file. Raises DataError as ``read`` does."""
    path = _files.existing(path, (".npy",))
    try:
        _files.must_fit(path, path.stat().st_size)
        with path.open("rb") as file:
            return read_npy(file, path.stat().st_size)
    except (OSError, ValueError, MemoryError) as error:
        raise _unreadable(repr(str(path)), error) from error


def _of_archive(path: Path, names: Iterable[str]) -> dict[str, Array]:
    name, found, names = "", dict[str, Array](), list(names)
    try:
        with _files.archive(path) as archive:
            sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
            _files.must_fit(path, sum(sizes[n] for n in names))
            for name in names:
                with archive.open(f"{name}.npy") as file:
                    found[name] = read_npy(file, sizes[name])
    except (ValueError, KeyError, MemoryError) as error:
        raise _unreadable(f"{name} of {str(path)!r}" if name else repr(str(path)), error) from error
    return found


def inputs(array: Array, where: str, layout: LayoutKey) -> tuple[Array, Layout | None]:
    """Inputs (n, …), pictures as (n, channels, h, w), and how these lay: uint8 as it is, else as ``numbers``.

    Raises DataError for no rows, no features, anything but finite real numbers, and a layout that cannot be told.
    """
    if array.ndim == 0 or not array.size:
        raise DataError(f"{where} is empty: its shape is {array.shape}", "give one row an example")
    if array.ndim == 1:
        raise DataError(
            f"{where} has the shape {array.shape}, where one row an example belongs",
            "for one feature: x.reshape(-1, 1)",
        )
    found = layout_of(array.shape, where, layout)
    plain = array if array.dtype == np.uint8 else numbers(array, where)
    return (np.ascontiguousarray(np.moveaxis(plain, -1, 1)) if found == "channels last" else plain), found


def layout_of(shape: tuple[int, ...], where: str, key: LayoutKey) -> Layout | None:
    """How pictures of this shape (n, …) lie; None for what has no channels.

    Channels are at the end which has 1, 3 or 4; where neither has, at the shorter end. Raises DataError where both
    have, and for a ``key`` where there are no channels.
    """
    if len(shape) != 4:
        if key != "auto":
            raise DataError(
                f"dataset.layout: {where} has the shape {shape}, which has no channels", "leave dataset.layout out"
            )
        return None
    if key != "auto":
        return "channels first" if key == "channels-first" else "channels last"
    first, last = shape[1], shape[3]
    if first in PICTURE_CHANNELS and last in PICTURE_CHANNELS:
        raise DataError(
            f"{where} has the shape {shape}: the channels may come first or last",
            "dataset.layout: channels-first or channels-last says it",
        )
    if first in PICTURE_CHANNELS or last in PICTURE_CHANNELS:
        return "channels first" if first in PICTURE_CHANNELS else "channels last"
    return "channels last" if last < min(first, shape[2]) else "channels first"


def numbers(array: Array, where: str) -> Array:
    """Finite real numbers as float32 where that loses nothing, else as float64. Raises DataError for others."""
    if array.dtype.kind not in "fiub":
        raise DataError(f"{where} holds {array.dtype}, where numbers belong", "x.astype('float32')")
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused as that
        single = array.astype(np.float32)
    refuse(~np.isfinite(single), array, where, "is no finite number of 32 bits")
    return single if array.dtype.itemsize <= 2 or np.array_equal(single, array) else array.astype(np.float64)


def refuse(wrong: Array, array: Array, where: str, what: str) -> None:
    """Raises DataError, with the first place where ``wrong`` is true and how many there are."""
    if not wrong.any():
        return
    place = tuple(int(i) for i in np.unravel_index(np.argmax(wrong), wrong.shape))
    index, rows = ", ".join(str(i) for i in place), int(wrong.reshape(len(wrong), -1).any(axis=1).sum())
    others = f", as in {rows:,} of {len(wrong):,} rows" if rows > 1 else ""
    raise DataError(
        f"{where}[{index}]: {short(array[place].item())} {what}{others}",
        "correct it, or take the row out" if rows == 1 else "correct them, or take these rows out",
    )


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
