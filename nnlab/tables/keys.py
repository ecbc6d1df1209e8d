"""Keys: how the user says that a table is written, and the Style that was found in the file."""

from dataclasses import dataclass
from typing import Literal

from nnlab.tables.cells import stripped

MISSING = (
    "",
    *("NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>"),
    *("NaN", "nan", "NAN", "-nan", "-NaN", "NaT"),
    *("NULL", "null", "Null", "None", "none", "NONE", "\\N"),
    *("missing", "Missing", "MISSING", "?", "-", "--", "."),
    *("n.a.", "N.A.", "n.a", "#N/A N/A", "nil", "Nil", "NIL", "n/d", "N/D", "n.d."),
    *("1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN", "-NAN"),
    *("#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!"),
)
"""What a cell says that says nothing, each as tools and people write it."""

THOUSANDS = (",", ".", "'", " ", "_")


@dataclass(frozen=True)
class Keys:
    """How a table is written; every default means that it is found out. Raises ValueError for what cannot be."""

    header: Literal["auto"] | bool = "auto"
    delimiter: str = "auto"
    """auto, whitespace, tab or one character."""
    decimal: str = "."
    """A point or a comma."""
    thousands: str | None = None
    """What stands between groups of three digits: one of , . ' _ or a space; None: nothing does."""
    encoding: str = "auto"
    """auto: UTF-8, or UTF-16 and UTF-32 by their marks; else the name of a codec."""
    comment: str | None = None
    """What a line begins with that is no data; None: only lines with # before the table are passed over."""
    missing_words: tuple[str, ...] = MISSING

    def __post_init__(self) -> None:
        if self.delimiter not in ("auto", "whitespace", "tab") and (
            len(self.delimiter) != 1 or self.delimiter in '"\r\n\0'
        ):
            raise ValueError("delimiter: auto, whitespace, tab or one character")
        if self.decimal not in (".", ","):
            raise ValueError("decimal: a point or a comma")
        if self.thousands is not None and (self.thousands not in THOUSANDS or self.thousands == self.decimal):
            raise ValueError("thousands: one of , . ' _ and a space, and not the decimal sign")
        if self.comment is not None and (not self.comment or not self.comment.isprintable() or '"' in self.comment):
            raise ValueError("comment: what such lines begin with")

    @property
    def words(self) -> tuple[str, ...]:
        """The words for a missing cell, as cells are compared with them."""
        return tuple(stripped(word) for word in self.missing_words)


AUTO = Keys()
"""Everything found out."""


@dataclass(frozen=True)
class Style:
    """How a file is written, and its columns: enough to read it without guessing; by default no text at all."""

    names: tuple[str, ...]
    """Of all columns that count."""
    missing_words: tuple[str, ...]
    header: bool = True
    delimiter: str = ""
    """whitespace, or one character; empty where columns have types, as in a parquet file."""
    decimal: str = "."
    thousands: str | None = None
    encoding: str = "utf-8"
    comment: str | None = None
    compression: str = ""
    """gzip, or empty."""
    left_out: int = 0
    """Columns before the first that counts: 1 where the file numbers its rows without saying so, else 0."""
    start: int = 0
    """Where the rows begin, in characters of the decoded file with line ends of one character."""
    line: int = 1
    """The line that stands there, counted from 1."""
    notes: tuple[str, ...] = ()
    """What was found out and is worth saying."""

    @property
    def cells(self) -> int:
        """Cells in each line."""
        return self.left_out + len(self.names)
