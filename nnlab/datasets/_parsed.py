"""Parsed tables: a large file is read once, and from the data cache from then on."""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nnlab import cache
from nnlab.datasets import _files
from nnlab.errors import DataError
from nnlab.tables import Table, keep, reading
from nnlab.tables.keys import Style

LARGE = 8 << 20
"""Bytes of a file from which the cache is quicker than the file."""
MOST = 4
"""Tables that are kept; the one that was not used for longest goes."""
FOLDER = "tables"
KEEPING = "keeping a table"
"""The name of the thread that does it."""


def read(path: Path, style: Style, columns: Sequence[str], text: Sequence[str]) -> Table:
    """These columns of a file, those in ``text`` as they are written. Raises DataError as ``reading.read`` does."""

    def must_fit(needed: int) -> None:
        _files.must_fit(path, needed)

    try:
        before = path.stat()
        must_fit(before.st_size)
        if before.st_size < LARGE:
            return reading.read(path, style, columns, text, must_fit)
        if cache.entries(FOLDER, f"{before.st_size}-"):  # else a hash of the whole file would tell nothing
            name = f"{FOLDER}/{before.st_size}-{keep.key(path, style, columns, text)}"
            if (table := _kept(path, style, name)) is not None:
                return table
        table = reading.read(path, style, columns, text, must_fit)
        # Beside whatever comes next: hashing and writing take as long as all else that is done to the table.
        given = (table, path, style, tuple(columns), tuple(text), before)
        threading.Thread(target=_keep, args=given, name=KEEPING).start()
        return table
    except (OSError, MemoryError) as error:
        raise DataError(f"{str(path)!r} cannot be read: {error or 'too large'}", "give a file that can be") from error


def _kept(path: Path, style: Style, name: str) -> Table | None:
    """The table in the cache; None where there is none, or a damaged one."""
    arrays = cache.kept(name, keep.ARRAYS)
    if arrays is None:
        return None
    with suppress(ValueError):  # of another version, or damaged on purpose: it is read anew
        return keep.unpack(path, style, dict(zip(keep.ARRAYS, arrays, strict=True)))
    return None


def _keep(
    table: Table, path: Path, style: Style, columns: Sequence[str], text: Sequence[str], before: os.stat_result
) -> None:
    """Put a table into the cache; one that cannot be written costs the time again.

    ``before`` is the file as it was before it was read: of one that has changed since, nobody knows which it is.
    """
    with suppress(DataError, OSError, MemoryError):
        key, after = keep.key(path, style, columns, text), path.stat()
        if (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino):
            cache.store_arrays(f"{FOLDER}/{before.st_size}-{key}", keep.pack(table))
            cache.prune(FOLDER, MOST)
