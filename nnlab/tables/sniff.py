"""Sniffing: how a file is written, judged by all of its head, and what was found said."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nnlab.errors import DataError
from nnlab.tables import parquet, source
from nnlab.tables.cells import BLANKS, boolean, number, people_number, plain_whole, refuse_names, stripped
from nnlab.tables.dates import FORMS, read
from nnlab.tables.keys import AUTO, Keys, Style
from nnlab.tables.records import Records, records

HEAD = 1 << 16
"""Characters of the head; as many as it takes for ten lines where they are longer, up to WIDEST."""
LINES = 200
WIDEST = 1 << 22
DELIMITERS = (",", ";", "\t", "|", "whitespace")
SURE = 5
"""So many names 0, 1, 2 … are a header, fewer might be an example; and so many rows below tell a type."""

_SPOKEN = {"\t": "a tab", " ": "a blank", "whitespace": "white space"}
_Type = Literal["number", "boolean", "date", "text", "missing"]
_Verdict = Literal["names", "names?", "data", "data?"]
"""What a first row holds; with a question mark where it is in doubt."""


@dataclass(frozen=True)
class _Head:
    """The beginning of a file, as text."""

    path: Path
    keys: Keys
    text: str
    whole: bool
    """Whether nothing follows."""

    def records(self, delimiter: str, skipped: int = 0, most: int | None = None) -> Records:
        """Its rows after ``skipped`` lines."""
        at = _after(self.text, skipped)
        found = records(
            self.path,
            self.text[at:],
            skipped + 1,
            delimiter,
            self.keys.comment,
            final=self.whole,
            most=most,
        )
        found.rows, found.lines = found.rows[:LINES], found.lines[:LINES]
        return found


def find_style(path: Path, keys: Keys = AUTO, named: Collection[str] = ()) -> Style:
    """How this file is written: what ``keys`` say, and the rest found out.

    ``named`` are names that the user gives to columns: a first line that holds one of them holds names. Raises
    DataError for a file that is empty or no text, and for names that are empty, unprintable or there twice.
    """
    if path.suffix.lower() == ".parquet":
        return parquet.find_style(path, keys)
    packed = source.compression(path)
    codec = source.encoding(path, packed, keys.encoding)
    head = _head(path, packed, codec, keys)
    notes = [f"read as {codec.upper()} (by its mark)"] if keys.encoding == "auto" and codec != "utf-8" else []
    delimiter, skipped = _delimiter(head, notes)
    rows = [[stripped(cell) for cell in row] for row in head.records(delimiter, skipped).rows]
    if not any(rows):
        raise DataError(f"{str(path)!r} is empty", "one line of column names, then one line an example")
    header = _header(rows, keys, named, notes)
    names, left_out = _names(rows, header, head, delimiter, skipped, notes)
    start = _after(head.text, skipped)
    line = skipped + 1
    if header:
        first = head.records(delimiter, skipped, most=1)
        line += head.text.count("\n", start, start + first.starts[0])
        start += first.starts[0]
    return Style(
        header=header,
        delimiter=delimiter,
        decimal=keys.decimal,
        thousands=keys.thousands,
        encoding=codec,
        comment=keys.comment,
        compression=packed,
        missing_words=keys.words,
        names=names,
        left_out=left_out,
        start=start,
        line=line,
        notes=tuple(notes),
    )


def _head(path: Path, packed: str, codec: str, keys: Keys) -> _Head:
    text = ""
    for piece in source.pieces(path, packed, codec, HEAD):
        text += piece
        if len(text) > source.LONGEST or (len(text) >= HEAD and _enough(text)):
            return _Head(path, keys, text, whole=False)
    return _Head(path, keys, text, whole=True)


def _enough(text: str) -> bool:
    return "\n" in text if len(text) >= WIDEST else text.count("\n") >= 10


def _delimiter(head: _Head, notes: list[str]) -> tuple[str, int]:
    """What stands between two cells, and how many lines stand before the table."""
    given = {"tab": "\t"}.get(head.keys.delimiter, head.keys.delimiter)
    found = _best(head, 0) if given == "auto" else given
    skipped = 0 if head.keys.comment else _remarks(head.text)
    if skipped:
        without = _best(head, skipped) if given == "auto" else given
        if _is_remark(head, found, without, skipped):
            found = without
            notes.append(f"the first {'line' if skipped == 1 else f'{skipped} lines'} passed over for their #")
        else:
            skipped = 0
    usual = "\t" if ".tsv" in head.path.suffixes else ","
    if given == "auto" and found != usual and len(head.records(found, skipped).rows[0]) > 1:
        notes.append(f"between cells stands {_spoken(found)} (found; dataset.delimiter says it)")
    return found, skipped


def _best(head: _Head, skipped: int) -> str:
    """The delimiter under which the head is most of a table: equal lines of cells that mean something."""
    usual = "\t" if ".tsv" in head.path.suffixes else ","
    scores: dict[str, tuple[float, ...]] = {}
    for delimiter in sorted(DELIMITERS, key=lambda d: d != usual):
        try:
            rows = head.records(delimiter, skipped).rows
        except DataError:  # quotation marks that make no sense with this one
            continue
        widths = Counter(map(len, rows))
        if not rows or (width := widths.most_common(1)[0][0]) <= 1:
            continue
        alike = widths[width] / len(rows)
        if alike < 0.5:
            continue
        cells = [cell for row in rows[:50] for cell in row]
        strange = sum(_strange(cell, delimiter, head.keys) for cell in cells) / len(cells)
        scores[delimiter] = (alike == 1, strange == 0, round(alike - strange, 2), -(delimiter == "whitespace"))
    return max(scores, key=lambda d: scores[d]) if scores else usual


def _strange(cell: str, delimiter: str, keys: Keys) -> bool:
    """Whether a cell looks as if two stood in it, or half a one."""
    if delimiter == "," and keys.decimal == ",":
        return True
    if not any(other in cell for other in ",;\t|" if other != delimiter):
        return False
    cell = cell.strip(BLANKS)
    return number(cell, keys.decimal, keys.thousands) is None and people_number(cell) is None


def _remarks(text: str) -> int:
    """How many lines stand before the first that does not begin with #, blank ones among them."""
    count, marked = 0, False
    for line in text.split("\n"):
        if line.strip(BLANKS) and not line.startswith("#"):
            return count if marked else 0
        count, marked = count + 1, marked or line.startswith("#")
    return 0


def _is_remark(head: _Head, found: str, without: str, skipped: int) -> bool:
    """Whether the lines with # before a table are no part of it."""
    try:
        rows, rest = head.records(found).rows, head.records(without, skipped).rows
    except DataError:
        return True
    if len({len(row) for row in rows}) > 1 or found != without:
        return len({len(row) for row in rest}) == 1 or len(rest[0]) > 1
    return len(rows) - len(rest) > 1 or _judge([[stripped(c) for c in row] for row in rest], head.keys, ()) == "names"


def _header(rows: list[list[str]], keys: Keys, named: Collection[str], notes: list[str]) -> bool:
    if isinstance(keys.header, bool):
        return keys.header
    judged = _judge(rows, keys, named)
    header = judged in ("names", "names?")
    if judged.endswith("?"):
        taken = "column names" if header else "an example"
        notes.append(
            f"in doubt, the first line is taken for {taken}; say so with dataset.header: {str(header).lower()}, "
            f"or else dataset.header: {str(not header).lower()}"
        )
    elif not header:
        notes.append("the first line holds no column names (found; dataset.header says it)")
    return header


def _judge(rows: Sequence[Sequence[str]], keys: Keys, named: Collection[str]) -> _Verdict:
    """What the first row holds, by the types of the cells below it."""
    if not any(rows):
        return "data"
    first, below = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if named and not {stripped(name) for name in named}.isdisjoint(first):
        return "names"
    counted = len(first) > 1 and first[0] == ""  # a column that only counts has no name
    columns = [_Column(first[i], [row[i] for row in below], keys) for i in range(counted, len(first))]
    if any(column.first == "missing" for column in columns):
        return "data"
    if not below:
        return "names" if all(column.first == "text" for column in columns) else "data"
    texts = [column for column in columns if column.below == "text" and column.first == "text"]
    typed = [column for column in columns if column.below not in ("text", "missing")]
    again = any(column.again for column in texts)
    if not typed:
        # Where no cell of a column stands twice, that the first does not says nothing.
        told = len(texts) == len(columns) and any(column.repeats for column in texts)
        return "data" if again else "names" if told else "names?" if texts else "data?"
    if all(column.first == "text" for column in typed):
        return "data?" if again else "names"
    # Rows of a series that goes on count as well: 1,2,3 and 2,3,4.
    return "data" if again or any(_counting(row) for row in below) else _numbered(columns, len(below))


def _numbered(columns: Sequence["_Column"], below: int) -> _Verdict:
    """What a first row holds that has numbers where numbers stand below: names that count are known by their order."""
    numbered = [column for column in columns if column.first == "number"]
    values = [column.name for column in numbered]
    if not _counting(values):
        return "data"
    counts, apart = values[0] in ("0", "1"), below >= SURE and all(column.apart for column in numbered)
    words = any(column.first == "text" for column in columns)
    if counts and (len(values) >= SURE or (words and apart)):
        return "names"
    if apart and (words or len(values) > 2):  # name, 2019, 2020
        return "names?"
    return "data?" if counts else "data"


def _counting(cells: Sequence[str]) -> bool:
    """Whether cells are whole numbers that rise by one."""
    first = plain_whole(cells[0]) if cells else None
    return first is not None and len(cells) > 1 and list(cells) == [str(first + i) for i in range(len(cells))]


class _Column:
    """A column of the head: its first cell, and what stands below."""

    def __init__(self, name: str, cells: Sequence[str], keys: Keys) -> None:
        self.name = name
        self.first = _type(name, keys)
        self.below = _common(cells, keys)
        self.again = name in cells
        self.repeats = len(set(cells)) < len(cells)
        numbers = [n for cell in cells if (n := number(cell, keys.decimal, keys.thousands)) is not None]
        value = number(name) or 0.0
        self.apart = (
            not numbers or not min(numbers) <= value <= max(numbers) or not any(n.is_integer() for n in numbers)
        )
        """Whether its name, as a number, is unlike all that stand below."""


def _common(column: Sequence[str], keys: Keys) -> _Type:
    """What most cells of a column are, missing ones left out."""
    found = Counter(kind for cell in column if (kind := _type(cell, keys)) != "missing")
    return found.most_common(1)[0][0] if found else "missing"


def _type(cell: str, keys: Keys) -> _Type:
    if cell in keys.missing_words:
        return "missing"
    if number(cell, keys.decimal, keys.thousands) is not None or people_number(cell) is not None:
        return "number"
    if boolean(cell) is not None:
        return "boolean"
    return "date" if any(read(cell, form) for form in FORMS) else "text"


def _names(
    rows: Sequence[Sequence[str]],
    header: bool,
    head: _Head,
    delimiter: str,
    skipped: int,
    notes: list[str],
) -> tuple[tuple[str, ...], int]:
    """The names of the columns that count, and how many do not before them."""
    if not header:
        return tuple(f"column {i}" for i in range(len(rows[0]))), 0
    line = head.records(delimiter, skipped, most=1).lines[0]
    names, left_out = list(rows[0]), 0
    if not names[0] and len(names) > 1 and _counts([row[0] for row in rows[1:] if len(row) == len(names)]):
        names, left_out = names[1:], 1
        notes.append("the first column has no name and only numbers the lines: left out")
    otherwise = ", or take the first line for an example with dataset.header: false"
    refuse_names(names, f"{str(head.path)!r} line {line}", 1 + left_out, otherwise)
    return tuple(names), left_out


def _counts(cells: Sequence[str]) -> bool:
    """Whether cells are what tools number rows with: whole numbers, each there once."""
    found = [plain_whole(cell) for cell in cells]
    return None not in found and len(set(found)) == len(found)


def _after(text: str, lines: int) -> int:
    """Where the text goes on after so many lines."""
    at = 0
    for _ in range(lines):
        at = text.find("\n", at) + 1
    return at


def _spoken(delimiter: str) -> str:
    return _SPOKEN.get(delimiter, repr(delimiter))
