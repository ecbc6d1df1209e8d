"""Your own table: a CSV or Parquet file with one example a line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from nnlab.dataset import Array, Card, Dataset, Progress, Transform, quiet
from nnlab.dataset.transform import Column
from nnlab.datasets import (
    ClassKeys,
    Examples,
    HoldOutKeys,
    TrainKeys,
    _columns,
    _files,
    _parsed,
    _targets,
    build,
    choose,
    hold_out,
    listed,
    short,
)
from nnlab.datasets._labels import Targets
from nnlab.errors import DataError, did_you_mean
from nnlab.plugin import DatasetFile
from nnlab.tables import Keys, Table, reading, sniff, source
from nnlab.tables.keys import MISSING

CARD = Card("your files")
HEAD = 200
"""Rows of a large table that tell whether anybody will need the text of its targets."""
SPLITS = {"train": "train", "training": "train", "test": "test"} | dict.fromkeys(("val", "valid", "validation"), "val")


class Params(ClassKeys, HoldOutKeys, TrainKeys):
    """The shared keys, how the table is written, what its columns mean, and what is done to their cells.

    ``test_fraction`` and ``split_seed`` are not used where ``test_path`` or ``split_by`` say what the test split is.
    """

    path: str
    """The file: .csv, .tsv, .txt, .data, each also with .gz behind it, or .parquet."""
    target: str | int | list[str | int]
    """The column to predict, or several of values: by name, or by number from 0 (-1 is the last)."""
    features: list[str | int] | None = Field(default=None, min_length=1)
    """The columns to predict it from, by name or number; default: all others, in the file's order."""
    exclude: list[str | int] = Field(default=[])
    """Columns to leave out, such as an id."""
    task: Literal["auto", "classification", "regression"] = "auto"
    """auto: text is classes, and so are at most 20 distinct whole numbers; other numbers are values."""
    header: bool | Literal["auto"] = "auto"
    """Whether the first line names the columns; auto: told from what stands below it."""
    delimiter: str = "auto"
    """What stands between two cells: one character, tab, or whitespace; auto: found out."""
    decimal: Literal[".", ","] = "."
    """What stands before the fraction of a number."""
    thousands: str | None = None
    """What stands between groups of three digits: one of , . ' _ or a space; default: nothing does."""
    encoding: str = "auto"
    """auto: UTF-8, or UTF-16 by its mark; else a name such as latin-1."""
    comment: str | None = None
    """What a line begins with that is to be passed over; default: # above the table only."""
    missing: _columns.Missing = "refuse"
    """What is done about missing cells: refuse, drop their rows, or fill them as learnt on the training split."""
    missing_indicator: bool = False
    """Whether a feature more tells where a cell was filled."""
    missing_words: list[str] | None = None
    """The words that mean a missing cell; default: an empty cell, NA, NaN, null and their like."""
    categories: Literal["one-hot", "refuse"] = "one-hot"
    """What becomes of a column of text: a feature for each text of the training split, or a refusal."""
    max_categories: int = Field(default=20, ge=2, le=10_000)
    """Texts of one column at most; more are refused."""
    dates: list[_columns.Part] | dict[str, list[_columns.Part]] = Field(default=[])
    """What of a date becomes a feature: year, month, day, weekday, yearday, hour, minute, second, timestamp; a list
    for all columns of dates, or one by column."""
    standardise: bool = True
    """Whether each number is shifted and scaled to mean 0 and deviation 1, as measured on the training split."""
    standardise_target: bool = True
    """Whether a model learns values shifted and scaled so; scores, losses and predictions are in their own units."""
    shape: list[int] | None = Field(default=None, min_length=2, max_length=3)
    """[h, w] or [channels, h, w]: the features of a line are the pixels of a picture."""
    test_path: str | None = None
    """Another table of the same columns, which is the test split."""
    split_by: str | int | None = None
    """The column that says train, val or test of each row."""
    group: str | int | None = None
    """The column whose equal values stay in one split, such as a patient."""
    order: str | int | None = None
    """The column that sorts the rows, a number or a date: the last of them are held out."""

    @field_validator("target")
    @classmethod
    def _several(cls, target: str | int | list[str | int]) -> str | int | list[str | int]:
        if isinstance(target, list) and len(set(map(str, target))) < max(1, len(target)):
            raise ValueError("a column, or a list of different ones")
        return target

    @model_validator(mode="after")
    def _one_way_to_split(self) -> "Params":
        ways = [key for key in ("test_path", "split_by", "order") if getattr(self, key) is not None]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} both say what the test split is: leave one out")
        if self.group is not None and (self.order is not None or self.split_by is not None):
            raise ValueError("group draws the splits, which order or split_by do already: leave one out")
        self.keys()
        return self

    def keys(self) -> Keys:
        """How the table is written. Raises ValueError for what cannot be."""
        words = MISSING if self.missing_words is None else tuple(self.missing_words)
        return Keys(self.header, self.delimiter, self.decimal, self.thousands, self.encoding, self.comment, words)

    def rules(self) -> _columns.Rules:
        """What is said of columns that are no plain numbers."""
        one_hot = self.categories == "one-hot"
        return _columns.Rules(self.missing, self.missing_indicator, one_hot, self.max_categories, self.dates)


@dataclass(frozen=True)
class Roles:
    """What each column in use is for, by name."""

    targets: list[str]
    features: list[str]
    split: str | None
    group: str | None
    order: str | None

    @property
    def names(self) -> list[str]:
        """Each column once, features first."""
        others = [*self.targets, self.split, self.group, self.order]
        return list(dict.fromkeys([*self.features, *(name for name in others if name is not None)]))

    @property
    def text(self) -> list[str]:
        """Those that are kept as they are written."""
        features = set(self.features)
        return [name for name in self.names if name not in features]


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, features), standardised unless that is off.

    Raises DataError, naming file, line and column, for cells that are missing or no numbers, and for tables, columns,
    classes and splits that won't do.
    """
    test = None if params.test_path is None else read(params, params.test_path)
    return load_table(read(params, params.path), params, seed, test)


def read(params: Params, path: str) -> Table:
    """The table in a file, with the columns that the config names. Raises DataError as ``load`` does."""
    found = _files.existing(path, source.SUFFIXES)
    style = sniff.find_style(found, params.keys(), named=_named(params))
    roles = roles_of(params, style.names, found)
    text = roles.text
    if params.task != "classification" and found.stat().st_size > _parsed.LARGE:
        head = next(reading.stream(found, style, roles.targets, roles.targets, HEAD), None)
        text = [name for name in text if head is None or name not in _targets.values_alone(head)]
    return _parsed.read(found, style, roles.names, text)


def read_whole(params: Params, path: str) -> Table:
    """The table in a file, with all its columns, to be looked at. Raises DataError as ``load`` does."""
    found = _files.existing(path, source.SUFFIXES)
    style = sniff.find_style(found, params.keys(), named=_named(params))
    return reading.read(found, style, None, style.names, lambda needed: _files.must_fit(found, needed))


def load_table(table: Table, params: Params, seed: int, test: Table | None = None) -> Dataset:
    """The dataset of a table that is read already, and of another that is its test split. Raises as ``load`` does."""
    roles, rules = roles_of(params, table.names, table.path), params.rules()
    task: _targets.TaskKey | None = None if params.task == "auto" else params.task
    pool, targets, cells, warnings = _pool(table, params, roles, task)
    names, classes, others = roles.targets, targets.classes, list[Examples]()
    if test is not None:
        theirs, more = _test_pool(test, table, params, roles, targets, cells)
        others, warnings = [theirs], warnings + more
    if classes:
        classes, chosen = choose(params.classes, classes, pool, *others)
        pool, others = chosen[0], chosen[1:]
    elif params.classes:
        raise DataError(f"dataset.classes: {listed(names)} holds values, not classes", "task: classification")
    train, val, held = _split(table, roles, params, pool, others)
    places = tuple(table.names.index(name) for name in names)
    facts = Transform(header=table.style.header, width=len(table.names), target_places=places)

    def learn(examples: Examples) -> Transform:
        return replace(facts, columns=cells.learnt(examples.at, rules))

    dataset = build(
        "csv",
        params,
        seed,
        train,
        held,
        val=val,
        classes=classes,
        transform=learn,
        standardise=params.standardise,
        standardise_target=params.standardise_target,
        feature_names=[column.name for column in cells.columns],
        target_names=names,
        your_files=True,
        notes=(*table.style.notes, *targets.notes, *cells.notes()),
        warnings=(*targets.warnings, *warnings),
    )
    return dataset if params.shape is None else _shaped(dataset, params.shape)


def roles_of(params: Params, columns: Sequence[str], path: Path) -> Roles:
    """Which of these columns is for what. Raises DataError for those that are not there, and for contradictions."""

    def named(key: str, given: str | int) -> str:
        return _column(path, columns, key, given)

    wanted = params.target if isinstance(params.target, list) else [params.target]
    targets = [named("target", given) for given in wanted]
    split, group, order = (
        None if given is None else named(key, given)
        for key, given in (("split_by", params.split_by), ("group", params.group), ("order", params.order))
    )
    excluded = [named("exclude", given) for given in params.exclude]
    apart = {*targets, *excluded, *(name for name in (split, group, order) if name is not None)}
    if params.features is None:
        features = [name for name in columns if name not in apart]
    else:
        features = [named("features", given) for given in params.features]
        if set(features) & set(targets) or len(set(features)) < len(features):
            raise DataError("dataset.features: the target or a column twice is among them", "leave it out")
        if both := [name for name in features if name in excluded]:
            raise DataError(f"dataset.exclude: {listed(both)} is among dataset.features too", "leave it out of one")
    if set(targets) & set(excluded):
        raise DataError(f"dataset.exclude: {listed(targets)} is the target", "leave it out")
    if not features:
        raise DataError(
            f"{str(path)!r} has one column, {short(columns[0])}, and that is the target"
            if len(columns) == 1
            else f"{str(path)!r}: no column is left to predict {listed(targets)} from",
            "is dataset.delimiter right?" if len(columns) == 1 else "exclude fewer columns",
        )
    return Roles(targets, features, split, group, order)


def _named(params: Params) -> list[str]:
    """Every column that the config gives by name: a first line that holds one holds names."""
    wanted = params.target if isinstance(params.target, list) else [params.target]
    alone = [given for given in (params.split_by, params.group, params.order) if given is not None]
    given = [*wanted, *(params.features or []), *params.exclude, *alone]
    return [name for name in given if isinstance(name, str)]


def _column(path: Path, columns: Sequence[str], key: str, given: str | int) -> str:
    """The column that is meant: a name beats a number."""
    if str(given) in columns:
        return str(given)
    if isinstance(given, int) and -len(columns) <= given < len(columns):
        return columns[given]
    alone = "; is dataset.delimiter right?" if len(columns) == 1 else ""
    if isinstance(given, int):
        hint = f"columns: 0 to {len(columns) - 1}, or -1 for the last{alone}"
        raise DataError(f"dataset.{key}: {str(path)!r} has no column {given}", hint)
    hint = f"{did_you_mean(given, columns)}columns: {listed(columns)}{alone}"
    raise DataError(f"dataset.{key}: {str(path)!r} has no column {short(given)}", hint)


def _pool(
    table: Table, params: Params, roles: Roles, task: _targets.TaskKey | None, known: Sequence[Column] | None = None
) -> tuple[Examples, Targets, _columns.Cells, list[str]]:
    """All examples of a table, with what their targets and cells are; ``known`` are the columns where that is known."""
    rules, drop = params.rules(), params.missing == "drop"
    cells, warnings = _columns.of(table, roles.features, rules, known)
    kept = _targets.there(table, roles.targets, params.classes, ~cells.missing() if drop else None)
    targets = _targets.read(table, roles.targets, task, params.classes, kept)
    if drop:
        if left := int(table.rows - kept.sum()):
            warnings.append(f"{left:,} of {table.rows:,} rows are left out, because a cell is missing")
        if left == table.rows:
            raise DataError(
                f"{str(table.path)!r}: a cell is missing in every row", "dataset.missing: median fills them"
            )
    elif params.missing == "refuse":
        _columns.refuse_missing(table, cells)
    pool = Examples(
        cells.values,
        targets.arrays[0],
        groups=None if roles.group is None else _numbered(table, roles.group),
        order=None if roles.order is None else _sorted_by(table, roles.order),
    )
    return pool if kept.all() else pool.take(np.flatnonzero(kept)), targets, cells, warnings


def _test_pool(
    test: Table, table: Table, params: Params, roles: Roles, targets: Targets, cells: _columns.Cells
) -> tuple[Examples, list[str]]:
    """The examples of ``test_path``, their classes numbered as those of the table are."""
    if set(test.names) != set(table.names):
        apart = sorted(set(test.names) ^ set(table.names))
        raise DataError(
            f"dataset.test_path: {str(test.path)!r} has other columns than {str(table.path)!r}: {listed(apart)}",
            "give both the same columns",
        )
    task: _targets.TaskKey = "classification" if targets.classes else "regression"
    roles = replace(roles, split=None, group=None, order=None)
    pool, theirs, found, warnings = _pool(test, params, roles, task, cells.columns)
    for name, texts in found.texts.items():
        if unseen := sorted(set(texts.values()) - set(cells.texts[name].values())):
            warnings.append(f"column {short(name)}: {listed(unseen)}: in dataset.test_path alone, so no category")
    if unknown := [label for label in theirs.classes if label not in targets.classes]:
        raise DataError(
            f"dataset.test_path: class {listed(unknown)} is no class of the training table",
            f"classes: {listed(targets.classes)}",
        )
    renumber = np.array([targets.classes.index(label) for label in theirs.classes], np.int64)
    if targets.classes:
        pool = replace(pool, targets=renumber[pool.targets])
    return pool, warnings


def _split(
    table: Table, roles: Roles, params: Params, pool: Examples, others: Sequence[Examples]
) -> tuple[Examples, Examples | None, Examples | None]:
    """The training, validation and test examples; of those to train on more may be split off later."""
    if others:
        return pool, None, others[0]
    if roles.split is not None:
        return _as_said(table, roles.split, pool)
    train, held = hold_out(pool, params)
    return train, None, held


def _as_said(table: Table, name: str, pool: Examples) -> tuple[Examples, Examples | None, Examples | None]:
    """The training, validation and test examples, by what a column says of each row."""
    said = np.array([SPLITS.get(str(text).lower(), "") for text in table.texts(name)])
    if (said == "").any():
        row = int(np.argmax(said == ""))
        raise DataError(
            f"{table.where(row, name)}: {short(table.cell(row, name))} names no split", "train, val or test in each row"
        )
    said = said if pool.rows is None else said[pool.rows]
    parts = [pool.take(np.flatnonzero(said == split)) for split in ("train", "val", "test")]
    if not len(parts[0]):
        raise DataError(f"dataset.split_by: no row of column {short(name)} says train", "say so where it belongs")
    return parts[0], parts[1] if len(parts[1]) else None, parts[2] if len(parts[2]) else None


def _numbered(table: Table, name: str) -> Array:
    """(n,) int64: equal texts have equal numbers. Raises DataError for a row that says nothing."""
    _refuse_unsaid(table, name)
    _, numbers = np.unique(table.texts(name).astype(str), return_inverse=True)
    return numbers.astype(np.int64)


def _sorted_by(table: Table, name: str) -> Array:
    """(n,) float64 that rises with time. Raises DataError where the column is neither numbers nor dates."""
    _refuse_unsaid(table, name)
    if table.kind(name) == "text" and (row := table.dated(name)) is not None:
        raise DataError(
            f"{table.where(row, name)}: {short(table.cell(row, name))} is a date, and not all of the column can be "
            f"read as dates of one form",
            "write them all like 2024-01-31",
        )
    found = table.dates(name, ["timestamp"])[:, 0] if table.kind(name) == "date" else table.numbers(name)
    if len(found) and found.min() == found.max():
        raise DataError(
            f"dataset.order: every row has the same {short(name)}, {short(table.cell(0, name))}, so none is the last",
            "give a column that tells them apart",
        )
    return found


def _refuse_unsaid(table: Table, name: str) -> None:
    """Raises DataError where a row does not say to which part it belongs."""
    if table.missing(name).any():
        row = int(np.argmax(table.missing(name)))
        raise DataError(f"{table.where(row, name)}: nothing says where this row belongs", "fill it, or leave it out")


def _shaped(dataset: Dataset, shape: Sequence[int]) -> Dataset:
    """The dataset with each line as a picture."""
    if any(side < 1 for side in shape) or int(np.prod(shape)) != dataset.features:
        raise DataError(
            f"dataset.shape: {list(shape)} are {int(np.prod(shape)):,} pixels, and a line has {dataset.features:,} "
            f"features",
            "give height and width, or channels, height and width; exclude columns that are no pixels",
        )
    return replace(dataset, shape=tuple(shape))


DATASET = DatasetFile(Params, CARD, load, read_table=read, load_table=load_table, table_keys=Params.keys)
