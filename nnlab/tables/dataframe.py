"""Frames: data frames in memory, of pandas, polars and their like, as the tables that their CSV files would be."""

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from nnlab.dataset import Array
from nnlab.errors import DataError
from nnlab.tables.cells import short, stripped
from nnlab.tables.columns import Table, Text, text_of
from nnlab.tables.keys import AUTO, Keys, Style

PLACE = Path("the data frame")
"""What messages call it."""
_TRUTH = {True: "true", False: "false"}
EXACT = 2**53
"""Whole numbers up to here are float64 numbers too."""


def is_frame(value: Any) -> bool:
    """Whether this is a data frame: columns by name, each of which NumPy can be given."""
    # Told by what it does: pandas and polars agree in this much, and neither has to be there to ask.
    return hasattr(value, "columns") and hasattr(value, "__getitem__") and not isinstance(value, np.ndarray)


class DataFrame:
    """A data frame, read through what pandas and polars have in common."""

    def __init__(self, frame: Any) -> None:
        """Raises DataError for columns without a printable name or with the same one, and for cells that hold more."""
        self.names = tuple(stripped(str(name)) for name in frame.columns)
        for name in self.names:
            if not name or not name.isprintable():
                raise DataError(f"{PLACE}: a column has no printable name: {short(name)}", "give it one")
            if self.names.count(name) > 1:
                raise DataError(f"{PLACE}: two columns are called {short(name)}", "rename one of them")
        # As each writes them into its own CSV files: pandas True, polars and most others true.
        truth = {True: "True", False: "False"} if type(frame).__module__.split(".")[0] == "pandas" else _TRUTH
        self.columns: dict[str, Array] = {}
        for name, own in zip(self.names, frame.columns, strict=True):
            self.columns[name] = _column(name, frame[own].to_numpy(), truth)
        self.rows = len(frame)

    def table(self, keys: Keys = AUTO) -> Table:
        """The table that its CSV file would be: numbers as they are, all else as text."""
        style = Style(self.names, keys.words, decimal=keys.decimal, thousands=keys.thousands)
        numbered = [name for name in self.names if self.columns[name].dtype.kind in "iuf"]
        values = np.empty((self.rows, len(numbered)))
        for n, name in enumerate(numbered):
            values[:, n] = self.columns[name]
            for word in style.missing_words:  # such as -999
                if (unsaid := _number(word)) is not None:
                    values[values[:, n] == unsaid, n] = np.nan
        texts = {name: self.text(name, style) for name in self.names if name not in numbered}
        places = range(1, self.rows + 1)
        again = lambda name: self.text(name, style)  # noqa: E731
        return Table(PLACE, style, self.rows, numbered, values, texts, places, again, unit="row")

    def text(self, name: str, style: Style) -> Text:
        """A column as text."""
        return text_of(self.cells(name, style.decimal))

    def cells(self, name: str, decimal: str = ".") -> list[str]:
        """A column as a CSV file has it."""
        column = self.columns[name]
        if column.dtype.kind in "iu":
            return [str(value) for value in column.tolist()]
        if column.dtype.kind == "f":
            return ["" if value != value else repr(value).replace(".", decimal) for value in column.tolist()]
        return [stripped(cell) for cell in column.tolist()]

    def csv(self, keys: Keys = AUTO) -> bytes:
        """Its CSV file, from which ``reading.read`` makes the same table; in UTF-8, with a name for each column."""
        delimiter = {"auto": ",", "tab": "\t", "whitespace": " "}.get(keys.delimiter, keys.delimiter)
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
        writer.writerow(self.names)
        writer.writerows(zip(*(self.cells(name, keys.decimal) for name in self.names), strict=True))
        return buffer.getvalue().encode()


def _column(name: str, column: Array, truth: Mapping[bool, str]) -> Array:
    """A column as whole numbers, float64 or text, (n,)."""
    if column.ndim == 1 and column.dtype.kind in "iu":
        return column
    if column.ndim == 1 and column.dtype.kind == "f":
        return column.astype(np.float64, copy=False)
    if column.ndim == 1 and column.dtype.kind == "M":
        return np.array([_moment(value) for value in column], object)
    if column.ndim == 1 and column.dtype.kind in "bOUT":
        values = column.tolist()
        if column.dtype.kind == "O" and (numbers := _numbers(values)) is not None:
            return numbers
        cells = [truth[value] if isinstance(value, bool) else _cell(name, value) for value in values]
        return np.array(cells, object)
    raise DataError(
        f"{PLACE}: column {short(name)} holds {column.dtype}, which is no number, text or date",
        "leave it out of the frame",
    )


def _numbers(values: list[Any]) -> Array | None:
    """Numbers among which some are missing, as float64; None where any is none, or would lose digits."""
    for value in values:
        if not _unsaid(value) and (isinstance(value, bool) or not isinstance(value, int | float | np.number)):
            return None
        if isinstance(value, int) and abs(value) > EXACT:
            return None
    return np.array([np.nan if _unsaid(value) else float(value) for value in values], np.float64)


def _unsaid(value: Any) -> bool:
    """Whether a cell is missing: None, not a number, or pandas' NA and NaT, which are equal to nothing."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and value != value


def _cell(name: str, value: Any) -> str:
    """What a CSV file would hold for a value."""
    if _unsaid(value):
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, int | float | str | np.generic | date | time):
        return str(value)
    if isinstance(value, timedelta) or not type(value).__name__ == "Decimal":
        raise DataError(
            f"{PLACE}: column {short(name)} holds a {type(value).__name__[:40]}, which is no number, text or date",
            "leave it out of the frame",
        )
    return str(value)


def _moment(value: np.datetime64) -> str:
    """A moment as a CSV file would hold it: a day alone where it is midnight."""
    if np.isnat(value):
        return ""
    text = np.datetime_as_string(value.astype("datetime64[us]")).replace("T", " ")
    return text.removesuffix(".000000").removesuffix(" 00:00:00")


def _number(word: str) -> float | None:
    try:
        return float(word) if word[:1] in "+-.0123456789" and word not in ("-", ".", "--") else None
    except ValueError:
        return None
