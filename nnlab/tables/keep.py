"""Keeping a table as read: what it is named by, and its arrays."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from nnlab.dataset import Array
from nnlab.errors import DataError
from nnlab.tables.columns import Table, Text
from nnlab.tables.keys import Style

VERSION = 1
"""Of what is kept, and of how cells are read: a table that another version kept is read anew."""
ARRAYS = ("values", "codes", "lines", "words")
"""What a kept table consists of."""


def key(path: Path, style: Style, columns: Sequence[str] | None = None, text: Collection[str] = ()) -> str:
    """SHA-256, in hexadecimal, over the file, how it is read and the version of the reader.

    Raises DataError for a file that cannot be read.
    """
    try:
        with path.open("rb") as file:
            total = hashlib.file_digest(file, "sha256")
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror}", "give a file that can be") from error
    wanted = list(style.names if columns is None else columns)
    asked = [VERSION, path.suffix.lower() == ".parquet", asdict(style), wanted, sorted(set(text) & set(wanted))]
    total.update(json.dumps(asked, sort_keys=True).encode())
    return total.hexdigest()


def pack(table: Table) -> dict[str, Array]:
    """A table as arrays, those of ARRAYS."""
    lines = table.lines
    words = {
        "rows": table.rows,
        "numbered": table.numbered,
        "text": {name: {"cells": text.cells, "declared": text.declared} for name, text in table.text.items()},
        "first": lines.start if isinstance(lines, range) else None,
        "unit": table.unit,
    }
    codes = [text.codes for text in table.text.values()]
    return {
        "values": table.values,
        "codes": np.array(codes, np.int32).reshape(len(codes), table.rows),
        "lines": np.empty(0, np.int64) if isinstance(lines, range) else np.array(lines, np.int64),
        "words": np.frombuffer(json.dumps(words).encode(), np.uint8),
    }


def unpack(path: Path, style: Style, arrays: dict[str, Array], again: Table | None = None) -> Table:
    """The table that ``pack`` made these arrays of. Raises ValueError where they are none."""
    try:
        words = json.loads(arrays["words"].tobytes())
        rows, numbered, values, codes = int(words["rows"]), words["numbered"], arrays["values"], arrays["codes"]
        if values.shape != (rows, len(numbered)) or codes.shape != (len(words["text"]), rows):
            raise ValueError("shapes that do not fit")
        text = {
            name: Text(column["cells"], codes[i], column["declared"])
            for i, (name, column) in enumerate(words["text"].items())
        }
        first = words["first"]
        lines: Sequence[int] = arrays["lines"].tolist() if first is None else range(first, first + rows)
        return Table(path, style, rows, numbered, values, text, lines, unit=words["unit"])
    except (KeyError, TypeError, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"no table: {error}") from error
