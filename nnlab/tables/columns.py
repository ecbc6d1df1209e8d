"""A table as read: its columns as numbers, text or dates, and where each row stands in its file."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np

from nnlab.dataset import Array
from nnlab.errors import DataError
from nnlab.tables import dates
from nnlab.tables.cells import boolean, infinite, number, people_number, plain_whole, short
from nnlab.tables.keys import Style

Kind = Literal["number", "boolean", "date", "text"]
_AS_NUMBERS = "save the column as numbers"


@dataclass
class Text:
    """A column kept as text: its distinct cells, and which of them stands in each row."""

    cells: list[str]
    """Stripped and in NFC."""
    codes: Array
    """(n,) int32."""
    declared: Kind | None = None
    """What the file itself says that the column is, as a parquet file does."""

    def each(self, of: Mapping[str, float] | Callable[[str], float], dtype: type = np.float64) -> Array:
        """(n,) what a function makes of each cell, asked once for each distinct one."""
        found = [of(cell) if callable(of) else of[cell] for cell in self.cells]
        return np.array(found, dtype)[self.codes] if found else np.empty(0, dtype)


@dataclass
class Table:
    """The columns in use of one file."""

    path: Path
    style: Style
    rows: int
    numbered: list[str]
    """The columns that are kept as numbers, in the order of ``values``."""
    values: Array
    """(n, numbered) float64, C order; NaN where a cell is missing."""
    text: dict[str, Text]
    """The columns that are kept as text, by name."""
    lines: Sequence[int]
    """The line where each row begins, as an editor counts."""
    again: Callable[[str], Text] | None = None
    """Reads one column of numbers again as text; None where the file is gone by."""
    unit: str = "line"
    _kinds: dict[str, Kind] = field(default_factory=dict, repr=False)
    _positions: dict[str, int] | None = field(default=None, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all columns of the file that count, whether they are in use or not."""
        return self.style.names

    def line(self, row: int) -> int:
        """The line where a row begins."""
        return int(self.lines[row])

    def where(self, row: int, name: str) -> str:
        """How a message names a cell: 'houses.csv' line 7, column 'rooms'."""
        return f"{str(self.path)!r} {self.unit} {self.line(row)}, column {short(name)}"

    def kind(self, name: str) -> Kind:
        """What all cells of a column are that are not missing; a number where all are missing."""
        if name not in self.text:
            self._position(name)
            return "number"
        if name not in self._kinds:
            self._kinds[name] = self._kind(name)
        return self._kinds[name]

    def whole(self, name: str) -> bool:
        """Whether all cells that are not missing are whole numbers."""
        if self.kind(name) != "number":
            return False
        values = self.numbers(name)
        return bool(np.all((values == np.floor(values)) | np.isnan(values)))

    def wholes(self, name: str) -> list[int | None] | None:
        """The whole number in each row, of any size; None in a row for a missing one, None for all if any is else."""
        found = self.distinct_wholes(name)
        return None if found is None else [found[0][code] for code in found[1]]

    def distinct_wholes(self, name: str) -> tuple[list[int | None], Array] | None:
        """The whole number of each different cell, None for a missing one, and which cell each row has, (n,) int32.

        None where a cell is anything else.
        """
        text = self._text(name)
        found = [None if cell in self.style.missing_words else self._plain(cell) for cell in text.cells]
        if any(value is None and not self._missing(cell) for value, cell in zip(found, text.cells, strict=True)):
            return None
        return found, text.codes

    def mixed(self, name: str) -> int | None:
        """The first row whose cell is no number where others of its column are; None where all are alike."""
        if name not in self.text or self.text[name].declared or self.kind(name) != "text":
            return None
        decimal = self._decimal(name)
        numbers = self.text[name].each(lambda cell: self._number(cell, decimal) is not None, np.bool_)
        other = ~(numbers | self.missing(name))
        return int(np.argmax(other)) if numbers.any() else None

    def people(self, name: str) -> tuple[int, str] | None:
        """The first row whose cell is a number written for people, and the key that would read it."""
        if name not in self.text or self.text[name].declared not in (None, "text"):
            return None
        decimal = self._decimal(name)
        found = self.text[name].each(lambda cell: self._people(cell, decimal) is not None, np.bool_)
        if not found.any():
            return None
        row = int(np.argmax(found))
        return row, _AS_NUMBERS if self.text[name].declared else self._people(self.cell(row, name), decimal) or ""

    def cell(self, row: int, name: str) -> str:
        """One cell as it is written, stripped, in NFC."""
        text = self._text(name)
        return text.cells[int(text.codes[row])]

    def missing(self, name: str) -> Array:
        """(n,) bool: where the cell says nothing."""
        if name in self.text:
            return self.text[name].each(self._missing, np.bool_)
        return np.isnan(self.values[:, self._position(name)])

    def numbers(self, name: str) -> Array:
        """(n,) float64, NaN where the cell is missing, 1 and 0 for true and false. Raises DataError for text."""
        if name not in self.text:
            values = self.values[:, self._position(name)].copy()
        elif self.kind(name) == "boolean":
            values = self.text[name].each(self._truth)
        elif self.text[name].declared in ("text", "date"):
            raise self._no_number(int(np.argmin(self.missing(name))), name)
        else:
            decimal = self._decimal(name)
            values = self.text[name].each(lambda cell: np.nan if (v := self._number(cell, decimal)) is None else v)
            wrong = np.isnan(values) & ~self.missing(name)
            if wrong.any():
                raise self._no_number(int(np.argmax(wrong)), name)
        self._finite(values[:, None], [name])
        return values

    def texts(self, name: str) -> Array:
        """(n,) object: the cells as they are written, stripped, in NFC."""
        text = self._text(name)
        return np.array(text.cells, object)[text.codes] if text.cells else np.empty(0, object)

    def counts(self, name: str) -> Counter[str]:
        """How often each cell stands in a column, missing ones left out."""
        text = self._text(name)
        often = np.bincount(text.codes, minlength=len(text.cells)).tolist()
        return Counter({c: n for c, n in zip(text.cells, often, strict=True) if n and not self._missing(c)})

    def matrix(self, names: Sequence[str]) -> Array:
        """(n, names) float64 in C order, NaN where a cell is missing. Raises DataError for the first that is no number.

        Where the columns that are kept as numbers begin with these, it is the table's own memory: do not write into it.
        """
        names = list(names)
        if names == self.numbered[: len(names)]:
            values = self.values[:, : len(names)]
            self._finite(values, names)
            return values
        filled = np.empty((self.rows, len(names)))
        for column, name in enumerate(names):
            filled[:, column] = self.numbers(name)
        return filled

    def dates(self, name: str, parts: Sequence[str], form: str | None = None) -> Array:
        """(n, parts) float64 of the dates in a column, NaN where they are missing; ``dates.PARTS`` has the parts.

        ``form`` is the form found in another table of the kind, for 01/02/2024 says nothing by itself. Raises DataError
        for a cell that is no date.
        """
        text = self._text(name)
        form = form or self.date_form(name)
        moments = [self._moment(cell, form) for cell in text.cells]
        read = np.array([m is not None or self._missing(c) for m, c in zip(moments, text.cells, strict=True)], np.bool_)
        wrong = ~read[text.codes] if len(read) else np.zeros(0, np.bool_)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"{self.where(row, name)}: {short(self.cell(row, name))} is no date"
                + (f" like {form}" if form else " that can be read in one way"),
                f"dates are written like {', '.join(dates.FORMS)}, all of a column alike",
            )
        return dates.table(moments, parts)[text.codes] if moments else np.empty((0, len(parts)))

    def date_form(self, name: str) -> str | None:
        """The form of the dates in a column, one of ``dates.FORMS``; None where it holds none."""
        text = self._text(name)
        if text.declared:
            return "2024-01-31" if text.declared == "date" else None
        return dates.form(cell for cell in text.cells if not self._missing(cell))

    def dated(self, name: str) -> int | None:
        """The first row whose cell is a date in whatever form; None where there is none."""
        found = self._text(name).each(lambda cell: any(dates.read(cell, form) for form in dates.FORMS), np.bool_)
        return int(np.argmax(found)) if found.any() else None

    def _position(self, name: str) -> int:
        if self._positions is None:
            self._positions = {numbered: position for position, numbered in enumerate(self.numbered)}
        if name not in self._positions:
            raise KeyError(f"column {name!r} was not read")
        return self._positions[name]

    def _text(self, name: str) -> Text:
        """A column as text, read again where it is kept as numbers."""
        if name not in self.text:
            self._position(name)
            if self.again is None:
                raise KeyError(f"column {name!r} was not kept as text")
            found = self.again(name)
            if len(found.codes) != self.rows:
                raise changed(self.path)
            return found
        return self.text[name]

    def _kind(self, name: str) -> Kind:
        text = self.text[name]
        if text.declared:
            return text.declared
        there = [cell for cell in text.cells if not self._missing(cell)]
        decimal = self._decimal(name)
        if all(self._number(cell, decimal) is not None for cell in there):
            return "number"
        if all(boolean(cell) is not None for cell in there):
            return "boolean"
        return "date" if dates.form(there) else "text"

    def _missing(self, cell: str) -> bool:
        return cell in self.style.missing_words

    def _decimal(self, name: str) -> str:
        """The decimal sign of a column of text: a point where the file's is a comma, but this column can have none.

        People mix the two in one file. A column without a comma, with a number such as 0.25 that no separator of
        thousands could stand in, has decimal points; where all of it could be thousands, nobody can tell.
        """
        if self.style.decimal == "." or self.style.thousands == ".":
            return self.style.decimal
        there = [cell for cell in self.text[name].cells if not self._missing(cell)]
        plain = all(number(cell) is not None for cell in there)
        certain = any("." in cell and number(cell, ",", ".") is None for cell in there)
        return "." if plain and certain else self.style.decimal

    def _number(self, cell: str, decimal: str) -> float | None:
        # A word for missing is none, even where the user lists a number such as -999.
        return None if self._missing(cell) else number(cell, decimal, self.style.thousands)

    def _plain(self, cell: str) -> int | None:
        return plain_whole(cell, self.style.decimal, self.style.thousands)

    def _people(self, cell: str, decimal: str) -> str | None:
        return None if self._missing(cell) else people_number(cell, decimal, self.style.thousands)

    def _truth(self, cell: str) -> float:
        truth = None if self._missing(cell) else boolean(cell)
        return np.nan if truth is None else float(truth)

    def _moment(self, cell: str, form: str | None) -> datetime | None:
        return None if form is None or self._missing(cell) else dates.read(cell, form)

    def _no_number(self, row: int, name: str) -> DataError:
        cell = self.cell(row, name)
        return DataError(f"{self.where(row, name)}: {short(cell)} is no number", self._cure(cell, row, name))

    def _cure(self, cell: str, row: int, name: str) -> str:
        """What would make a number of a cell."""
        if declared := self.text[name].declared if name in self.text else None:
            return f"the file itself says that the column holds {declared}s: {_AS_NUMBERS}"
        if infinite(cell):
            return "numbers are finite: correct the cell, or leave the line out"
        if key := self._people(cell, self.style.decimal):
            return f"to read it as one: {key}"
        if self.style.thousands and number(cell.replace(self.style.thousands, ""), self.style.decimal) is not None:
            return f"{self.style.thousands!r} stands between groups of three digits: see dataset.thousands"
        first = not self.style.header and row == 0 and self.line(row) == self.style.line
        return "correct it, list the word in dataset.missing_words, or leave the column out" + (
            "; if this line holds the columns' names: dataset.header: true" if first else ""
        )

    def _finite(self, values: Array, names: Sequence[str]) -> None:
        """Raises DataError for the first number that is larger than any float64."""
        step = max(1, (1 << 17) // max(1, len(names)))  # a mask of the whole would be an eighth more memory
        for start in range(0, len(values), step):
            wrong = np.isinf(values[start : start + step])
            if wrong.any():
                row, column = divmod(int(np.argmax(wrong)), len(names))
                raise DataError(
                    f"{self.where(start + row, names[column])}: the number is too large for 64 bits",
                    "correct the cell, or leave the line out",
                )


def part(table: Table, start: int, stop: int) -> Table:
    """Some rows of a table."""
    text = {name: Text(t.cells, t.codes[start:stop], t.declared) for name, t in table.text.items()}
    lines = table.lines[start:stop]
    return Table(
        table.path, table.style, stop - start, table.numbered, table.values[start:stop], text, lines, unit=table.unit
    )


def changed(path: Path) -> DataError:
    """What to say of a file that is another one the second time."""
    return DataError(f"{str(path)!r} changed while it was read", "try again when it is whole")


def text_of(cells: Iterable[str], declared: Kind | None = None) -> Text:
    """The column of these cells, which are stripped and in NFC."""
    codes: dict[str, int] = {}
    numbers = [codes.setdefault(cell, len(codes)) for cell in cells]
    return Text(list(codes), np.array(numbers, np.int32), declared)
