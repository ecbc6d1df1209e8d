"""Rows of features out of another table than the one that a run was trained on, a part at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nnlab.dataset import Array, Transform
from nnlab.dataset.transform import Column
from nnlab.datasets import _columns, _targets
from nnlab.errors import DataError
from nnlab.tables import Keys, Table, reading, sniff, source
from nnlab.tables.cells import short
from nnlab.tables.columns import Text
from nnlab.tables.keys import Style

NUMBERS = 2**20
"""Features that are in memory at once."""


@dataclass(frozen=True)
class Inputs:
    """Some new inputs as a model takes them."""

    names: Sequence[str]
    """What each is called: a number, or a file and its row."""
    features: Array
    """(n, features) float32."""
    columns: tuple[str, ...] = ("input",)
    cells: Sequence[Sequence[str]] = ()
    """What stands in these columns in each row, as it was written; empty where that was not asked for."""
    targets: Array | None = None
    """(n,) class numbers or (n, outputs) values, where the inputs come with targets that the run knows."""


class TableReader:
    """Reads tables as those of a run's training."""

    def __init__(self, data: Mapping[str, Any], keys: Keys) -> None:
        """``data`` is what run.json says of the dataset, ``keys`` how its table was written."""
        self.transform = Transform.from_dict(data)
        self.features = int(data["features"])
        self.classes = tuple(map(str, data["classes"]))
        self.targets = tuple(map(str, data.get("target_names") or ()))
        self.keys = keys
        self.warnings: list[str] = []

    def parts(self, path: Path, *, written: bool = False) -> Iterator[Inputs]:
        """The rows of a file, with what is ``written`` in them where that is asked for.

        Raises DataError, naming line and column, for what the run cannot take.
        """
        style = self._style(path)
        head = _head(path, style)
        at = dict(_columns.places(head, self.transform))
        targets = _columns.target_places(head, self.transform, self.targets)
        some = (cells for _, cells in reading.written(path, style)) if written else iter(())
        cells: Iterator[Sequence[str]] = chain.from_iterable(some)
        found = 0
        for table in reading.stream(path, style, *_wanted(at, targets, self.transform), self._at_once()):
            table.again = _part_as_text(path, style, found, table.rows)
            rows = self._rows(table, at, targets)
            names = [f"{path}:{number}" for number in range(found + 1, found + table.rows + 1)]
            columns = (*[""] * style.left_out, *style.names)
            yield replace(rows, names=names, columns=columns, cells=list(islice(cells, table.rows)))
            found += table.rows
        if not found:
            raise DataError(f"{str(path)!r} has column names and no data", "one line an input")

    def of(self, table: Table) -> Inputs:
        """The rows of a table in memory. Raises DataError as ``parts`` does."""
        at = dict(_columns.places(table, self.transform))
        return self._rows(table, at, _columns.target_places(table, self.transform, self.targets))

    def _style(self, path: Path) -> Style:
        """How a file is written; of a run whose table named its columns, it may do so or not."""
        header: Literal["auto"] | bool = "auto" if self.transform.header else False
        keys = replace(self.keys, encoding=self._encoding(path), header=header)
        named = {column.name for column in self.transform.columns} | set(self.targets)
        if keys.delimiter != "auto":  # as in training where that makes sense, else as any other file
            with suppress(DataError):
                style = sniff.find_style(path, keys, named=named)
                list(_columns.places(_head(path, style), self.transform))
                return style
        return sniff.find_style(path, replace(keys, delimiter="auto"), named=named)

    def _encoding(self, path: Path) -> str:
        """auto where a file is UTF-8 or says its encoding by its mark, else that of the run's own table."""
        return "auto" if self.keys.encoding == "auto" or source.is_unicode(path) else self.keys.encoding

    def _rows(self, table: Table, at: Mapping[str, str], targets: Sequence[str]) -> Inputs:
        cells, warnings = _columns.cells_of(table, self.transform)
        self._warn(warnings)
        features = self.transform.apply(cells)
        bad = np.argwhere(~np.isfinite(features))
        if len(bad):
            row, feature = (int(n) for n in bad[0])
            name = at[_column_of(self.transform.columns, feature).name]
            said = f"{table.where(row, name)}: {table.numbers(name)[row]:g} is too large for this model"
            raise DataError(said, "give finite numbers that fit into float32")
        return Inputs((), features, targets=self._targets(table, targets))

    def _targets(self, table: Table, names: Sequence[str]) -> Array | None:
        """The targets of every row; None where they are not there, or not all are known to the run."""
        if not names:
            return None
        found = [_targets.number(table, name, self.classes) for name in names]
        known = [each for each in found if each is not None]
        if len(known) < len(names):
            missing = names[next(n for n, each in enumerate(found) if each is None)]
            self._warn([f"{str(table.path)!r}: not scored: column {short(missing)} holds what the run does not know"])
            return None
        return known[0] if self.classes else np.concatenate(known, axis=1)

    def _warn(self, warnings: Sequence[str]) -> None:
        self.warnings += [warning for warning in warnings if warning not in self.warnings]

    def _at_once(self) -> int:
        return max(256, min(65_536, NUMBERS // max(1, self.features)))


def _head(path: Path, style: Style) -> Table:
    """The table without its rows."""
    return Table(path, style, 0, [], np.empty((0, 0)), {}, ())


def _part_as_text(path: Path, style: Style, start: int, count: int) -> Callable[[str], Text]:
    """What reads a column of some rows again as text, for a message that names a cell."""

    def again(name: str) -> Text:
        text = reading.read(path, style, [name], [name]).text[name]
        return replace(text, codes=text.codes[start : start + count])

    return again


def _wanted(at: Mapping[str, str], targets: Sequence[str], transform: Transform) -> tuple[list[str], list[str]]:
    """The columns to read, and those of them to keep as text, in whatever part of the file."""
    text = [at[column.name] for column in transform.columns if column.kind in ("category", "date")]
    return list(dict.fromkeys([*at.values(), *targets])), list(dict.fromkeys([*text, *targets]))


def _column_of(columns: Sequence[Column], feature: int) -> Column:
    """The column that a feature comes from."""
    for column in columns:
        feature -= len(column.features)
        if feature < 0:
            return column
    raise IndexError(feature)
