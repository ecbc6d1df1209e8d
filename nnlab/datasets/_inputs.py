"""New inputs for a trained model: numbers, pictures, .npy and .csv files, made into rows as the training data was."""

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnlab.dataset import Array, Transform, read_npy
from nnlab.datasets._pictures import SUFFIXES, open_picture
from nnlab.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

PictureReader = Callable[["Image", tuple[int, ...]], Array]
MAX_BYTES = 2**30


class Reader:
    """Turns inputs, in the units of the data's own files, into rows of features as the net was trained on."""

    def __init__(
        self,
        data: Mapping[str, Any],
        read_picture: PictureReader | None = None,
        *,
        dark_edges: bool = False,
        delimiter: str = ",",
    ) -> None:
        """``data`` is what run.json says of the dataset, ``dark_edges`` whether its pictures are bright on black."""
        self.features = int(data["features"])
        self.shape = tuple(int(side) for side in data["shape"])
        self.names = [str(name) for name in data.get("feature_names") or []]
        self.transform = Transform.from_dict(data)
        self.read_picture = read_picture
        self.dark_edges = dark_edges
        self.delimiter = delimiter
        self.warnings: list[str] = []

    def read(self, inputs: list[str]) -> tuple[list[str], Array]:
        """A name for each row, and the rows, (n, features) float32."""
        names: list[str] = []
        rows: list[Array] = []
        for loose, group in groupby(inputs, _is_number):
            items = list(group)
            if loose:  # so many numbers after one another are one input each
                rows.append(self._numbers(items, " ".join(items[:5])))
                names += [",".join(items[at : at + self.features]) for at in range(0, len(items), self.features)]
                continue
            for item in items:
                found = self._numbers(item.split(","), item) if _all_numbers(item) else self._file(item)
                rows.append(found)
                names += [item] if len(found) == 1 else [f"{item}:{number}" for number in range(1, len(found) + 1)]
        return names, np.concatenate(rows)

    def shaped(self, array: Array, name: str) -> Array:
        """An array as rows of features: one input or many, flat or in the shape of the training data."""
        if array.dtype.kind not in "fiub":
            raise DataError(f"{name}: the values are {array.dtype}, not numbers", "save it as float32")
        for shape in {self.shape, (self.features,)}:
            if array.shape == shape or array.shape[1:] == shape:
                rows = array.reshape(-1, self.features)
                break
        else:
            wanted = f"(n, {self.features})" if len(self.shape) == 1 else f"(n, {self.features}) or (n, {self.shape})"
            raise DataError(f"{name}: the shape is {array.shape}", f"this model takes {wanted}")
        return self._ready(rows, name)

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
        """What training did to its own rows: whole numbers are divided; fractions from 0 to 1 have been already."""
        scale = self.transform.scale
        if scale == 1:
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
        if len(texts) % self.features:
            raise DataError(
                f"{name}: {_count(len(texts))} given, and one input has {self.features}",
                f"give {_count(self.features)} for each, or join them by commas: {self._example()}",
            )
        return self._ready(_array(texts).reshape(-1, self.features), name)

    def _example(self) -> str:
        names = self.names or [f"x{number}" for number in range(1, self.features + 1)]
        return ",".join(names[:6]) + (",…" if len(names) > 6 else "")

    def _file(self, name: str) -> Array:
        path = Path(name)
        if not path.exists():
            raise DataError(
                f"{name}: this is neither a number nor a file", "give numbers, a picture, a .npy or a .csv file"
            )
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            raise DataError(
                f"{name}: this is not a plain file of at most 1 GiB", "give a picture, a .npy or a .csv file"
            )
        suffix = path.suffix.lower()
        try:
            if suffix == ".npy":
                with path.open("rb") as file:
                    return self.shaped(read_npy(file, path.stat().st_size), name)
            if suffix == ".csv":
                return self._csv(path)
            if suffix in SUFFIXES:
                return self._picture(path)
        except (ValueError, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{name}: cannot be read: {error}", "is the file what its ending says?") from None
        except OSError as error:
            raise DataError(f"{name}: cannot be read: {error.strerror or error}", "check the file") from None
        raise DataError(
            f"{name}: files ending in {suffix or 'nothing'} are not read", f"give {', '.join(SUFFIXES)}, .npy or .csv"
        )

    def _csv(self, path: Path) -> Array:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file, delimiter=self.delimiter) if line]
        columns = list(range(self.features))
        first, width = 1, self.features
        if lines and not all(map(_is_number, lines[0])):
            header = [cell.strip() for cell in lines.pop(0)]
            first = 2
            if self.names and set(self.names) <= set(header):
                columns = [header.index(name) for name in self.names]
                width = len(header)
        rows: list[str] = []
        for number, line in enumerate(lines, first):
            try:
                if len(line) != width:
                    raise ValueError
                cells = [line[column].strip() for column in columns]
                list(map(float, cells))
                rows += cells
            except ValueError:
                raise DataError(
                    f"{path}:{number}: the row is not {_count(self.features)}",
                    f"its columns should be {self._example()}",
                ) from None
        return self._ready(_array(rows).reshape(-1, self.features), str(path))

    def _picture(self, path: Path) -> Array:
        if self.read_picture is None:
            raise DataError(f"{path}: this model's data is not made of picture files", "give numbers or a .npy file")
        picture = open_picture(path)
        row = self.read_picture(picture, self.shape)
        self._doubt(path, picture, row)
        return row.reshape(1, -1)

    def _doubt(self, path: Path, picture: "Image", row: Array) -> None:
        """Note where a picture is unlike those of training in a way that people overlook."""
        height, width = self.shape[-2:]
        if not 0.8 < (picture.width / picture.height) / (width / height) < 1.25:
            self.warnings.append(f"{path}: {picture.width}x{picture.height} is squeezed into {width}x{height}; crop it")
        edges = np.ones((height, width), bool)
        edges[1:-1, 1:-1] = False
        if self.dark_edges and row[edges.ravel()].mean() > 0.5:
            self.warnings.append(f"{path}: its background is bright, where training's is black; invert it")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _all_numbers(text: str) -> bool:
    return all(map(_is_number, text.split(",")))


def _array(texts: list[str]) -> Array:
    """Numbers as int64 where all are written as whole ones, else as float64."""
    whole = all(re.fullmatch(r"[-+]?[0-9]{1,18}", text) for text in texts)
    return np.array(texts, np.int64 if whole else np.float64) if texts else np.empty(0)


def _count(numbers: int) -> str:
    return "1 number" if numbers == 1 else f"{numbers} numbers"
