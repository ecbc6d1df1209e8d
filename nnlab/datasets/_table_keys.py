"""The keys of your own table: how it is written, what its columns are for, and what is done to their cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from nnlab.datasets import ClassKeys, HoldOutKeys, TrainKeys, listed
from nnlab.errors import DataError, did_you_mean
from nnlab.tables import Keys
from nnlab.tables.cells import short
from nnlab.tables.keys import MISSING

Missing = Literal["refuse", "drop", "mean", "median", "most_frequent"]
Part = Literal["year", "month", "day", "weekday", "yearday", "hour", "minute", "second", "timestamp"]


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
    missing: Missing = "refuse"
    """What is done about missing cells: refuse, drop their rows, or fill them as learnt on the training split."""
    missing_indicator: bool = False
    """Whether a feature more tells where a cell was filled."""
    missing_words: list[str] | None = None
    """The words that mean a missing cell; default: an empty cell, NA, NaN, null and their like."""
    categories: Literal["one-hot", "refuse"] = "one-hot"
    """What becomes of a column of text: a feature for each text of the training split, or a refusal."""
    max_categories: int = Field(default=20, ge=2, le=10_000)
    """Texts of one column at most; more are refused."""
    dates: list[Part] | dict[str, list[Part]] = Field(default=[])
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

    def parts(self, name: str) -> Sequence[Part]:
        """What of the dates in a column becomes features; empty where nothing is said of it."""
        return self.dates.get(name, ()) if isinstance(self.dates, dict) else self.dates

    def named(self) -> list[str]:
        """Every column that is given by name: a first line that holds one holds names."""
        wanted = self.target if isinstance(self.target, list) else [self.target]
        alone = [given for given in (self.split_by, self.group, self.order) if given is not None]
        given = [*wanted, *(self.features or []), *self.exclude, *alone]
        return [name for name in given if isinstance(name, str)]


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
