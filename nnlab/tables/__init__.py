"""Tables: files with one example a line, read exactly, whoever wrote them and however.

``find_style`` finds out how a file is written, ``read`` gives its columns as numbers and text, ``stream`` the same a
part at a time. A cell is read in one way only, ``cells.number``: the fast way is taken for what it reads alike.
"""

from nnlab.tables.cells import CellError, boolean, number, people_number, plain_whole, short, stripped
from nnlab.tables.frame import Frame, is_frame
from nnlab.tables.keep import ARRAYS, key, pack, unpack
from nnlab.tables.keys import AUTO, MISSING, THOUSANDS, Keys, Style
from nnlab.tables.reading import read, stream, written
from nnlab.tables.sniff import find_style
from nnlab.tables.source import is_unicode
from nnlab.tables.table import Kind, Table, Text

SUFFIXES = (".csv", ".tsv", ".txt", ".data", ".csv.gz", ".tsv.gz", ".txt.gz", ".data.gz", ".parquet")
"""The files that hold tables."""

__all__ = [
    "ARRAYS",
    "AUTO",
    "MISSING",
    "SUFFIXES",
    "THOUSANDS",
    "CellError",
    "Frame",
    "Keys",
    "Kind",
    "Style",
    "Table",
    "Text",
    "boolean",
    "find_style",
    "is_frame",
    "is_unicode",
    "key",
    "number",
    "pack",
    "people_number",
    "plain_whole",
    "read",
    "short",
    "stream",
    "stripped",
    "unpack",
    "written",
]
