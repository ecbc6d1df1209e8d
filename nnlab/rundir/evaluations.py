"""Evaluations: the rows of metrics.csv, written so that they read back as the same bits, and followed as they come."""

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

from nnlab.errors import RunError
from nnlab.rundir import storage

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


class Growing:
    """The columns of a metrics.csv that is being written, of which only what is new is read."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path, self.limit = path, limit
        self.columns: dict[str, list[float]] = {}
        self._begin(0)

    def _begin(self, number: int) -> None:
        """Forget what was read: another file is there now."""
        self.columns, self._header, self._length, self._number = {}, b"", 0, number

    def read(self) -> dict[str, list[float]]:
        """The columns now; the rows that were read before are not read again, and a last line cut short waits.

        A file that was replaced, or has become shorter, as by a resume, is read from its start. Raises RunError for a
        missing or damaged one, and reads it from its start the next time.
        """
        with storage.opened(self.path, self.limit) as file:
            found = os.fstat(file.fileno())
            if found.st_ino != self._number or found.st_size < self._length:
                self._begin(found.st_ino)
            if found.st_size > self._length:
                file.seek(self._length)
                self._add(file.read(self.limit - self._length))
        return self.columns

    def _add(self, content: bytes) -> None:
        """Take in whole lines, the header first."""
        whole = content[: content.rfind(b"\n") + 1]
        if not whole:
            return
        try:
            columns = load(self._header + whole)
        except ValueError as error:
            first = not self._length
            self._begin(0)
            where = str(error) if first else " a new row does not fit the table"
            raise RunError(f"{self.path}:{where}", "the file is damaged") from None
        for name, values in columns.items():
            self.columns.setdefault(name, []).extend(values)
        self._header = self._header or whole[: whole.index(b"\n") + 1]
        self._length += len(whole)
