"""Follow: shows a training while it goes on, and lets a signal stop it between two steps."""

import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

from nnlab.cli import screen
from nnlab.cli.signals import Patience
from nnlab.dataset.task import every_curve, metric_of
from nnlab.errors import Interrupted
from nnlab.metrics import shown

if TYPE_CHECKING:
    from nnlab.cli.download import Fetching
    from nnlab.experiment import Started
    from nnlab.fit import Record


EVENT_SECONDS = 0.2
"""Between two records that are told to another program."""


def follow(events: Any, fetching: "Fetching", quiet: bool = False, show: "type[Display] | None" = None) -> Any:
    """Show the events of a training and return the last one; a signal stops it at the next record.

    ``show`` is what shows them, where it is not to be told from the terminal.
    """
    from nnlab.experiment import Finished, Notice, Started, Working
    from nnlab.fit import Record

    display: Display = Silence()
    with Patience() as patience:
        try:
            for event in events:
                if isinstance(event, Notice):
                    screen.note(f"warning: {event.text}")
                elif isinstance(event, Working):
                    if not quiet:
                        screen.note(event.text)
                elif isinstance(event, Started):
                    patience.begin()
                    fetching.close()
                    path = event.run.path
                    display = (show or _display(quiet))(event)
                elif isinstance(event, Finished):
                    return event
                elif isinstance(event, Record):
                    display.show(event)
                if patience.signal is not None:
                    events.throw(Interrupted(patience.signal))
        except Interrupted:
            display.close()
            if patience.begun:
                screen.note(f"interrupted; go on with it: nnlab resume {path}")
            raise
        finally:
            display.close()
    raise RuntimeError("the training ended without a result")


def _display(quiet: bool) -> "type[Display]":
    return Silence if quiet else Bar if sys.stderr.isatty() else Lines


class Display(Protocol):
    """Something that shows how far a training is."""

    def __init__(self, started: "Started") -> None: ...
    def show(self, record: "Record") -> None: ...
    def close(self) -> None: ...


class Silence:
    """Shows nothing."""

    def __init__(self, started: "Started | None" = None) -> None:
        """Nothing to begin with."""

    def show(self, record: "Record") -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing to take down."""


class Lines:
    """Where there is no terminal: a line at the start and about ten on the way."""

    def __init__(self, started: "Started") -> None:
        self.steps, self.watched = started.steps, started.watched
        self.tenths = 0
        screen.note(_opening(started))

    def show(self, record: "Record") -> None:
        tenths = 10 * record.step // self.steps
        if record.metrics and tenths > self.tenths:
            self.tenths = tenths
            screen.note(f"step {record.step:,}/{self.steps:,}  {_scores(self.watched, record)}")

    def close(self) -> None:
        """Nothing to take down."""


class Events:
    """For another program: each event a line of JSON on stdout, records at most five times a second."""

    def __init__(self, started: "Started") -> None:
        self.watched, self.steps, self.told = started.watched, started.steps, 0.0
        self.scores = ""
        path = str(started.run.path)
        screen.print_event("started", path=path, steps=started.steps, parameters=started.parameters)

    def show(self, record: "Record") -> None:
        if record.metrics:
            self.scores = _scores(self.watched, record)
        if time.monotonic() - self.told >= EVENT_SECONDS or record.step == self.steps:
            self.told = time.monotonic()
            screen.print_event("record", step=record.step, epoch=record.epoch, text=self.scores)

    def close(self) -> None:
        """Nothing to take down."""


class Bar:
    """On a terminal: a bar with step, loss, score and the time that is left."""

    def __init__(self, started: "Started") -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        screen.note(_opening(started))
        self.watched = started.watched
        self.progress = Progress(
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=screen.err(),
            transient=True,
            refresh_per_second=4,  # drawing takes a core from the training for a moment
        )
        self.task = self.progress.add_task("", total=started.steps, completed=started.step)
        self.scores = ""
        self.progress.start()

    def show(self, record: "Record") -> None:
        if record.metrics:
            self.scores = _scores(self.watched, record)
        text = self.scores or "".join(f"loss {loss:.4g}" for loss in record.losses[-1:])
        self.progress.update(self.task, completed=record.step, description=text)

    def close(self) -> None:
        self.progress.stop()


def _opening(started: "Started") -> str:
    cores = f"{started.threads} thread{'s' * (started.threads > 1)}" if started.device == "cpu" else ""
    where = ", ".join(part for part in (started.device, cores) if part)
    return f"training {started.run.name}: {started.steps:,} steps, {started.parameters:,} parameters, {where}"


def _scores(watched: str, record: "Record") -> str:
    parts = [f"loss {record.train_loss:.4g}"]
    for name, value in (record.metrics or {}).items():
        if metric_of(name) in every_curve():
            parts.append(f"{watched} {name} {shown(name, value)}")
    return "  ".join(parts)
