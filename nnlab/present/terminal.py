"""Terminal: text that cannot steer it, and tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

    from nnlab.present.values import Listing

FOLD_AT = 24
MOST_CHARACTERS = 1000
"""Of a cell: a damaged file may hold any text, and laying out a long one takes minutes."""


def clean(value: object, kept: str = "\n") -> str:
    """Text without control characters but those ``kept``: an escape sequence from a file is shown, not obeyed."""
    return "".join(
        char if char.isprintable() or char in kept else char.encode("unicode_escape").decode() for char in str(value)
    )


def laid_out(table: "Listing") -> "Table":
    """A table without its title and its notes, to be printed alone or with other things."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    cells, names = [[_cell(cell) for cell in row] for row in table.rows], [_cell(name) for name in table.columns]
    found = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for number, name in enumerate(names):
        text = number in table.left
        longest = max(map(len, [name, *(row[number] for row in cells)]))
        # Only long texts are broken over lines, never a run's name or a number.
        least = min(longest, FOLD_AT) if text and number else longest
        justify: Literal["left", "right"] = "left" if text else "right"
        found.add_column(Text(name), justify=justify, overflow="fold", min_width=least)
    for number, row in enumerate(cells):
        found.add_row(*map(Text, row), style="dim" if number in table.faint else None)
    return found


def stacked(tables: "Sequence[Listing]") -> "Group":
    """Tables with their titles, one below the other."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for table in tables:
        parts += [*[Text(clean(table.title))] * bool(table.title), laid_out(table), Text()]
    return Group(*parts)


def beside(*parts: "RenderableType", gap: int, left: int | None = None) -> "Table":
    """Things in columns side by side, the first of them ``left`` columns wide where that is said."""
    from rich.table import Table

    grid = Table.grid(padding=(0, gap, 0, 0), pad_edge=False)
    if left is not None:
        grid.add_column(width=left)
    grid.add_row(*parts)
    return grid


def _cell(content: object) -> str:
    """A cell is one line: a name with more of them could pass for rows of its own."""
    return clean(str(content)[:MOST_CHARACTERS]).replace("\n", "\\n")
