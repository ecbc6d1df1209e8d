"""The fast way from text to columns: polars, for what it reads exactly as the plain way does."""

import codecs
import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from nnlab.dataset import Array
from nnlab.tables.cells import BLANKS, GRAMMAR, SPACES, digits, number
from nnlab.tables.keys import Style
from nnlab.tables.records import Columns


class Fast:
    """Reads the same columns of one text after the other; remembers those that hold more than plain numbers."""

    def __init__(self, style: Style, numbered: Collection[int], text: Collection[int]) -> None:
        self.style = style
        self.numbered = list(numbered)
        self.text = set(text)
        plain = style.decimal == "." and style.thousands is None
        counted = any(number(word) is not None for word in style.missing_words)  # -999 reads as a number
        self.doubtful = set() if plain and not counted else set(self.numbered)
        self._empty = BLANKS + style.delimiter + '"'
        self._begins = np.isin(np.arange(256), [character.encode()[0] for character in self._empty])
        """For each byte whether a line that says nothing can begin with it."""
        self._grammar = f"^(?:{_grammar(style.decimal, style.thousands)})$"

    @staticmethod
    def reads(style: Style) -> bool:
        """Whether tables of this style can be read in this way."""
        return (
            style.delimiter.isascii()
            and len(style.delimiter) == 1
            and style.delimiter not in "-+.0123456789eE"
            and style.comment is None
            and all(word.isascii() for word in style.missing_words)
        )

    def parse(self, text: bytes, line: int, final: bool) -> tuple[Columns, int] | None:
        """The whole records at the beginning of a text in UTF-8, and its bytes that they take.

        None where the text holds something that must be looked at cell by cell.
        """
        cut = _whole(text, final) if b'"' in text else len(text) if final else text.rfind(b"\n") + 1
        data = text if cut == len(text) else text[:cut]
        data = data if data.endswith(b"\n") else data + b"\n"
        ends = _places(data, "\n")
        lines: Sequence[int] = range(line, line + (len(ends) if cut else 0))
        if blank := self._blank(data, ends):
            if b'"' in data:
                return None
            kept = [at for at in range(len(lines)) if at not in blank]
            written = data.split(b"\n")
            data, lines = b"".join(written[at] + b"\n" for at in kept), [lines[at] for at in kept]
            ends = _places(data, "\n")
        if not lines:
            return Columns([], lambda _: np.empty(0), lambda _: []), cut
        starts = self._rows(data, ends)
        if starts is None or data.startswith(codecs.BOM_UTF8):  # which polars would take for the mark of a file
            return None
        return self._columns(data, lines if starts == range(len(lines)) else [lines[at] for at in starts]), cut

    def _blank(self, data: bytes, ends: Array) -> set[int]:
        """Which lines of a block say nothing."""
        starts = np.concatenate(([0], ends + 1))
        likely = np.flatnonzero(self._begins[np.frombuffer(data, np.uint8)[starts[:-1]]])
        return {int(at) for at in likely if not data[starts[at] : starts[at + 1]].decode().strip(self._empty)}

    def _rows(self, data: bytes, ends: Array) -> list[int] | range | None:
        """On which line of a block each row begins; None unless each has all of its cells, plainly quoted if at all."""
        delimiters = _places(data, self.style.delimiter)
        starts: list[int] | range = range(len(ends))
        if b'"' in data:
            quotes = _places(data, '"')
            beside = np.frombuffer(data, np.uint8)[
                np.concatenate((quotes[0::2] - 1, quotes[1::2] + 1))[int(quotes[0] == 0) :]
            ]
            if len(quotes) % 2 or not np.isin(beside, [ord("\n"), ord(self.style.delimiter)]).all():
                return None
            outside = np.flatnonzero(np.searchsorted(quotes, ends) % 2 == 0)
            if len(outside) < len(ends):
                starts, ends = [0, *(outside[:-1] + 1).tolist()], ends[outside]
            delimiters = delimiters[np.searchsorted(quotes, delimiters) % 2 == 0]
        between = self.style.cells - 1
        if len(delimiters) != between * len(ends):
            return None
        if between:
            delimiters = delimiters.reshape(-1, between)
            if (delimiters[:, -1] > ends).any() or (delimiters[1:, 0] < ends[:-1]).any():
                return None
        return starts

    def _columns(self, data: bytes, lines: Sequence[int]) -> Columns:
        """The columns of a block whose rows all have their cells."""
        found = self._series(data, [*self.numbered, *self.text], self.text | self.doubtful)
        doubtful = [
            position
            for position in self.numbered
            if position not in self.doubtful and not np.isfinite(found[position].to_numpy()).all()
        ]
        if doubtful:  # a cell was missing, or none that polars takes for a number, or a word that it does
            self.doubtful.update(doubtful)
            found |= self._series(data, doubtful, self.doubtful)
        values: dict[int, Array | None] = dict.fromkeys(self.text)
        for position in self.numbered:
            column = found[position]
            values[position] = self._careful(column) if position in self.doubtful else column.to_numpy()
        texts = {position for position, numbers in values.items() if numbers is None}
        self.numbered, self.text = [at for at in self.numbered if at not in texts], texts

        def as_written(position: int) -> list[str]:
            series = found.get(position)
            if series is None or series.dtype.is_numeric():  # another part of the table may have found text in it
                series = self._series(data, [position], {position})[position]
            return list(series.fill_null("").to_list())

        return Columns(lines, values.__getitem__, as_written)

    def _series(self, data: bytes, positions: Sequence[int], text: Collection[int]) -> dict[int, Any]:
        """The columns at these positions, as text or float64."""
        import polars as pl

        frame = pl.read_csv(
            data,
            has_header=False,
            schema={f"column_{i + 1}": pl.String if i in text else pl.Float64 for i in range(self.style.cells)},
            columns=[f"column_{position + 1}" for position in sorted(positions)],
            separator=self.style.delimiter,
            quote_char='"' if b'"' in data else None,
            ignore_errors=True,
        )
        return {position: frame[f"column_{position + 1}"] for position in positions}

    def _careful(self, column: Any) -> Array | None:
        """The numbers in a column of text; None where a cell is neither a number nor missing."""
        import polars as pl

        cells = column.fill_null("").str.strip_chars(BLANKS)
        missing = cells.is_in(list(self.style.missing_words))
        plain = cells.str.contains(self._grammar)
        if not (missing | plain).all():
            return None
        if self.style.thousands is not None:
            cells = cells.str.replace_all(f"[{SPACES}'\u2019_{re.escape(self.style.thousands)}]", "")
        if self.style.decimal != ".":
            cells = cells.str.replace(self.style.decimal, ".", literal=True)
        values: Array = cells.cast(pl.Float64, strict=False).to_numpy().copy()
        values[missing.to_numpy()] = np.nan
        return values


def _grammar(decimal: str, thousands: str | None) -> str:
    """A number with these signs, as ``cells.number`` has it."""
    if decimal == "." and thousands is None:
        return GRAMMAR
    point, whole = re.escape(decimal), digits(thousands)
    return f"[-+]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][-+]?[0-9]+)?"


def _places(data: bytes, character: str) -> Array:
    """Where an ASCII character stands."""
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord(character))


def _whole(text: bytes, final: bool) -> int:
    """The end of the last line that ends outside of quotation marks, as far as counting them tells."""
    if final:
        return len(text)
    end = text.rfind(b"\n")
    marks = text.count(b'"', 0, end + 1)
    while end >= 0 and marks % 2:
        start = text.rfind(b"\n", 0, end)
        marks -= text.count(b'"', start + 1, end + 1)
        end = start
    return end + 1
