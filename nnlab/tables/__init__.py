"""Tables: files with one example a line, read exactly, whoever wrote them and however.

``sniff.find_style`` finds out how a file is written, ``reading.read`` gives its columns as numbers and text,
``reading.stream`` the same a part at a time. A cell is read in one way only, ``cells.number``: the fast way is taken
for what it reads alike.
"""

from nnlab.tables.columns import Table
from nnlab.tables.keys import Keys

__all__ = ["Keys", "Table"]
