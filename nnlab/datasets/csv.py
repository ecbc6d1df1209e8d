"""Your own table: a CSV file with one example a line."""

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from nnlab.dataset import Array, Card, Dataset, Progress, quiet
from nnlab.datasets import (
    ClassKeys,
    Examples,
    HoldOutKeys,
    TrainKeys,
    _files,
    build,
    choose,
    hold_out,
    listed,
    short,
)
from nnlab.errors import DataError, did_you_mean

CARD = Card("your files")
SUFFIXES = (".csv", ".tsv", ".txt", ".data")
MOST_CLASSES = 20
"""More distinct whole numbers than this are taken for values, such as ages or prices."""


class Params(ClassKeys, HoldOutKeys, TrainKeys):
    """The shared keys, and what the columns mean. The file is UTF-8; every feature is a number in every line."""

    path: str
    """The CSV file."""
    target: str | int
    """The column to predict: its name in the first line, or its number from 0 in a file without column names."""
    features: list[str | int] | None = Field(default=None, min_length=1)
    """The columns to predict it from, by name or number; default: all others, in the file's order."""
    task: Literal["auto", "classification", "regression"] = "auto"
    """auto: text is classes, and so are at most 20 distinct whole numbers; other numbers are values."""
    standardise: bool = True
    """Whether each feature is shifted and scaled to mean 0 and deviation 1, as measured on the training split."""
    standardise_target: bool = True
    """Whether a model learns values shifted and scaled so; scores, losses and predictions are in their own units."""
    delimiter: str = Field(default=",", pattern=r'^[^"\r\n]$')
    """What stands between two cells."""


@dataclass(frozen=True)
class Table:
    """The columns in use, as numbers and text."""

    path: Path
    lines: Sequence[int]
    """Where each row stands in the file, as an editor counts."""
    inputs: Array
    """(n, features) float64."""
    targets: list[str]
    features: list[str]
    target: str


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, features), standardised unless that is off.

    Raises DataError, naming file, line and column, for cells that are missing or no numbers, and for tables, columns,
    classes and splits that won't do.
    """
    table = _read(params)
    names, targets = _targets(table, params.task)
    pool = Examples(table.inputs, targets)
    if names:
        names, (pool,) = choose(params.classes, names, pool)
    elif params.classes:
        raise DataError(f"dataset.classes: {short(table.target)} holds values, not classes", "task: classification")
    train, test = hold_out(pool, params)
    return build(
        "csv",
        params,
        seed,
        train,
        test,
        classes=names,
        standardise=params.standardise,
        standardise_target=params.standardise_target,
        feature_names=table.features,
        target_names=[table.target],
        your_files=True,
    )


def _read(params: Params) -> Table:
    path = _files.existing(params.path, SUFFIXES)
    try:
        _files.must_fit(path, 4 * path.stat().st_size)  # a cell of two characters takes four bytes, twice over
        return _table(path, params)
    except (OSError, MemoryError) as error:
        raise DataError(f"{str(path)!r} cannot be read: {error or 'too large'}", "give a file that can be") from error


def _table(path: Path, params: Params) -> Table:
    rows = _rows(path, params.delimiter)
    start, first = next(rows, (0, []))
    if not first:
        raise DataError(f"{str(path)!r} is empty", "one line of column names, then one line an example")
    if isinstance(params.target, str):
        columns = _header(path, first)
    else:
        columns, rows = [f"column {i}" for i in range(len(first))], chain([(start, first)], rows)
    target, features = _columns(path, columns, params)
    lines, numbers, targets = array("q"), array("d"), []
    for line, cells in rows:
        if len(cells) != len(columns):
            raise DataError(
                f"{str(path)!r} line {line} has {len(cells)} cells, the first line {len(columns)}",
                "give every line the same columns",
            )
        lines.append(line)
        targets.append(cells[target].strip())
        numbers.extend(_numbers(path, line, cells, columns, features))
    if not lines:
        raise DataError(f"{str(path)!r} has column names and no data", "one line an example")
    inputs = np.frombuffer(numbers, np.float64).reshape(len(lines), len(features))
    names = [columns[f] for f in features]
    _refuse_infinite(path, lines, inputs, names)
    return Table(path, lines, inputs, targets, names, columns[target])


def _rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every line that is not blank, with its number. Raises DataError where the file is no CSV in UTF-8."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, cells
        except UnicodeDecodeError as error:
            raise DataError(
                f"{str(path)!r} is not UTF-8 text after line {reader.line_num}: {error.reason}", "save it as UTF-8"
            ) from error
        except csv.Error as error:
            raise DataError(
                f"{str(path)!r} line {max(reader.line_num, 1)} is no CSV: {error}", "check its quotation marks"
            ) from error


def _header(path: Path, cells: list[str]) -> list[str]:
    columns, seen = [cell.strip() for cell in cells], set[str]()
    for i, name in enumerate(columns, 1):
        if not name or not name.isprintable():
            raise DataError(f"{str(path)!r} line 1: column {i} has no printable name: {short(name)}", "give it one")
        if name in seen:
            raise DataError(f"{str(path)!r} line 1: two columns are called {short(name)}", "rename one of them")
        seen.add(name)
    return columns


def _columns(path: Path, columns: list[str], params: Params) -> tuple[int, list[int]]:
    """Where the target and the features stand in a line."""
    target = _column(path, columns, "target", params.target)
    if params.features is None:
        features = [i for i in range(len(columns)) if i != target]
    else:
        features = [_column(path, columns, "features", f) for f in params.features]
    if not features:
        raise DataError(
            f"{str(path)!r} has one column, {short(columns[0])}, and that is the target",
            "is dataset.delimiter right?",
        )
    if target in features or len(set(features)) < len(features):
        raise DataError("dataset.features: the target or a column twice is among them", "leave it out")
    return target, features


def _column(path: Path, columns: list[str], key: str, given: str | int) -> int:
    if isinstance(given, int):
        if -len(columns) <= given < len(columns):
            return given % len(columns)
        raise DataError(
            f"dataset.{key}: {str(path)!r} has no column {given}",
            f"columns: 0 to {len(columns) - 1}, or -1 for the last",
        )
    if given not in columns:
        raise DataError(
            f"dataset.{key}: {str(path)!r} has no column {short(given)}",
            f"{did_you_mean(given, columns)}columns: {listed(columns)}"
            + ("; is dataset.delimiter right?" if len(columns) == 1 else ""),
        )
    return columns.index(given)


def _numbers(path: Path, line: int, cells: list[str], columns: list[str], features: list[int]) -> list[float]:
    try:
        return [float(cells[f]) for f in features]
    except ValueError:
        raise _no_number(path, line, cells, columns, features) from None


def _no_number(path: Path, line: int, cells: list[str], columns: list[str], features: list[int]) -> DataError:
    """What to say of the first cell that is none."""
    f = next(f for f in features if _value(cells[f]) is None)
    found = f"{short(cells[f])} is no number" if cells[f].strip() else "the cell is empty"
    return DataError(
        f"{str(path)!r} line {line}, column {short(columns[f])}: {found}",
        "features are numbers; choose their columns with dataset.features"
        + ("; for a file with column names give dataset.target by name" if line == 1 else ""),
    )


def _refuse_infinite(path: Path, lines: Sequence[int], inputs: Array, names: list[str]) -> None:
    wrong = ~(np.abs(inputs) <= np.finfo(np.float32).max)
    if wrong.any():
        row, column = divmod(int(np.argmax(wrong)), inputs.shape[1])
        raise DataError(
            f"{str(path)!r} line {lines[row]}, column {short(names[column])}: "
            f"{inputs[row, column]} is no finite number of 32 bits",
            "correct the cell, or leave the line out",
        )


def _targets(table: Table, task: str) -> tuple[tuple[str, ...], Array]:
    """The names of the classes and (n,) int64, or no names and (n, 1) float64."""
    values = [_value(cell) for cell in table.targets]
    numbers = [v for v in values if v is not None]
    whole = all(v.is_integer() for v in numbers)
    if "" in table.targets:
        raise _bad_target(table, table.targets.index(""), "the cell is empty", "correct it, or leave the line out")
    if task == "regression" or (task == "auto" and numbers and not (whole and len(set(numbers)) <= MOST_CLASSES)):
        return (), _regression(table, values)
    if not numbers or len(numbers) < len(values):
        return _classes(table, numbers, task)
    if not whole:
        row = next(i for i, v in enumerate(numbers) if not v.is_integer())
        raise _bad_target(table, row, f"{short(table.targets[row])} is no whole number", "task: regression")
    labels, targets = np.unique(np.array(numbers), return_inverse=True)
    return tuple(str(int(n)) for n in labels), targets.astype(np.int64)


def _value(cell: str) -> float | None:
    """The number in a cell; None for text."""
    try:
        return float(cell)
    except ValueError:
        return None


def _regression(table: Table, values: list[float | None]) -> Array:
    for row, value in enumerate(values):
        if value is None:
            raise _bad_target(table, row, f"{short(table.targets[row])} is no number", "task: classification")
        if not abs(value) <= float(np.finfo(np.float32).max):
            raise _bad_target(table, row, f"{short(table.targets[row])} is no finite number of 32 bits", "correct it")
    return np.array(values, np.float64)[:, None]


def _classes(table: Table, numbers: list[float], task: str) -> tuple[tuple[str, ...], Array]:
    """Classes by the text in their cells."""
    if numbers and task == "auto":
        row = next(i for i, cell in enumerate(table.targets) if _value(cell) is None)
        found = f"{short(table.targets[row])} is no number, and others are"
        raise _bad_target(table, row, found, "correct it, or take all as classes with dataset.task: classification")
    for row, cell in enumerate(table.targets):
        if not cell.isprintable():
            raise _bad_target(table, row, f"{short(cell)} holds control characters", "correct it")
    names = sorted(set(table.targets))
    numbered = {name: n for n, name in enumerate(names)}
    return tuple(names), np.array([numbered[cell] for cell in table.targets], np.int64)


def _bad_target(table: Table, row: int, found: str, hint: str) -> DataError:
    return DataError(f"{str(table.path)!r} line {table.lines[row]}, column {short(table.target)}: {found}", hint)
