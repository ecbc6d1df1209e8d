"""The screen: results on stdout, everything else on stderr, and nothing from a file that could steer the terminal."""

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TextIO

from nnlab.errors import complaint

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# Wide enough that nothing is cut off where the output goes to a file or another program.
PIPE_WIDTH = 2000
FOLD_AT = 24
_ARGUMENT = re.compile("`(allow_inexact|data|epochs|jobs|name|runs_dir|seeds|sort|test)`")
MOST_CHARACTERS = 1000
"""Of a cell: a damaged file may hold any text, and laying out a long one takes minutes."""


def clean(value: object) -> str:
    """Text without control characters: an escape sequence from a file is shown, not obeyed."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in str(value)
    )


@cache
def out() -> "Console":
    """Where results go."""
    return _console(stderr=False)


@cache
def err() -> "Console":
    """Where progress and messages go."""
    return _console(stderr=True)


def _console(stderr: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=False, width=width)


def note(text: str) -> None:
    """A message for the user, on stderr; one that nobody can read any more stops no work."""
    try:
        sys.stderr.write(clean(text) + "\n")
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def can_write(text: str) -> bool:
    """Whether stdout has every character of ``text``."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def silence(stream: TextIO) -> None:
    """From here on nothing is written, and what is left unwritten makes Python complain of nothing as it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def complain(error: BaseException) -> None:
    """What ``errors.complaint`` says of an error, on stderr."""
    for text in complaint(error):
        note(with_flags(text))


def with_flags(text: str) -> str:
    """A message of the library's, which names arguments, as it is read on the command line: "`epochs`" is --epochs."""
    return _ARGUMENT.sub(lambda found: f"--{found[1].replace('_', '-')}", text)


def line(text: str) -> None:
    """A line of the result, on stdout."""
    write(clean(text) + "\n")


def write(text: str) -> None:
    """Text on stdout as it stands: it has been made for another program."""
    sys.stdout.write(text)


def print_json(content: Any) -> None:
    """Exactly one JSON document on stdout. It has no word for nan and infinity: they become null."""
    from nnlab.rundir import finite

    sys.stdout.write(json.dumps(finite(content), indent=2, allow_nan=False) + "\n")


class Listing(NamedTuple):
    """What a table shows; columns in ``left`` are text, the others numbers, and rows in ``faint`` stand back."""

    columns: Sequence[str]
    rows: Iterable[Sequence[object]]
    title: str = ""
    left: Iterable[int] = (0,)
    faint: Iterable[int] = ()


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: str = "",
    left: Iterable[int] = (0,),
    faint: Iterable[int] = (),
) -> None:
    """A table on stdout, its title above it and an empty line below."""
    if title:
        line(title)
    laid_out = table(Listing(columns, rows, title, left, faint))
    # A table that cannot be narrower than the terminal is left for the terminal to break.
    needed = sum(column.min_width or 0 for column in laid_out.columns) + 3 * (len(columns) - 1)
    out().print(laid_out, width=max(needed, out().width), crop=False, soft_wrap=False)
    line("")


def table(listing: Listing) -> "Table":
    """A table without its title, to be printed with other things."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    columns, rows, left = listing.columns, listing.rows, set(listing.left)
    cells = [[_cell(cell) for cell in row] for row in rows]
    names = [_cell(name) for name in columns]
    laid_out = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for number, (name, least) in enumerate(zip(names, _least_widths(names, cells, left), strict=True)):
        justify: Literal["left", "right"] = "left" if number in left else "right"
        laid_out.add_column(Text(name), justify=justify, overflow="fold", min_width=least)
    faint = set(listing.faint)
    for number, row in enumerate(cells):
        laid_out.add_row(*map(Text, row), style="dim" if number in faint else None)
    return laid_out


def _cell(content: object) -> str:
    """A cell is one line: a name with more of them could pass for rows of its own."""
    return clean(str(content)[:MOST_CHARACTERS]).replace("\n", "\\n")


def _least_widths(names: Sequence[str], cells: Sequence[Sequence[str]], left: set[int]) -> list[int]:
    """How narrow each column may be: only long texts are broken over lines, never a run's name or a number."""
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    return [min(width, FOLD_AT) if number in left and number else width for number, width in enumerate(widths)]


def duration(seconds: float) -> str:
    """Seconds in words that fit a column."""
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
