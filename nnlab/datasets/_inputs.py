"""New inputs for a trained model: numbers, pictures, .npy and .csv files, made into rows as the training data was."""

import csv
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnlab.dataset import Array, read_npy
from nnlab.datasets import standardised
from nnlab.datasets._pictures import SUFFIXES, open_picture
from nnlab.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

PictureReader = Callable[["Image", tuple[int, ...]], Array]
MAX_BYTES = 2**30


class Reader:
    """Turns inputs, in the units of the data's own files, into rows of features as the net was trained on."""

    def __init__(
        self, data: Mapping[str, Any], read_picture: PictureReader | None = None, delimiter: str = ","
    ) -> None:
        """``data`` is what run.json says of the dataset."""
        self.features = int(data["features"])
        self.shape = tuple(int(side) for side in data["shape"])
        self.names = [str(name) for name in data.get("feature_names") or []]
        self.mean, self.std = (list(data.get(key) or []) for key in ("mean", "std"))
        self.scale = float(data.get("scale") or 1)
        self.read_picture = read_picture
        self.delimiter = delimiter

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
        """An array as rows of features: one input or many, flat or in the shape of the training data.

        Where training divided by a scale, whole numbers are divided too, and fractions are taken for divided already.
        """
        if array.dtype.kind not in "fiub":
            raise DataError(f"{name}: the values are {array.dtype}, not numbers", "save it as float32")
        for shape in {self.shape, (self.features,)}:
            if array.shape == shape or array.shape[1:] == shape:
                rows = array.reshape(-1, self.features)
                break
        else:
            wanted = f"(n, {self.features})" if len(self.shape) == 1 else f"(n, {self.features}) or (n, {self.shape})"
            raise DataError(f"{name}: the shape is {array.shape}", f"this model takes {wanted}")
        divided = array.dtype.kind == "f"
        if divided and self.scale != 1 and rows.size and np.nanmax(rows) > 1:
            raise DataError(
                f"{name}: fractions up to {np.nanmax(rows):g}, where training had them from 0 to 1",
                f"divide by {self.scale:g}, or save whole numbers as uint8",
            )
        return self._ready(rows, name, divided=divided)

    def _ready(self, rows: Array, name: str, *, divided: bool = False) -> Array:
        """Rows scaled and standardised as the training data was, (n, features) float32."""
        if not len(rows):
            raise DataError(f"{name}: there are no rows in it", "give at least one input")
        with np.errstate(over="ignore"):
            scaled = rows if divided or self.scale == 1 else rows / self.scale
            ready = standardised(scaled, self.mean, self.std) if self.mean else scaled
            result = np.ascontiguousarray(ready, np.float32)
        bad = np.argwhere(~np.isfinite(result))
        if len(bad):
            row, column = bad[0]
            message = f"{name}: row {row + 1}, column {column + 1} is {rows[row, column]}"
            raise DataError(message, "give finite numbers that fit into float32")
        return result

    def _numbers(self, texts: list[str], name: str) -> Array:
        if len(texts) % self.features:
            raise DataError(
                f"{name}: {len(texts)} numbers are given, and one input has {self.features}",
                f"give {self.features} numbers for each, or join them by commas: {self._example()}",
            )
        rows = np.array([float(text) for text in texts]).reshape(-1, self.features)
        return self._ready(rows, name)

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
                    return self.shaped(read_npy(file), name)
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
        rows = []
        for number, line in enumerate(lines, first):
            try:
                if len(line) != width:
                    raise ValueError
                rows.append([float(line[column]) for column in columns])
            except ValueError:
                raise DataError(
                    f"{path}:{number}: the row is not {self.features} numbers",
                    f"its columns should be {self._example()}",
                ) from None
        return self._ready(np.array(rows).reshape(-1, self.features), str(path))

    def _picture(self, path: Path) -> Array:
        if self.read_picture is None:
            raise DataError(f"{path}: this model's data is not made of picture files", "give numbers or a .npy file")
        return self.read_picture(open_picture(path), self.shape).reshape(1, -1)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _all_numbers(text: str) -> bool:
    return all(map(_is_number, text.split(",")))
