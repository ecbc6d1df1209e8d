"""The fast way from text to columns: polars, for what it reads exactly as the plain way does."""

import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from nnlab.dataset import Array
from nnlab.tables.cells import BLANKS, GRAMMAR, SPACES, number
from nnlab.tables.keys import Style

_QUOTE, _NEWLINE = ord('"'), ord("\n")


class Columns:
    """Some rows, as columns by their position in the file."""

    def __init__(self, lines: Sequence[int], frame: Any, values: dict[int, Array | None]) -> None:
        self.rows = len(lines)
        self.lines = lines
        self._frame = frame
        self._values = values

    def numbers(self, position: int) -> Array | None:
        """(n,) float64, NaN where a cell is missing; None where one is text."""
        return self._values[position]

    def texts(self, position: int) -> list[str]:
        """The cells as they are written."""
        return list(self._frame[str(position)].fill_null("").to_list())


class Fast:
    """Reads the same columns of one text after the other; remembers those that hold more than plain numbers."""

    def __init__(self, style: Style, numbered: Collection[int], text: Collection[int]) -> None:
        self.style = style
        self.numbered = list(numbered)
        self.text = set(text)
        plain = style.decimal == "." and style.thousands is None
        counted = any(number(word) is not None for word in style.missing_words)  # -999 reads as a number
        self.doubtful = set() if plain and not counted else set(self.numbered)
        self._blank = re.compile(rf"(?m)^[{re.escape(_ends(style.delimiter))}]*+\n")
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

    def parse(self, text: str, line: int, final: bool) -> tuple[Columns, int] | None:
        """The whole records at the beginning of a text, and its characters that they take.

        None where the text holds something that must be looked at cell by cell.
        """
        if '"' in text:
            if (found := self._quoted(text, line, final)) is None:
                return None
            block, used, lines = found
        else:
            used = len(text) if final else text.rfind("\n") + 1
            block = text[:used] if text.endswith("\n", 0, used) else text[:used] + "\n"
            lines = range(line, line + block.count("\n"))
            if self._blank.search(block):
                kept = [w for w in zip(lines, block.split("\n"), strict=False) if not self._blank.match(w[1] + "\n")]
                lines, block = [number for number, _ in kept], "".join(f"{written}\n" for _, written in kept)
            if block.count(self.style.delimiter) != len(lines) * (self.style.cells - 1):
                return None
        if not used or not lines:
            return Columns([], None, {position: np.empty(0) for position in self.numbered}), used
        columns = self._columns(block, lines)
        return None if columns is None else (columns, used)

    def _quoted(self, text: str, line: int, final: bool) -> tuple[str, int, Sequence[int]] | None:
        """A block with quotation marks, its characters, and the lines of its rows; None unless they are all simple."""
        if final and not text.endswith("\n"):
            text += "\n"
        data = text.encode()
        codes = np.frombuffer(data, np.uint8)
        quotes, newlines = np.flatnonzero(codes == _QUOTE), np.flatnonzero(codes == _NEWLINE)
        outside = np.searchsorted(quotes, newlines) % 2 == 0
        if not outside.any() or (final and not outside[-1]):
            return None
        last = int(newlines[outside][-1]) + 1
        quotes = quotes[quotes < last]
        marks = [ord(self.style.delimiter), _NEWLINE]
        before, after = quotes[0::2] - 1, quotes[1::2] + 1
        if not (np.isin(codes[before[before >= 0]], marks).all() and np.isin(codes[after], marks).all()):
            return None
        block = data[:last].decode()
        if self._blank.search(block):
            return None
        ends = np.flatnonzero(outside[newlines < last])
        delimiters = np.flatnonzero(codes[:last] == marks[0])
        if len(delimiters) != len(ends) * (self.style.cells - 1):
            delimiters = delimiters[np.searchsorted(quotes, delimiters) % 2 == 0]
            if len(delimiters) != len(ends) * (self.style.cells - 1):
                return None
        lines = range(line, line + len(ends))
        if len(ends) < int(np.count_nonzero(newlines < last)):
            return block, len(block), (line + np.concatenate(([0], ends[:-1] + 1))).tolist()
        return block, len(block), lines

    def _columns(self, block: str, lines: Sequence[int]) -> Columns | None:
        """The columns of a block whose rows all have the right number of cells."""
        data = block.encode()
        frame = self._frame(data, [*self.numbered, *self.text], self.text | self.doubtful)
        if frame is None or frame.height != len(lines):
            return None
        values: dict[int, Array | None] = {}
        doubtful = []
        for position in self.numbered:
            if position in self.doubtful:
                values[position] = self._careful(frame[str(position)])
                continue
            column = frame[str(position)].to_numpy()
            if np.isfinite(column).all():
                values[position] = column
            else:  # a cell was missing, or none that polars takes for a number, or a word that it does
                doubtful.append(position)
        if doubtful:
            self.doubtful.update(doubtful)
            texts = self._frame(data, doubtful, self.doubtful)
            if texts is None or texts.height != len(lines):
                return None
            values |= {position: self._careful(texts[str(position)]) for position in doubtful}
        needed = self.doubtful & {position for position, found in values.items() if found is None}
        if needed - set(map(int, (name for name in frame.columns if frame[name].dtype.is_(_string())))):
            frame = frame.with_columns(texts[str(position)] for position in doubtful)
        return Columns(lines, frame, values)

    def _frame(self, data: bytes, positions: Sequence[int], text: Collection[int]) -> Any:
        """A data frame of these columns by position, as text or float64; None where polars refuses."""
        import polars as pl

        schema = {str(i): pl.String if i in text else pl.Float64 for i in range(self.style.cells)}
        try:
            return pl.read_csv(
                data,
                has_header=False,
                schema=schema,
                columns=sorted(map(str, set(positions)), key=int),
                separator=self.style.delimiter,
                quote_char='"' if b'"' in data else None,
                ignore_errors=True,
            )
        except pl.exceptions.PolarsError:
            return None

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
        values = cells.cast(pl.Float64, strict=False).to_numpy().copy()
        values[missing.to_numpy()] = np.nan
        return values


def _ends(delimiter: str) -> str:
    """What a line consists of in which nothing is said."""
    return "".join(c for c in BLANKS if c != "\n") + delimiter + '"'


def _grammar(decimal: str, thousands: str | None) -> str:
    """A number with these signs, as ``cells.number`` has it."""
    if decimal == "." and thousands is None:
        return GRAMMAR
    point, whole = re.escape(decimal), "[0-9]+"
    if thousands is not None:
        between = f"[{SPACES}]" if thousands == " " else "['\u2019]" if thousands == "'" else re.escape(thousands)
        whole = f"(?:[0-9]{{1,3}}(?:{between}[0-9]{{3}})+|[0-9]+)"
    return f"[-+]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][-+]?[0-9]+)?"


def _string() -> Any:
    import polars as pl

    return pl.String
