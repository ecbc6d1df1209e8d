"""Growing: the columns of a metrics.csv that is being written, of which only what is new is read."""

import os
from pathlib import Path

from nnlab.errors import RunError
from nnlab.rundir import storage, table


class Growing:
    """The columns of one file, up to date after each ``read``."""

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
            columns = table.load(self._header + whole)
        except ValueError as error:
            first = not self._length
            self._begin(0)
            where = str(error) if first else " a new row does not fit the table"
            raise RunError(f"{self.path}:{where}", "the file is damaged") from None
        for name, values in columns.items():
            self.columns.setdefault(name, []).extend(values)
        self._header = self._header or whole[: whole.index(b"\n") + 1]
        self._length += len(whole)
