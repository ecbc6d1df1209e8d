"""The screen: results on stdout, everything else on stderr, and nothing from a file that could steer the terminal."""

import json
import os
import re
import sys
import traceback
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, TextIO

from nnlab.errors import complaint
from nnlab.present import terminal
from nnlab.present.terminal import clean
from nnlab.present.values import Listing

if TYPE_CHECKING:
    from rich.console import Console

# Wide enough that nothing is cut off where the output goes to a file or another program.
PIPE_WIDTH = 2000
_ARGUMENT = re.compile("`(allow_inexact|data|epochs|jobs|name|plugins|runs_dir|seeds|sort|test|traceback)`")
_tracebacks = False


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


def warn(warnings: Iterable[str]) -> None:
    """What the user should know of the result, on stderr."""
    for warning in warnings:
        note(f"warning: {warning}")


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


def show_tracebacks(wanted: bool) -> None:
    """Whether ``complain`` is to show tracebacks."""
    global _tracebacks
    _tracebacks = _tracebacks or wanted


def complain(error: BaseException) -> None:
    """What ``errors.complaint`` says of an error, on stderr; before it the traceback, where that was asked for."""
    if _tracebacks:
        note("".join(traceback.format_exception(error)).rstrip())
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
    from nnlab.rundir.sealed import finite

    sys.stdout.write(json.dumps(finite(content), indent=2, allow_nan=False) + "\n")


def show(table: Listing) -> None:
    """A table on stdout: its title above it, an empty line below, and what is to be said of it."""
    if table.title:
        line(table.title)
    laid_out = terminal.laid_out(table)
    # A table that cannot be narrower than the terminal is left for the terminal to break.
    needed = sum(column.min_width or 0 for column in laid_out.columns) + 3 * (len(table.columns) - 1)
    out().print(laid_out, width=max(needed, out().width), crop=False, soft_wrap=False)
    line("")
    for text in table.notes:
        line(text)


def count(number: int | None) -> str:
    """How many, or a dash where that is not known."""
    return "-" if number is None else f"{number:,}"


def duration(seconds: float | None) -> str:
    """Seconds in words that fit a column, or a dash where they are not known."""
    if seconds is None:
        return "-"
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
