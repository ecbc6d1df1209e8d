"""Records: the plain way from text to rows of cells, which the fast one is tested against."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from nnlab.dataset import Array
from nnlab.errors import DataError
from nnlab.tables.cells import BLANKS


@dataclass
class Records:
    """Rows of cells as they are written, without quotation marks, and where each begins."""

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """The line of each row, counted from 1 for the first of the file."""
    used: int = 0
    """Characters of the text that these rows and what was passed over take."""
    starts: list[int] = field(default_factory=list)
    """The end of each row, in characters."""


@dataclass(frozen=True)
class Columns:
    """Some rows, as columns by their position in the file."""

    lines: Sequence[int]
    """Of each row, counted from 1 for the first of the file."""
    numbers: Callable[[int], Array | None]
    """A column as (n,) float64, NaN where a cell is missing; None where one is text."""
    texts: Callable[[int], list[str]]
    """The cells of a column as they are written."""
    cells: Sequence[list[str]] = ()
    """Those of each row, where they were read one by one."""


def records(
    path: Path, text: str, line: int, delimiter: str, comment: str | None, *, final: bool, most: int | None = None
) -> Records:
    """The whole records of a text that begins on this line of its file; blank ones and comments are passed over.

    ``final`` says that nothing follows, so that what has no line end is whole too. At most ``most`` of them. Raises
    DataError where quotation marks do not fit.
    """
    if '"' in text or most is not None:
        return _quoted(path, text, line, delimiter, comment, final, most)
    found = Records(used=len(text) if final else text.rfind("\n") + 1)
    blanks = BLANKS if delimiter == "whitespace" else BLANKS + delimiter
    for number, written in enumerate(text[: found.used].split("\n"), line):
        if written.strip(blanks) and not (comment and written.startswith(comment)):
            found.rows.append(written.split() if delimiter == "whitespace" else written.split(delimiter))
            found.lines.append(number)
    return found


def _quoted(
    path: Path, text: str, line: int, delimiter: str, comment: str | None, final: bool, most: int | None
) -> Records:
    found, at, counted = Records(), 0, 0
    cell = _cell(delimiter)
    while at < len(text) and (most is None or len(found.rows) < most):
        line += text.count("\n", counted, at)
        counted = at
        if comment and text.startswith(comment, at):
            end = text.find("\n", at)
            if end < 0 and not final:
                break
            at = found.used = len(text) if end < 0 else end + 1
            continue
        row: list[str] = []
        ended, last = False, ""
        while not ended:
            match = cell.match(text, at)
            assert match is not None  # noqa: S101 (an empty cell always matches)
            inside, bare = match["inside"], match["bare"]
            if bare is not None and bare.lstrip(BLANKS).startswith('"'):
                if not final and not _CLOSED.match(text, at):
                    return found
                raise _misquoted(path, text, at, line + text.count("\n", counted, at))
            row.append(bare if inside is None else inside.replace('""', '"'))
            at, ended, last = match.end(), match["end"] is not None, match["end"] or ""
        if not final and not last.endswith("\n"):
            break
        found.used = at
        if any(c.strip(BLANKS) for c in row):
            found.rows.append(row)
            found.lines.append(line)
            found.starts.append(at)
    return found


_CLOSED = re.compile(rf'[{BLANKS}]*+"(?:[^"]++|"")*+"(?!\Z)')


@cache
def _cell(delimiter: str) -> re.Pattern[str]:
    """One cell with what ends it: ``inside`` where it is quoted, ``bare`` where not, ``end`` at the record's end."""
    if delimiter == "whitespace":
        blanks = "".join(c for c in BLANKS if c != "\n")
        bare, between, end, before = f"[^{BLANKS}]*+", f"[{blanks}]++", rf"[{blanks}]*+(?:\n|\Z)", f"[{blanks}]*+"
        after = f"(?=[{BLANKS}]|\\Z)"
    else:
        blanks = "".join(c for c in BLANKS if c not in ("\n", delimiter))
        sign = re.escape(delimiter)
        bare, between, end, before = rf"[^{sign}\n]*+", sign, r"\n|\Z", f"[{blanks}]*+"
        after = f"[{blanks}]*+(?={sign}|\\n|\\Z)"
    quoted = f'{before}"(?P<inside>(?:[^"]++|"")*+)"{after}'
    lead = before if delimiter == "whitespace" else ""
    return re.compile(f"(?:{quoted}|{lead}(?P<bare>{bare}))(?:(?P<end>{end})|{between})")


def _misquoted(path: Path, text: str, at: int, line: int) -> DataError:
    closed = re.compile(rf'[{BLANKS}]*+"(?:[^"]++|"")*+"').match(text, at)
    what = "text follows a closing quotation mark" if closed else "a quotation mark is never closed"
    return DataError(
        f"{str(path)!r} line {line} is no CSV: {what}", 'check its quotation marks; one inside of a cell is doubled: ""'
    )
