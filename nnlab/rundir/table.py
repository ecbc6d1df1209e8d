"""Table: the rows of metrics.csv, written so that they read back as the same bits."""

import io
import re
from collections.abc import Sequence

MAX_COLUMNS = 10
MAX_LINE = 1000
MAX_ROWS = 250_000
"""Evaluations that there is room for."""
_COLUMN = re.compile(rb"[a-z0-9_]{1,40}")


def line(row: Sequence[float]) -> bytes:
    """A row as it is written."""
    return (",".join(str(value) if isinstance(value, int) else repr(float(value)) for value in row) + "\n").encode()


def load(content: bytes) -> dict[str, list[float]]:
    """The columns. A last line cut short, as a killed run may leave it, is left out.

    Raises ValueError, which begins with the number of the line, for what is no such table.
    """
    lines = io.BytesIO(content)
    header = next(lines, b"")
    names = header[:MAX_LINE].removesuffix(b"\n").split(b",")
    fits = len(set(names)) == len(names) <= MAX_COLUMNS and all(map(_COLUMN.fullmatch, names))
    if not header.endswith(b"\n") or not fits:
        raise ValueError("1: this is not a table's header")
    columns: dict[str, list[float]] = {name.decode(): [] for name in names}
    for number, text in enumerate(lines, 2):
        if not text.endswith(b"\n"):
            break
        try:
            values = [float(cell) for cell in text.split(b",")] if len(text) <= MAX_LINE else []
        except ValueError:
            values = []
        if len(values) != len(names) or number > MAX_ROWS + 1:
            raise ValueError(f"{number}: the row does not fit the table")
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
    return columns
