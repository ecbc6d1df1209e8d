"""Download bars: how far a dataset is fetched, on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from nnlab.cli import screen
from nnlab.dataset import Progress, quiet


@contextmanager
def bars(silent: bool = False) -> Iterator[Progress]:
    """A Progress that draws a bar for each file on a terminal, and elsewhere writes a line for each."""
    if silent:
        yield quiet
    elif sys.stderr.isatty():
        yield from _drawn()
    else:
        yield _Lines()


class _Lines:
    def __init__(self) -> None:
        self.said: set[str] = set()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if what not in self.said:
            self.said.add(what)
            screen.note(f"fetching {what}" + (f" ({total / 2**20:.1f} MiB)" if total else ""))


def _drawn() -> Iterator[Progress]:
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("fetching {task.description}"),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    drawn = Bars(*columns, console=screen.err(), transient=True)
    tasks = {}
    started = False

    def show(what: str, done: int, total: int | None) -> None:
        nonlocal started
        if not started:  # a run on cached data draws nothing
            drawn.start()
            started = True
        if what not in tasks:
            tasks[what] = drawn.add_task(screen.clean(what), total=total)
        drawn.update(tasks[what], completed=done, total=total)

    try:
        yield show
    finally:
        if started:
            drawn.stop()
