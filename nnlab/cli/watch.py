"""Watch: a run that is training, seen from another process until it ends, without touching it."""

import math
import sys
import time
from typing import TYPE_CHECKING

from nnlab import rundir
from nnlab.cli import curves, screen
from nnlab.errors import RunError
from nnlab.present import terminal
from nnlab.rundir.evaluations import Growing
from nnlab.rundir.summary import RUNNING
from nnlab.signals import undisturbed

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

    from nnlab.present.charts import Columns

RECENT = 20
"""Evaluations whose pace tells how long the rest will take."""
GLANCE = 0.2
"""Seconds within which a terminal that got another size is drawn anew."""
BAR = 20


class Sight:
    """What there is to see of a run, looked at again and again; no more is read than is new."""

    def __init__(self, run: rundir.RunDir, summary: rundir.Summary) -> None:
        self.run, self.summary = run, summary
        self.rows = Growing(run.metrics.path, run.metrics.limit)
        self.columns: Columns = {}
        self.trouble = ""
        """Of a file that could not be read just now: what is shown of it is older."""

    def look(self) -> None:
        """See what is there now. Raises RunError for a run that was deleted, or was damaged and is not going."""
        troubles = []
        try:
            self.summary = self.run.summary()
        except RunError as error:
            if not self.run.json.there() and not self.run.going():
                raise RunError(f"{self.run.path}: this run was deleted while it was watched") from None
            if not self.run.going():
                raise
            troubles.append(error.message)
        try:
            self.columns = self.rows.read()
        except RunError as error:
            troubles.append(error.message)
        self.trouble = "; ".join(troubles)


def watch(run: rundir.RunDir, summary: rundir.Summary, every: float, *, drawing: bool, results: bool) -> None:
    """Show a run until it is no longer running; ``summary`` is its run.json, and ``every`` the seconds between looks.

    On a terminal the whole screen is taken, with curves if ``drawing``, and given back as it was. Elsewhere each
    evaluation is a line: on stdout where these are the ``results``, else on stderr. Raises RunError where the run is
    deleted.
    """
    out = screen.out()
    animated = results and out.is_terminal and not out.is_dumb_terminal
    sight = Sight(run, summary)
    display = Screen(sight, _planned(run, summary), drawing) if animated else Log(sight, results)
    try:
        sight.look()
        while sight.summary.status == RUNNING:
            display.show()
            display.wait(every)
            sight.look()
        display.show()
    finally:
        display.close()


def _planned(run: rundir.RunDir, summary: rundir.Summary) -> int | None:
    """How many steps the run is to have, if that can be told."""
    from nnlab.experiment.plan import planned_steps

    rows = summary.dataset.train
    return planned_steps(run, rows) if rows else None


class Log:
    """Where there is no terminal: a line for each evaluation, from the newest one on."""

    def __init__(self, sight: Sight, results: bool) -> None:
        self.sight, self.results = sight, results
        self.shown: int | None = None
        self.trouble = ""

    def show(self) -> None:
        """Write the lines that are new."""
        sight = self.sight
        rows = len(sight.columns.get("step", ()))
        first = max(0, rows - 1) if self.shown is None else self.shown
        for number in range(first, rows):
            self._write(curves.row(sight.columns, number))
        self.shown = rows  # fewer than before where a resume has cut some off
        if sight.trouble != self.trouble:
            self.trouble = sight.trouble
            screen.note(f"warning: {sight.trouble}" if sight.trouble else "the files can be read again")

    def _write(self, text: str) -> None:
        if self.results:
            screen.line(text)
            sys.stdout.flush()
        else:
            screen.note(text)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        """Nothing to take down."""


class Screen:
    """On a terminal: all of it, in the alternate screen, so that what was there before comes back."""

    def __init__(self, sight: Sight, planned: int | None, drawing: bool) -> None:
        from rich.live import Live

        self.sight, self.planned, self.drawing = sight, planned, drawing
        self.out = screen.out()
        self.live = Live(
            console=self.out, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self.size = self.out.size
        self.live.start()

    def show(self) -> None:
        """Draw it over what is there; a signal waits for the end of that, which is neither to be left half done."""
        self.size = self.out.size
        with undisturbed():
            self.live.update(self._frame(), refresh=True)

    def wait(self, seconds: float) -> None:
        """Wait, and draw anew when the terminal gets another size."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, GLANCE))
            if self.out.size != self.size:
                self.show()

    def close(self) -> None:
        self.live.stop()

    def _frame(self) -> "Group":
        """A few lines of numbers, and under them as many curves as there is room for."""
        from rich.console import Group
        from rich.text import Text

        sight = self.sight
        texts = [sight.run.name, curves.scores(sight.columns), sight.trouble]
        lines = [Text(terminal.clean(text), no_wrap=True, overflow="ellipsis") for text in texts if text]
        head: list[RenderableType] = [lines[0], _progress(sight, self.planned), *lines[1:]]
        wide, high = self.size
        picture = None
        if self.drawing:
            picture = curves.of_run(sight.columns, wide, high - len(head) - 1)
        return Group(*head, Text(), picture) if picture else Group(*head)


def _progress(sight: Sight, planned: int | None) -> "Table":
    """A bar with the step, of how many, the time so far and the time that is left."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    step, seconds = newest_step(sight), _finite(sight.columns, "seconds")[-1:]
    planned = planned if planned and step <= planned else None  # a config that was edited since says nothing
    parts = [f"step {step:,}" + (f" of {planned:,}" if planned else ""), *map(screen.duration, seconds)]
    if planned and step >= planned:
        parts.append("finishing")
    elif planned and (left := seconds_left(sight.columns, planned)) is not None:
        parts.append(f"{screen.duration(left)} left")
    grid = Table.grid(padding=(0, 2, 0, 0))
    bar = [ProgressBar(total=planned, completed=min(step, planned), width=BAR)] if planned else []
    grid.add_row(*bar, Text("  ".join(parts), no_wrap=True, overflow="ellipsis"))
    return grid


def newest_step(sight: Sight) -> int:
    """The newest step that is known of: run.json falls behind metrics.csv, and at the end it is the other way round."""
    return int(max([float(sight.summary.steps or 0), *_finite(sight.columns, "step")[-1:]]))


def seconds_left(columns: "Columns", planned: int) -> float | None:
    """How long the rest will take at the pace of the latest evaluations; None where there is no telling."""
    steps, seconds = _finite(columns, "step"), _finite(columns, "seconds")
    if not steps or len(steps) != len(seconds):
        return None
    first = (steps[-RECENT], seconds[-RECENT]) if len(steps) >= RECENT else (0.0, 0.0)
    gone, spent = steps[-1] - first[0], seconds[-1] - first[1]
    return max(0.0, planned - steps[-1]) * spent / gone if gone > 0 and spent >= 0 else None


def _finite(columns: "Columns", name: str) -> list[float]:
    """The latest values of a column, those that are numbers; a damaged file may hold others."""
    return [value for value in columns.get(name, ())[-RECENT:] if math.isfinite(value)]
