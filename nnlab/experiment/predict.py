"""Predict: what a run's model says of new inputs: numbers, picture files, .npy and .csv files."""

import csv
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import discover, metrics
from nnlab.dataset import Array, Split, read_npy
from nnlab.datasets import standardised
from nnlab.datasets._pictures import SUFFIXES, open_picture
from nnlab.errors import DataError
from nnlab.experiment.build import trained_model
from nnlab.rundir import RunDir

MAX_BYTES = 2**30


@dataclass(frozen=True)
class Prediction:
    """What a model says of one input."""

    input: str
    """The number, or the file and its row."""
    values: tuple[float, ...] = ()
    """For regression: the predicted values."""
    label: str | None = None
    """For classification: the likeliest class."""
    probability: float | None = None
    """Of that class."""
    probabilities: tuple[float, ...] = ()
    """Of every class, in the order of their numbers."""


@dataclass(frozen=True)
class Predictions:
    """All predictions of one call, in the order of the inputs."""

    task: str
    classes: tuple[str, ...]
    target_name: str
    items: list[Prediction]
    warning: str | None


def predict(run: RunDir, inputs: list[str]) -> Predictions:
    """Predict each input: a number (or several joined by commas), or a picture, .npy or .csv file.

    Raises DataError where an input is not what the model was trained on.
    """
    model, config, summary, warning = trained_model(run)
    reader = _Reader(summary["dataset"], discover.module("datasets", config.dataset.name))
    names, rows = reader.read(inputs)
    scores = model.predict(model.put(Split(rows, np.zeros(len(rows), np.int64))))
    data = summary["dataset"]
    classes = tuple(map(str, data["classes"]))
    if summary["task"] == "classification":
        chances = np.exp(metrics.log_softmax(scores))
        items = [
            Prediction(name, (), classes[int(row.argmax())], float(row.max()), tuple(row.tolist()))
            for name, row in zip(names, chances, strict=True)
        ]
    else:
        items = [Prediction(name, tuple(row.tolist())) for name, row in zip(names, scores, strict=True)]
    return Predictions(summary["task"], classes, data.get("target_name") or "value", items, warning)


def predict_rows(run: RunDir, rows: Array) -> Array:
    """Scores (n, outputs) for inputs (n, features) or (n, *shape) that are scaled as the training data was."""
    model, _, summary, _ = trained_model(run)
    data = _Reader(summary["dataset"], None).shaped(np.asarray(rows), "the array")
    return model.predict(model.put(Split(data, np.zeros(len(data), np.int64))))


class _Reader:
    """Turns inputs into rows of features, made as the training data was."""

    def __init__(self, data: dict[str, Any], dataset_file: Any) -> None:
        self.features = int(data["features"])
        self.shape = tuple(int(side) for side in data["shape"])
        self.names = [str(name) for name in data.get("feature_names") or []]
        self.mean, self.std = (list(data.get(key) or []) for key in ("mean", "std"))
        self.dataset_file = dataset_file

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
        scaled = rows / np.float32(255) if array.dtype == np.uint8 and len(self.shape) > 1 else rows
        return self._checked(scaled, name)

    def _checked(self, rows: Array, name: str) -> Array:
        if not len(rows):
            raise DataError(f"{name}: there are no rows in it", "give at least one input")
        with np.errstate(over="ignore"):
            result = np.ascontiguousarray(rows, np.float32)
        bad = np.argwhere(~np.isfinite(result))
        if len(bad):
            row, column = bad[0]
            message = f"{name}: row {row + 1}, column {column + 1} is {rows[row, column]}"
            raise DataError(message, "give finite numbers that fit into float32")
        return result

    def _standardised(self, rows: Array) -> Array:
        with np.errstate(over="ignore"):
            return standardised(rows, self.mean, self.std) if self.mean else rows

    def _numbers(self, texts: list[str], name: str) -> Array:
        if len(texts) % self.features:
            raise DataError(
                f"{name}: {len(texts)} numbers are given, and one input has {self.features}",
                f"give {self.features} numbers for each, or join them by commas: {self._example()}",
            )
        rows = np.array([float(text) for text in texts]).reshape(-1, self.features)
        return self._checked(self._standardised(rows), name)

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
            lines = [line for line in csv.reader(file) if line]
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
        return self._checked(self._standardised(np.array(rows).reshape(-1, self.features)), str(path))

    def _picture(self, path: Path) -> Array:
        read_picture = getattr(self.dataset_file, "read_picture", None)
        if read_picture is None or len(self.shape) < 2:
            raise DataError(f"{path}: this model was not trained on pictures", f"give numbers: {self._example()}")
        row: Array = read_picture(open_picture(path), self.shape)
        return self._checked(row.reshape(1, -1), str(path))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _all_numbers(text: str) -> bool:
    return all(map(_is_number, text.split(",")))
