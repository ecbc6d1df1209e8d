"""Download bars: how far a dataset is fetched, on stderr."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from nnlab.cli import screen
from nnlab.present import terminal

if TYPE_CHECKING:
    from rich.progress import Progress as Bars


class Fetching:
    """A Progress that draws a bar for each file on a terminal, and elsewhere writes a line for each.

    It takes the bars down at the end of its block, or when ``close`` is called because something else will be drawn.
    """

    def __init__(self, silent: bool = False) -> None:
        self.silent = silent
        self.files: dict[str, Any] = {}
        self.bars: Bars | None = None

    def __enter__(self) -> Self:
        return self

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if self.silent:
            return
        if sys.stderr.isatty():
            self._draw(what, done, total)
        elif what not in self.files:
            self.files[what] = None
            screen.note(f"fetching {what}" + (f" ({total / 2**20:.1f} MiB)" if total else ""))

    def _draw(self, what: str, done: int, total: int | None) -> None:
        if self.bars is None:  # a run on cached data draws nothing
            self.bars = _bars()
            self.bars.start()
        if what not in self.files:
            self.files[what] = self.bars.add_task(terminal.clean(what), total=total)
        self.bars.update(self.files[what], completed=done, total=total)

    def close(self) -> None:
        """Take the bars down."""
        if self.bars is not None:
            self.bars.stop()
            self.bars = None
            self.files.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _bars() -> "Bars":
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("fetching {task.description}"),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    return Bars(*columns, console=screen.err(), transient=True)
