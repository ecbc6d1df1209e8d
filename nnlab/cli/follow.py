"""Follow: shows a training, or several at once, while they go on, and lets a signal stop them between two steps."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from nnlab.cli import screen
from nnlab.errors import Interrupted, NnlabError, TrainingError
from nnlab.signals import Patience

if TYPE_CHECKING:
    from nnlab.cli.download import Fetching
    from nnlab.dataset import SplitName
    from nnlab.experiment import Ended, Job, Jobs, Started

SIGNALLED = 128
"""Exit codes above it are those of a signal."""


class Display(Protocol):
    """Something that shows how far a training is, by its events; of several, each event comes with its job."""

    def show(self, event: Any) -> None: ...
    def close(self) -> None: ...


def follow(events: Any, fetching: "Fetching", quiet: bool = False, display: Display | None = None) -> Any:
    """Show the events of a training and return the last one; a signal stops it at the next record.

    ``display`` is what shows them, where it is not to be told from the terminal.
    """
    from nnlab.experiment import Finished, Started
    from nnlab.standing import Standing

    display = display or (Silence() if quiet else Bars() if sys.stderr.isatty() else Lines())
    with Patience() as patience:
        try:
            for event in events:
                _say(event, quiet)
                if isinstance(event, Started):
                    patience.begin()
                    fetching.close()
                    path = event.run.path
                if isinstance(event, Started | Standing | Finished):
                    display.show(event)
                if isinstance(event, Finished):
                    return event
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


def follow_jobs(events: Iterator[Any], fetching: "Fetching", quiet: bool = False) -> "list[tuple[Job, Ended]]":
    """Show the trainings of several jobs and return how each ended; a signal stops them all.

    Raises Interrupted once they have stopped.
    """
    from nnlab.experiment import Ended, Jobs, Started

    display: Display = Silence()
    going: dict[str, str] = {}
    ended = []
    with Patience() as patience:
        try:
            for event in events:
                _say(event, quiet)
                if isinstance(event, Jobs):
                    patience.begin()
                    fetching.close()
                    display = Silence() if quiet else Bars(event) if sys.stderr.isatty() else Ends(event)
                elif isinstance(event, tuple):
                    display.show(event)
                    job, told = event
                    if isinstance(told, Started):
                        going[job.title] = str(told.run.path)
                    elif isinstance(told, Ended):
                        ended.append((job, told))
                        going.pop(job.title, None)
                if patience.signal is not None:
                    raise Interrupted(patience.signal)
        except Interrupted:
            display.close()
            screen.note("stopping the seeds that are at work")
            with suppress(AttributeError):
                events.close()  # type: ignore[attr-defined]
            for title, path in going.items():
                screen.note(f"{title}: interrupted; go on with it: nnlab resume {path}")
            raise
        finally:
            display.close()
    return ended


def check_ended(ended: "list[tuple[Job, Ended]]") -> None:
    """Say of each job that failed why. Raises the error of the first kind where one did."""
    failed = [(job, end) for job, end in ended if end.code]
    for job, end in failed:
        stopped = f"interrupted; go on with it: nnlab resume {end.run.path}" if end.code > SIGNALLED and end.run else ""
        for line in (end.error or stopped or f"error: it ended with exit code {end.code}").splitlines():
            screen.note(f"{job.title}: {line}")
    if failed:
        seeds = ", ".join(str(job.group["varied"]["seed"]) for job, _ in failed)
        error = TrainingError if any(end.code not in (2, 4) for _, end in failed) else NnlabError
        raise error(f"{len(failed)} of {len(ended)} seeds failed: {seeds}", "the others are kept; see above for why")


def _say(event: Any, quiet: bool) -> None:
    """Say a warning, or what is being done before training begins."""
    from nnlab.experiment import Notice, Working

    if isinstance(event, Notice):
        screen.note(f"warning: {event.text}")
    elif isinstance(event, Working) and not quiet:
        screen.note(event.text)


class Silence:
    """Shows nothing."""

    def show(self, event: Any) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing to take down."""


class Lines(Silence):
    """Where there is no terminal: a line at the start and about ten on the way."""

    tenths = 0

    def show(self, event: Any) -> None:
        from nnlab.experiment import Started
        from nnlab.experiment.events import in_words
        from nnlab.standing import Standing

        if isinstance(event, Started):
            self.started = event
            screen.note(_opening(event))
        elif isinstance(event, Standing) and event.metrics:
            tenths, steps = 10 * event.step // self.started.steps, self.started.steps
            if tenths > self.tenths:
                self.tenths = tenths
                screen.note(f"step {event.step:,}/{steps:,}  {in_words(self.started.watched, event)}")


class Ends(Silence):
    """The same of several jobs: a line at the start, and one for each when it ends."""

    def __init__(self, jobs: "Jobs") -> None:
        self.count, self.done = len(jobs.each), 0
        self.watched: dict[str, SplitName] = {}
        self.last: dict[str, str] = {}
        screen.note(_opening_of(jobs))

    def show(self, event: "tuple[Job, Any]") -> None:
        from nnlab.experiment import Ended, Started
        from nnlab.experiment.events import in_words
        from nnlab.standing import Standing

        title, told = event[0].title, event[1]
        if isinstance(told, Started):
            self.watched[title] = told.watched
        elif isinstance(told, Standing) and told.metrics:
            self.last[title] = in_words(self.watched[title], told)
        elif isinstance(told, Ended):
            self.done += 1
            how = "failed" if told.code else self.last.get(title, "done")
            screen.note(f"{title}: {how}  ({self.done}/{self.count})")


class Bars:
    """On a terminal: a bar with step, score and the time that is left; of several jobs one each, under one of all."""

    def __init__(self, jobs: "Jobs | None" = None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.progress = Progress(
            *([TextColumn("{task.fields[who]}")] if jobs else []),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=screen.err(),
            transient=True,
            refresh_per_second=4,  # drawing takes a core from the training for a moment
        )
        self.jobs = jobs
        self.bars: dict[str, Any] = {}
        self.watched: dict[str, SplitName] = {}
        self.scores: dict[str, str] = {}
        self.steps: dict[str, int] = {}
        if jobs:
            screen.note(_opening_of(jobs))
            self.all = self.progress.add_task("steps", total=None, who="all seeds")
            self.progress.start()

    def show(self, event: Any) -> None:
        from nnlab.experiment import Ended, Started
        from nnlab.experiment.events import in_words
        from nnlab.standing import Standing

        title, told = (event[0].title, event[1]) if self.jobs else ("", event)
        if isinstance(told, Started):
            self._begin(title, told)
        elif isinstance(told, Standing):
            if told.metrics:
                self.scores[title] = in_words(self.watched[title], told)
            text = self.scores.get(title) or "".join(f"loss {loss:.4g}" for loss in told.losses[-1:])
            self.progress.update(self.bars[title], completed=told.step, description=text)
            self.steps[title] = told.step
            if self.jobs:
                self.progress.update(self.all, completed=sum(self.steps.values()))
        elif isinstance(told, Ended) and title in self.bars:
            self.progress.update(self.bars[title], visible=False)

    def _begin(self, title: str, started: "Started") -> None:
        self.watched[title] = started.watched
        if self.jobs:
            self.progress.update(self.all, total=started.steps * len(self.jobs.each))
        else:
            screen.note(_opening(started))
            self.progress.start()
        self.bars[title] = self.progress.add_task("", total=started.steps, completed=started.step, who=title)

    def close(self) -> None:
        self.progress.stop()


def _opening(started: "Started") -> str:
    cores = f"{started.threads} thread{'s' * (started.threads > 1)}" if started.device == "cpu" else ""
    where = ", ".join(part for part in (started.device, cores) if part)
    return f"training {started.run.name}: {started.steps:,} steps, {started.parameters:,} parameters, {where}"


def _opening_of(jobs: "Jobs") -> str:
    how = "one after the other" if jobs.at_once == 1 else f"{jobs.at_once} at once"
    return f"training {len(jobs.each)} seeds, {how}" if len(jobs.each) > 1 else f"training {jobs.each[0].title}"
