"""New inputs for a trained model: numbers, pictures, arrays and tables, made into rows as the training data was."""

import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnlab.dataset import Array, Transform
from nnlab.dataset.npy import read_npy
from nnlab.datasets import _arrays, _pictures, listed
from nnlab.datasets._table_rows import Inputs, TableReader
from nnlab.errors import DataError
from nnlab.plugin import PictureReader
from nnlab.tables import Keys, reading, sniff, source
from nnlab.tables.cells import short
from nnlab.tables.keys import AUTO

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES = 2**30
"""Of a file that is read whole."""
MOST_AT_ONCE = 1024
"""Inputs that come one by one and are predicted together."""
INPUTS = ("x_test", "X_test", "x", "X", "x_train", "X_train", "images", "data", "features", "inputs")
"""What the array of inputs in a .npz file may be called; the first that is there is taken."""
KINDS = f"{', '.join(source.SUFFIXES)}, .npy, .npz, {', '.join(_pictures.SUFFIXES)}"


class Reader:
    """Turns inputs, in the units of the data's own files, into rows of features as the net was trained on."""

    def __init__(
        self,
        data: Mapping[str, Any],
        read_picture: PictureReader | None = None,
        *,
        dark_edges: bool = False,
        keys: Keys = AUTO,
    ) -> None:
        """``data`` is what run.json says of the dataset, ``dark_edges`` whether its pictures are bright on black.

        ``keys`` are those that its table was read with.
        """
        self.features = int(data["features"])
        self.shape = tuple(int(side) for side in data["shape"])
        self.names = [str(name) for name in data.get("feature_names") or []]
        self.transform = Transform.from_dict(data)
        self.read_picture = read_picture
        self.dark_edges = dark_edges
        self.table = TableReader(data, keys)
        self._warnings: list[str] = []

    @property
    def warnings(self) -> list[str]:
        """What was in doubt so far."""
        return [*self._warnings, *self.table.warnings]

    def parts(self, inputs: Sequence[str], *, written: bool = False) -> Iterator[Inputs]:
        """The rows of all inputs, in their order, some at a time; tables with what is ``written`` in them, if asked.

        Raises DataError where an input is not what the model was trained on.
        """
        waiting: list[Inputs] = []
        for rows in self._each(inputs, written):
            apart = rows.columns != ("input",)
            if waiting and (apart or sum(len(each.names) for each in waiting) >= MOST_AT_ONCE):
                yield _joined(waiting)
                waiting = []
            if apart:
                yield rows
            else:
                waiting.append(rows)
        if waiting:
            yield _joined(waiting)

    def _each(self, inputs: Sequence[str], written: bool) -> Iterator[Inputs]:
        for loose, group in groupby(inputs, _is_number):
            items = list(group)
            if loose:  # so many numbers after one another are one input each
                rows = self._numbers(items, " ".join(items[:5]))
                width = len(items) // len(rows)
                yield _plain([",".join(items[at : at + width]) for at in range(0, len(items), width)], rows)
                continue
            for item in items:
                if _all_numbers(item):
                    yield _named(item, self._numbers(item.split(","), _cut(item)))
                else:
                    for path in _paths(item):
                        yield from self._file(path, written)

    def shaped(self, array: Array, name: str) -> Array:
        """An array as rows of features: one input or many, flat or in the shape of the training data."""
        if array.dtype.kind not in "fiub":
            raise DataError(f"{name}: the values are {array.dtype}, not numbers", "save it as float32")
        for shape in self._shapes():
            if array.shape == shape or array.shape[1:] == shape:
                rows = array.reshape(-1, *shape)
                rows = np.moveaxis(rows, -1, 1) if shape == self._lying() else rows
                return self._ready(rows.reshape(len(rows), -1), name)
        wanted = " or ".join(f"(n, {', '.join(map(str, shape))})" for shape in sorted(self._shapes(), key=len))
        wanted = wanted or "a data frame, or a table's file: its columns are not numbers alone"
        raise DataError(f"{name}: the shape is {array.shape}", f"this model takes {wanted}")

    def _shapes(self) -> list[tuple[int, ...]]:
        """The shapes that one input may have, the likeliest first."""
        columns = self.transform.columns
        if any(column.kind in ("category", "date") for column in columns):
            return []
        if not all(column.plain for column in columns):
            return [(len(columns),)]
        shapes = [self.shape, (self.features,)]
        lying = self._lying()
        return list(dict.fromkeys([lying, *shapes] if lying else shapes))

    def _lying(self) -> tuple[int, ...] | None:
        """The shape of one picture in the run's own arrays, where that has its channels last."""
        last = self.transform.layout == "channels last" and len(self.shape) == 3
        return (*self.shape[1:], self.shape[0]) if last else None

    def _ready(self, rows: Array, name: str) -> Array:
        """Rows scaled and standardised as the training data was, (n, features) float32."""
        if not len(rows):
            raise DataError(f"{name}: there are no rows in it", "give at least one input")
        with np.errstate(over="ignore"):
            result = self._transform(rows, name).apply(rows)
        bad = np.argwhere(~np.isfinite(result))
        if len(bad):
            row, column = bad[0]
            message = f"{name}: row {row + 1}, column {column + 1} is {rows[row, column]}"
            raise DataError(message, "give finite numbers that fit into float32")
        return result

    def _transform(self, rows: Array, name: str) -> Transform:
        """What training did to its own rows; where these were whole, fractions up to 1 have been divided already."""
        scale = self.transform.scale
        if scale == 1 or not self.transform.whole:
            return self.transform
        if not (rows.dtype.kind in "iub" or np.nanmax(rows) > 1):
            return replace(self.transform, scale=1)
        if not np.array_equal(rows, np.floor(rows), equal_nan=True):
            raise DataError(
                f"{name}: fractions up to {np.nanmax(rows):g}, where training had them from 0 to 1",
                f"divide by {scale:g}, or give whole numbers from 0 to {scale:g}",
            )
        return self.transform

    def _numbers(self, texts: list[str], name: str) -> Array:
        width = len(self.transform.columns) or self.features
        if not self._shapes():
            raise DataError(f"{name}: this model's inputs are not numbers alone", "give them as a table: a .csv file")
        if len(texts) % width:
            raise DataError(
                f"{name}: {_count(len(texts))} given, and one input has {width}",
                f"give {_count(width)} for each, or join them by commas: {self._example()}",
            )
        return self._ready(_array(texts).reshape(-1, width), name)

    def _example(self) -> str:
        names = [column.name for column in self.transform.columns] or self.names
        names = names or [f"x{number}" for number in range(1, self.features + 1)]
        return ",".join(names[:6]) + (",…" if len(names) > 6 else "")

    def _file(self, path: Path, written: bool) -> Iterator[Inputs]:
        name, suffix = str(path), path.suffix.lower()
        if not path.is_file():
            raise DataError(f"{name}: this is not a plain file", f"give a file of these: {KINDS}")
        if name.lower().endswith(source.SUFFIXES):
            yield from self._table(path, written)
            return
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{name}: this is larger than 1 GiB", "take part of it")
        try:
            if suffix == ".npy":
                with path.open("rb") as file:
                    yield _named(name, self.shaped(read_npy(file, path.stat().st_size), name))
                return
            if suffix == ".npz":
                yield _named(name, self._archive(path))
                return
            if suffix in _pictures.SUFFIXES:
                yield _named(name, self._picture(path))
                return
        except (ValueError, EOFError) as error:
            raise DataError(f"{name}: cannot be read: {error}", "is the file what its ending says?") from None
        except OSError as error:
            raise DataError(f"{name}: cannot be read: {error.strerror or error}", "check the file") from None
        raise DataError(
            f"{name}: files ending in {short(suffix) if suffix else 'nothing'} are not read", f"give {KINDS}"
        )

    def _archive(self, path: Path) -> Array:
        """The inputs in a .npz file: its only array, or the one with a usual name."""
        there = _arrays.names_in(path)
        name = there[0] if len(there) == 1 else next((name for name in INPUTS if name in there), None)
        if name is None:
            raise DataError(f"{path}: which array are the inputs? It holds {listed(there)}", "call one of them x")
        return self.shaped(_arrays.read(path, [name])[name], f"{name} of {path}")

    def _table(self, path: Path, written: bool) -> Iterator[Inputs]:
        """A table, by the names of its columns where the run's data was one, else pixels and the like by position."""
        if self.transform.columns:
            yield from _alone(self.table.parts(path, written=written), str(path))
        else:
            yield from _alone(self._plain_table(path, written), str(path))

    def _plain_table(self, path: Path, written: bool) -> Iterator[Inputs]:
        style = sniff.find_style(path, named=self.names)
        columns = list(style.names)
        if style.header and self.names and set(self.names) <= set(columns):
            places = [columns.index(name) for name in self.names]
        elif len(columns) == self.features:
            places = list(range(self.features))
        else:
            raise self._no_row(path, style.line)
        header, found = (*[""] * style.left_out, *columns), 0
        for lines, cells in reading.written(path, style):
            texts: list[str] = []
            for line, row in zip(lines, cells, strict=True):
                numbers = [row[style.left_out + place].strip() for place in places]
                if not all(map(_is_number, numbers)):
                    raise self._no_row(path, line)
                texts += numbers
            names = [f"{path}:{number}" for number in range(found + 1, found + len(cells) + 1)]
            rows = self._ready(_array(texts).reshape(-1, self.features), str(path))
            yield Inputs(names, rows, header, cells if written else ())
            found += len(cells)
        if not found:
            raise DataError(f"{path}: there are no rows in it", "give at least one input")

    def _no_row(self, path: Path, line: int) -> DataError:
        message = f"{path}:{line}: the row is not {_count(self.features)}"
        return DataError(message, f"its columns should be {self._example()}")

    def _picture(self, path: Path) -> Array:
        if self.transform.picture is None and self.read_picture is None:
            raise DataError(f"{path}: this model's data is not made of picture files", "give numbers or a .npy file")
        picture = _pictures.open_picture(path)
        row = self._pixels(picture)
        self._doubt(path, picture, row)
        return row.reshape(1, -1)

    def _pixels(self, picture: "Image") -> Array:
        """A picture as (features,) float32, brought to its size as those of training were."""
        how = self.transform.picture
        if how is None:
            return self.read_picture(picture, self.shape)  # type: ignore[misc]
        pixels = _pictures.pixels(picture, how.size, how.colour, how.fit)
        if pixels.shape != self.shape:
            raise DataError(f"run.json: a picture of {how.size} in {how.colour} is no input of {self.shape}")
        row: Array = self.transform.apply(pixels[None])[0]
        return row

    def _doubt(self, path: Path, picture: "Image", row: Array) -> None:
        """Note where a picture is unlike those of training in a way that people overlook."""
        height, width = self.shape[-2:]
        if self.transform.picture is None and not 0.8 < (picture.width / picture.height) / (width / height) < 1.25:
            said = f"{path}: {picture.width}x{picture.height} is squeezed into {width}x{height}; crop it"
            self._warnings.append(said)
        edges = np.ones((height, width), bool)
        edges[1:-1, 1:-1] = False
        if self.dark_edges and row[edges.ravel()].mean() > 0.5:
            self._warnings.append(f"{path}: its background is bright, where training's is black; invert it")


def _paths(item: str) -> list[Path]:
    """The files that an input names, or that its pattern does where there is no such file."""
    if os.path.exists(item):  # noqa: PTH110 (Path.exists raises OSError for a text that is too long)
        return [Path(item)]
    found = sorted(glob.glob(item, recursive=True)) if glob.has_magic(item) else []  # noqa: PTH207 (may be absolute)
    if not found:
        raise DataError(f"{_cut(item)}: this is neither a number nor a file", f"give numbers, or files: {KINDS}")
    return [Path(each) for each in found]


def _cut(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."


def _named(name: str, rows: Array) -> Inputs:
    """Rows called after what they are from."""
    return _plain([name] if len(rows) == 1 else [f"{name}:{number}" for number in range(1, len(rows) + 1)], rows)


def _plain(names: list[str], rows: Array) -> Inputs:
    return Inputs(names, rows, cells=[[name] for name in names])


def _alone(parts: Iterator[Inputs], name: str) -> Iterator[Inputs]:
    """The parts of a file; a row that is alone in it is called after the file."""
    first = next(parts)
    second = next(parts, None)
    yield first if second or len(first.names) > 1 else replace(first, names=[name])
    if second:
        yield second
    yield from parts


def _joined(some: list[Inputs]) -> Inputs:
    if len(some) == 1:
        return some[0]
    names, cells = ([each for rows in some for each in getattr(rows, what)] for what in ("names", "cells"))
    return Inputs(names, np.concatenate([rows.features for rows in some]), cells=cells)


def _is_number(text: str) -> bool:
    """Whether a text is a plain number: neither 1_000 nor other digits, which Python alone takes for one."""
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text


def _all_numbers(text: str) -> bool:
    return all(map(_is_number, text.split(",")))


def _array(texts: list[str]) -> Array:
    """Numbers as int64 where all are written as whole ones, else as float64."""
    whole = all(re.fullmatch(r"[-+]?[0-9]{1,18}", text) for text in texts)
    return np.array(texts, np.int64 if whole else np.float64) if texts else np.empty(0)


def _count(numbers: int) -> str:
    return "1 number" if numbers == 1 else f"{numbers} numbers"
