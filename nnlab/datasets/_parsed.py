"""Parsed tables: a large file is read once, and from the data cache from then on."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nnlab import cache, tables
from nnlab.datasets import _files
from nnlab.errors import DataError
from nnlab.tables import Style, Table

LARGE = 8 << 20
"""Bytes of a file from which the cache is quicker than the file."""
MOST = 4
"""Tables that are kept; the one that was not used for longest goes."""


def read(path: Path, style: Style, columns: Sequence[str], text: Sequence[str]) -> Table:
    """These columns of a file, those in ``text`` as they are written. Raises DataError as ``tables.read`` does."""

    def must_fit(needed: int) -> None:
        _files.must_fit(path, needed)

    try:
        size = path.stat().st_size
        must_fit(size)
        if size < LARGE:
            return tables.read(path, style, columns, text, must_fit)
        name = f"tables/{tables.key(path, style, columns, text)}"
        arrays = cache.kept(name, tables.ARRAYS)
        if arrays is not None:
            with suppress(ValueError):  # of another version, or damaged on purpose: it is read anew
                return tables.unpack(path, style, dict(zip(tables.ARRAYS, arrays, strict=True)))
        table = tables.read(path, style, columns, text, must_fit)
        with suppress(DataError):  # a cache that cannot be written costs the time again
            cache.store_arrays(name, tables.pack(table))
            cache.prune("tables", MOST)
        return table
    except (OSError, MemoryError) as error:
        raise DataError(f"{str(path)!r} cannot be read: {error or 'too large'}", "give a file that can be") from error
