"""Reading: a file to a table, whole or a part at a time, fast where that is exact and cell by cell where not."""

import codecs
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

import numpy as np

from nnlab.dataset import Array
from nnlab.errors import DataError
from nnlab.tables import parquet, source
from nnlab.tables.cells import number, stripped
from nnlab.tables.columns import Table, Text, changed, part
from nnlab.tables.fast import Fast
from nnlab.tables.keys import AUTO, Keys, Style
from nnlab.tables.records import Columns, Records, records
from nnlab.tables.sniff import find_style

FAST_FROM = 1 << 18
"""Characters from which polars is worth its import."""
ROWS = 65_536
"""Rows that are streamed at once."""
_PLAIN = frozenset("0123456789+-.eE \t")
"""Of these characters Python's ``float`` reads the same numbers as ``cells.number``."""


def nothing(needed: int) -> None:
    """The limit on memory that allows everything."""


def read(
    path: Path,
    keys: Keys | Style = AUTO,
    columns: Sequence[str] | None = None,
    text: Collection[str] = (),
    must_fit: Callable[[int], None] = nothing,
    *,
    fast: bool | None = None,
) -> Table:
    """The table in a file.

    ``columns`` are those wanted (default: all), in their order; those in ``text``, and those that hold a cell that is
    no number, are kept as text. ``must_fit`` is called with the bytes that the table has come to, and raises where that
    is too much. ``fast`` is for tests: None takes the fast way where it pays, and either gives the same table. Raises
    DataError, naming file, line and what would read it, for what is no table; KeyError for a column that is not there.
    """
    style = keys if isinstance(keys, Style) else find_style(path, keys)
    wanted = list(style.names if columns is None else columns)
    if path.suffix.lower() == ".parquet":
        return parquet.read(path, style, wanted, text, must_fit)
    growing = _Growing(path, style, wanted, text, must_fit, path.stat().st_size)
    for some in _parse(path, style, growing.numbered_at(), growing.text_at(), fast):
        growing.add(some)
    if not growing.rows:
        raise DataError(
            f"{str(path)!r} has column names and no data" if style.header else f"{str(path)!r} is empty",
            "one line an example" + ("; if the first line is one: dataset.header: false" if style.header else ""),
        )
    late, rows = growing.late, growing.rows

    def again(name: str) -> Text:
        return read(path, style, [name], [name], must_fit, fast=fast).text[name]

    table = growing.table(again)
    if late:  # columns of numbers in which text came up after many rows
        found = read(path, style, late, late, must_fit, fast=fast)
        if found.rows != rows:
            raise changed(path)
        table.text |= found.text
    return table


def stream(
    path: Path,
    keys: Keys | Style = AUTO,
    columns: Sequence[str] | None = None,
    text: Collection[str] = (),
    rows_at_once: int = ROWS,
    *,
    fast: bool | None = None,
) -> Iterator[Table]:
    """The table in a file as tables of at most ``rows_at_once`` rows, one after the other, in bounded memory.

    A column is kept as text in those parts in which it holds some, and in all where it is named in ``text``. Raises as
    ``read``, at the part where something is wrong.
    """
    style = keys if isinstance(keys, Style) else find_style(path, keys)
    wanted = list(style.names if columns is None else columns)
    if path.suffix.lower() == ".parquet":
        yield from parquet.stream(path, style, wanted, text, rows_at_once)
        return
    first = _Growing(path, style, wanted, text, nothing, 0)
    for some in _parse(path, style, first.numbered_at(), first.text_at(), fast):
        growing = _Growing(path, style, wanted, text, nothing, 0)
        growing.add(some)
        table = growing.table(None)
        for start in range(0, table.rows, rows_at_once):
            yield part(table, start, min(start + rows_at_once, table.rows))


def written(path: Path, style: Style) -> Iterator[tuple[Sequence[int], Sequence[list[str]]]]:
    """The rows of a file as they are written, some at a time, each with the line where it begins.

    They are those of ``read`` and ``stream``, with the columns before the first that counts. Raises as these do.
    """
    if path.suffix.lower() == ".parquet":
        for table in parquet.stream(path, style, style.names, style.names, ROWS):
            columns = (table.texts(name) for name in style.names)
            yield table.lines, [list(row) for row in zip(*columns, strict=True)]
        return
    for some in _parse(path, style, (), (), fast=False):
        yield some.lines, some.cells


def _parse(
    path: Path, style: Style, numbered: Collection[int], text: Collection[int], fast: bool | None
) -> Iterator[Columns]:
    """All rows of a file, some at a time. Raises DataError for a line that has too many cells or too few."""
    quick = Fast(style, numbered, text) if fast is not False and Fast.reads(style) else None
    rest, line, skip = b"", style.line, style.start
    for block in chain(source.blocks(path, style.compression, style.encoding), [None]):
        final = block is None
        if block:
            rest += block
        if skip:  # characters, which may be several bytes each
            decoded, whole = codecs.utf_8_decode(rest, "strict", final)
            rest, skip = decoded[skip:].encode() + rest[whole:], max(0, skip - len(decoded))
        if not rest:
            continue
        big = len(rest) >= FAST_FROM if fast is None else True
        found: tuple[Columns, int] | None = quick.parse(rest, line, final) if quick and big else None
        if found is None:
            decoded = codecs.utf_8_decode(rest, "strict", final)[0]
            kept = records(path, decoded, line, style.delimiter, style.comment, final=final)
            _same_width(path, style, kept)
            found = _plain(style, kept), len(decoded[: kept.used].encode())
        some, used = found
        if some.lines:
            yield some
        line += rest.count(b"\n", 0, used)
        rest = rest[used:]
        if len(rest) > source.LONGEST:
            raise DataError(
                f"{str(path)!r} line {line} is longer than {source.LONGEST:,} characters",
                "is a quotation mark never closed?",
            )


def _plain(style: Style, found: Records) -> Columns:
    """Some rows, cell by cell."""

    def texts(position: int) -> list[str]:
        return [row[position] for row in found.rows]

    return Columns(found.lines, lambda position: _numbers(style, texts(position)), texts, found.rows)


def _numbers(style: Style, cells: Sequence[str]) -> Array | None:
    """(n,) float64, NaN where a cell is missing; None where one is text."""
    missing, simple = set(style.missing_words), style.decimal == "." and style.thousands is None
    if simple and _PLAIN.issuperset("".join(cells)) and missing.isdisjoint(cells):
        with suppress(ValueError):  # one is missing or text
            return np.array([float(cell) for cell in cells], np.float64)
    values = np.empty(len(cells))
    for row, cell in enumerate(cells):
        if stripped(cell) in missing:
            values[row] = np.nan
        elif (found := number(cell, style.decimal, style.thousands)) is not None:
            values[row] = found
        else:
            return None
    return values


def _same_width(path: Path, style: Style, found: Records) -> None:
    for line, row in zip(found.lines, found.rows, strict=True):
        if len(row) != style.cells:
            raise DataError(
                f"{str(path)!r} line {line} has {len(row)} cells, the first line {style.cells}",
                "give every line the same columns"
                + ("; is dataset.delimiter right?" if min(style.cells, len(row)) == 1 else ""),
            )


class _Cells:
    """A column of text that grows, each distinct cell kept once."""

    def __init__(self) -> None:
        self.codes = array("i")
        self.cells: dict[str, int] = {}
        self.size = 0
        """Bytes, about."""
        self._written: dict[str, int] = {}

    def add(self, cells: Sequence[str]) -> None:
        """Some more cells, as they are written."""
        for cell in dict.fromkeys(cells):  # no set, whose order is another in each process
            if cell in self._written:
                continue
            bare = stripped(cell)
            if bare not in self.cells:
                self.cells[bare] = len(self.cells)
                self.size += 2 * len(bare) + 250
            self._written[cell] = self.cells[bare]
        self.codes.extend(map(self._written.__getitem__, cells))

    def text(self) -> Text:
        """What there is of it."""
        return Text(list(self.cells), np.frombuffer(self.codes, np.int32) if self.codes else np.empty(0, np.int32))


class _Growing:
    """A table while it is read."""

    def __init__(
        self,
        path: Path,
        style: Style,
        wanted: Sequence[str],
        text: Collection[str],
        must_fit: Callable[[int], None],
        size: int,
    ) -> None:
        self.path, self.style, self.must_fit = path, style, must_fit
        places = {name: place for place, name in enumerate(style.names, style.left_out)}
        self.at = {name: places[name] for name in wanted}
        self.numbered = [name for name in wanted if name not in text]
        self.text = {name: _Cells() for name in wanted if name in text}
        self.late: list[str] = []
        """Columns of numbers in which text came up."""
        self.places = array("q")
        self.values = np.empty(0)
        self.size = size
        """Bytes of the file, where the whole of it is to be kept."""
        self._allowed = 0

    @property
    def rows(self) -> int:
        """So far."""
        return len(self.places)

    def numbered_at(self) -> list[int]:
        """The positions in the file of the columns that are read as numbers."""
        return [self.at[name] for name in self.numbered]

    def text_at(self) -> list[int]:
        """The positions of those that are kept as text."""
        return [self.at[name] for name in self.text]

    def add(self, some: Columns) -> None:
        """Some more rows."""
        start, stop = self.rows, self.rows + len(some.lines)
        found = {name: some.numbers(self.at[name]) for name in self.numbered if name not in self.late}
        texts = [name for name, values in found.items() if values is None]
        if start == 0:
            self.numbered = [name for name in self.numbered if name not in texts]
            self.text |= {name: _Cells() for name in texts}
        else:
            self.late += texts
        self._make_room(stop, some)
        filled = self.values[start * len(self.numbered) : stop * len(self.numbered)].reshape(len(some.lines), -1)
        for column, name in enumerate(self.numbered):
            if name not in self.late:
                filled[:, column] = found[name]
        for name, cells in self.text.items():
            cells.add(some.texts(self.at[name]))
        self.places.extend(some.lines)
        self._must_fit()

    def table(self, again: Callable[[str], Text] | None) -> Table:
        """The table as it is now; its text columns, but for late ones, among it."""
        late = set(self.late)
        kept = [name for name in self.numbered if name not in late]
        places = [place for place, name in enumerate(self.numbered) if name not in late]
        values = _narrowed(self.values, self.rows, len(self.numbered), places)
        ordered = {name: self.text[name].text() for name in self.at if name in self.text}
        first = self.places[0] if self.places else 0
        lines: Sequence[int] = range(first, first + self.rows)
        if self.places and self.places[-1] != lines[-1]:
            lines = self.places
        return Table(self.path, self.style, self.rows, kept, values, ordered, lines, again)

    def _make_room(self, rows: int, some: Columns) -> None:
        """Room in memory for so many rows. Raises what ``must_fit`` does."""
        needed = rows * len(self.numbered)
        if needed > len(self.values):
            more = needed
            if not len(self.values) and self.size:
                # Pages that are never written to cost nothing, so a guess on the large side does no harm.
                more = max(needed, int(1.02 * needed * self.size / source.PIECE))
            elif len(self.values):
                more = max(needed, int(1.25 * len(self.values)))
            self.must_fit(8 * more)
            if len(self.values):
                self.values.resize(more, refcheck=False)
            else:
                self.values = np.empty(more)

    def _must_fit(self) -> None:
        """Raises what ``must_fit`` does, where what there is has come to too much."""
        numbers = 8 * self.rows * len(self.numbered)
        kept = numbers + 12 * self.rows + sum(cells.size for cells in self.text.values())
        if kept > self._allowed:
            self.must_fit(kept)
            self._allowed = kept + kept // 4


def _narrowed(values: Array, rows: int, width: int, kept: list[int]) -> Array:
    """(rows, kept) of rows that are ``width`` wide, in the memory where they are."""
    values = values[: rows * width] if not values.flags.owndata else values
    if len(kept) < width:
        for start in range(0, rows, 4096):
            some = values[start * width : min(start + 4096, rows) * width].reshape(-1, width)[:, kept]
            values[start * len(kept) : start * len(kept) + some.size] = some.ravel()
    if values.flags.owndata:
        values.resize(rows * len(kept), refcheck=False)
    return values.reshape(rows, len(kept))
