"""The transform: what is done to the data of a run, learnt on its training split and the same ever after."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from nnlab.dataset.split import Array

Kind = Literal["number", "boolean", "category", "date"]
Layout = Literal["channels first", "channels last"]
Colour = Literal["grey", "rgb"]
Fit = Literal["stretch", "pad", "crop"]
BLOCK = 2**16
"""Numbers that are in float64 at once, beside the data itself."""


def mark(text: str) -> float:
    """The number that stands for a text in a cell: the same in every file, and no two texts' that anyone will meet."""
    return float(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()))


@dataclass(frozen=True)
class Scaling:
    """Values shifted and scaled for a model to learn, and its scores brought back; (n, outputs) each."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def shrunk(self, values: Array) -> Array:
        """The values as the model learns them, (n, outputs) float32."""
        shrunk: Array = (values.astype(np.float64) - np.array(self.mean)) / np.array(self.std)
        return shrunk.astype(np.float32, copy=False)

    def restored(self, scores: Array) -> Array:
        """The model's scores in the values' own units, (n, outputs) float64."""
        restored: Array = scores.astype(np.float64) * np.array(self.std) + np.array(self.mean)
        return restored

    @property
    def squares(self) -> Array:
        """(outputs,) float64: what the squared errors of the model's scores are to be multiplied by."""
        squares: Array = np.square(np.array(self.std))
        return squares


@dataclass(frozen=True)
class Column:
    """A column of a table, one cell an example, and the features that its cell becomes."""

    name: str
    kind: Kind = "number"
    part: str = ""
    """What of a date the cell holds."""
    categories: tuple[str, ...] = ()
    """The texts that have a feature each; a cell holds the ``mark`` of its text."""
    fill: float | str | None = None
    """What a missing cell is taken for; None: there was none to learn it for."""
    indicator: bool = False
    """Whether one more feature tells where a cell was missing."""
    place: int = 0
    """Where it stood in a line of the table, from 0."""
    form: str = ""
    """How a date is written."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of its features."""
        own = f"{self.name}.{self.part}" if self.part else self.name
        values = tuple(f"{own}={text}" for text in self.categories) if self.kind == "category" else (own,)
        return (*values, f"{own} missing") if self.indicator else values

    @property
    def scaled(self) -> bool:
        """Whether its feature is a number with a unit, not one that says yes or no."""
        return self.kind in ("number", "date")

    def widened(self, cells: Array) -> Iterator[Array]:
        """Each of its features, (n,) float64, from its (n,) float64 cells, NaN where one is missing."""
        missing = np.isnan(cells)
        filled = cells
        if self.fill is not None and missing.any():
            filled = np.where(missing, mark(self.fill) if isinstance(self.fill, str) else self.fill, cells)
        if self.kind == "category":
            yield from ((filled == mark(text)).astype(np.float64) for text in self.categories)
        else:
            yield filled
        if self.indicator:
            yield missing.astype(np.float64)

    @property
    def plain(self) -> bool:
        """Whether a cell is its one feature as it stands."""
        return self.kind != "category" and self.fill is None and not self.indicator


@dataclass(frozen=True)
class Picture:
    """How a picture file becomes an input."""

    size: tuple[int, int]
    """Height and width."""
    colour: Colour
    fit: Fit


@dataclass(frozen=True)
class Transform:
    """What is done to inputs and targets; as it stands, nothing."""

    columns: tuple[Column, ...] = ()
    """Of a table, in the order of its cells; empty for other data."""
    header: bool | None = None
    """Whether the table named its columns; None for other data."""
    width: int = 0
    """How many columns the table had in all."""
    target_places: tuple[int, ...] = ()
    """Where the targets stood in a line of the table."""
    layout: Layout | None = None
    """How the pictures of an array lie, where it says."""
    picture: Picture | None = None
    scale: float = 1
    """What every input is divided by, so that pictures come in [0, 1]."""
    whole: bool = True
    """Whether inputs came as whole numbers: then fractions have been divided already."""
    mean: tuple[float, ...] = ()
    """What is taken off each feature, after that; empty where nothing is."""
    std: tuple[float, ...] = ()
    """What each feature is divided by then."""
    target: Scaling | None = None
    """How a model is to learn values; None: as they are."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features that a table's columns become."""
        return tuple(name for column in self.columns for name in column.features)

    def apply(self, inputs: Array, rows: Array | None = None) -> Array:
        """Inputs as they came, (n, …) or a table's cells (n, columns), as (n, features) float32 in C order.

        With ``rows`` only those at these row numbers. Everything but pictures is in float64 to the last subtraction.
        """
        count = len(inputs) if rows is None else len(rows)
        if self._exact(inputs):  # into float32 straight away: MNIST in float64 would be 430 MB for nothing
            taken = (inputs if rows is None else inputs[rows]).reshape(count, -1)
            return np.divide(taken, np.float32(self.scale), out=np.empty(taken.shape, np.float32), dtype=np.float32)
        features = len(self.feature_names) or inputs[:1].size
        found = np.empty((count, features), np.float32)
        for part in _blocks(count, features):
            wide = self.widened(inputs[part] if rows is None else inputs[rows[part]]) / self.scale
            found[part] = (wide - np.array(self.mean)) / np.array(self.std) if self.mean else wide
        return found

    def _exact(self, inputs: Array) -> bool:
        """Whether float32 loses nothing on the way."""
        plain = all(column.plain for column in self.columns)
        return plain and not self.mean and (self.scale == 1 or inputs.dtype.itemsize <= 4)

    def widened(self, inputs: Array) -> Array:
        """Inputs as they came as (n, features) float64, before they are scaled."""
        flat = inputs.reshape(len(inputs), -1).astype(np.float64)
        if all(column.plain for column in self.columns):
            return flat
        features = [each for n, column in enumerate(self.columns) for each in column.widened(flat[:, n])]
        return np.stack(features, axis=1)

    def measured(self, features: Array) -> Array:
        """Features in the units that they had before they were standardised, (…, features)."""
        measured: Array = features * np.array(self.std) + np.array(self.mean) if self.mean else features
        return measured

    def standardising(self, inputs: Array, rows: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The mean and deviation of each feature over these rows: 0 and 1 for those that say yes or no."""

        def of_rows(part: slice) -> Array:
            return self.widened(inputs[rows[part]]) / self.scale

        features = len(self.feature_names) or inputs[:1].size
        mean, std = spread(of_rows, len(rows), features)
        answers = [not column.scaled or n > 0 for column in self.columns for n in range(len(column.features))]
        if any(answers):
            mean[answers], std[answers] = 0, 1
        return tuple(mean.tolist()), tuple(std.tolist())

    def to_dict(self) -> dict[str, Any]:
        """Plain data, from which ``from_dict`` makes the same again."""
        return {
            "columns": [asdict(column) for column in self.columns],
            "header": self.header,
            "width": self.width,
            "target_places": list(self.target_places),
            "layout": self.layout,
            "picture": asdict(self.picture) if self.picture else None,
            "scale": self.scale,
            "whole": self.whole,
            "mean": list(self.mean),
            "std": list(self.std),
            "target_mean": list(self.target.mean) if self.target else [],
            "target_std": list(self.target.std) if self.target else [],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Transform":
        """Raises ValueError, TypeError or KeyError for what ``to_dict`` cannot have given; absent keys do nothing."""
        picture, means = data.get("picture"), _numbers(data.get("target_mean"))
        return cls(
            columns=tuple(_column(column) for column in data.get("columns") or ()),
            header=data.get("header"),
            width=int(data.get("width") or 0),
            target_places=tuple(int(n) for n in data.get("target_places") or ()),
            layout=data.get("layout"),
            picture=_picture(picture) if picture else None,
            scale=float(data.get("scale") or 1),
            whole=data.get("whole") is not False,
            mean=_numbers(data.get("mean")),
            std=_numbers(data.get("std")),
            target=Scaling(means, _numbers(data.get("target_std"))) if means else None,
        )


UNCHANGED = Transform()


def spread(of_rows: Callable[[slice], Array], count: int, features: int) -> tuple[Array, Array]:
    """Mean and standard deviation of each column, (features,) float64, of what ``of_rows(slice)`` gives, (n, features).

    In two passes, so that a large mean takes nothing from a small deviation; a constant column has the deviation 1.
    """
    parts = list(_blocks(count, features))
    mean = sum(of_rows(part).sum(axis=0) for part in parts) / count
    squares = np.zeros(features)
    low, high = np.full(features, np.inf), np.full(features, -np.inf)
    for part in parts:
        block = of_rows(part)
        low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
        squares += np.square(block - mean).sum(axis=0)
    std = np.sqrt(squares / count)
    # By its range: rounding leaves a constant column a tiny deviation, which would blow the rounding up to ones.
    constant = (low == high) | (std == 0)
    mean = np.where(low == high, low, mean)
    std[constant] = 1
    return mean, std


def _blocks(rows: int, features: int) -> Iterator[slice]:
    """Slices of so many rows that BLOCK numbers are in one."""
    size = max(1, BLOCK // max(1, features))
    return (slice(at, min(at + size, rows)) for at in range(0, rows, size))


def _column(data: Mapping[str, Any]) -> Column:
    if data["kind"] not in get_args(Kind) or not isinstance(data["indicator"], bool):
        raise ValueError(f"no kind of column: {data['kind']!r}")
    categories, fill = tuple(str(text) for text in data["categories"]), data["fill"]
    if fill is not None:
        fill = str(fill) if data["kind"] == "category" else float(fill)
        if data["kind"] == "category" and fill not in categories:
            raise ValueError("what a missing cell is taken for is no category")
    name, part, place, form = str(data["name"]), str(data["part"]), int(data["place"]), str(data["form"])
    return Column(name, data["kind"], part, categories, fill, data["indicator"], place, form)


def _picture(data: Mapping[str, Any]) -> Picture:
    if data["colour"] not in get_args(Colour) or data["fit"] not in get_args(Fit):
        raise ValueError("no way to bring a picture to its size")
    return Picture(_size(data["size"]), data["colour"], data["fit"])


def _size(sides: Sequence[Any]) -> tuple[int, int]:
    height, width = sides
    return int(height), int(width)


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values or ())
