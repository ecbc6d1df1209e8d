"""Follow: shows a training, or several at once, while they go on, and lets a signal stop them between two steps."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nnlab.cli import screen
from nnlab.errors import Interrupted, NnlabError, TrainingError
from nnlab.signals import Patience

if TYPE_CHECKING:
    from nnlab.cli.download import Fetching
    from nnlab.experiment import Started
    from nnlab.experiment.events import Ended
    from nnlab.experiment.jobs import Job, Jobs
    from nnlab.experiment.wire import Teller

SIGNALLED = 128
"""Exit codes above it are those of a signal."""


class Display:
    """What shows how far a training is, by its events; this one shows nothing.

    ``title`` tells one of several from the others, and ``scores`` are a record's in words.
    """

    def show(self, event: Any, title: str = "", scores: str = "") -> None:
        """Show what has happened."""

    def close(self) -> None:
        """Take down what was drawn."""


def follow(
    events: Any, fetching: "Fetching", quiet: bool = False, display: "Display | Teller | None" = None
) -> list[Any]:
    """Show the events of a training, or of several jobs, and return the last of each; a signal stops them.

    ``display`` is what shows them, where it is not to be told from the terminal. Raises Interrupted once they have
    stopped where they can be resumed.
    """
    from nnlab.experiment import Finished, Started
    from nnlab.experiment.events import Ended, Notice, Working, in_words
    from nnlab.experiment.jobs import Jobs
    from nnlab.standing import Standing

    display, several = display or _display(quiet), False
    going: dict[str, Started] = {}
    last: list[Any] = []
    with Patience() as patience:
        try:
            for given in events:
                title, event = (given[0].title, given[1]) if isinstance(given, tuple) else ("", given)
                if isinstance(event, Notice):
                    screen.note(f"warning: {event.text}")
                elif isinstance(event, Working) and not quiet:
                    screen.note(event.text)
                elif isinstance(event, Started | Jobs) and not patience.begun:
                    patience.begin()
                    fetching.close()
                if isinstance(event, Jobs):
                    display, several = _display(quiet, event), True
                    patience.deaf = True  # the first is heeded in a moment
                elif isinstance(event, Started):
                    going[title] = event
                    display.show(event, title)
                elif isinstance(event, Standing):
                    display.show(event, title, in_words(going[title].watched, event) if event.metrics else "")
                elif isinstance(event, Finished | Ended):
                    display.show(event, title)
                    going.pop(title, None)
                    last.append(given)
                if patience.signal is not None and not isinstance(event, Finished):
                    patience.deaf = True
                    raise Interrupted(patience.signal)
        except Interrupted as stop:
            patience.deaf = not several  # who will not wait for other processes may leave
            display.close()
            if several:
                screen.note("stopping the seeds that are at work")
            for given in _last_words(events, stop):
                if isinstance(given, tuple) and isinstance(given[1], Started):
                    going[given[0].title] = given[1]
            for title, started in going.items():
                screen.note(f"{title}: {_stopped(started)}" if title else _stopped(started))
            raise
        finally:
            display.close()
    return last


def _last_words(events: Any, stop: Interrupted) -> Iterator[Any]:
    """Stop a training, or several, and give what they have still told before they did."""
    with suppress(Interrupted):
        yield events.throw(stop)
        yield from events


def check_ended(ended: "list[tuple[Job, Ended]]") -> None:
    """Say of each job that failed why. Raises the error of the first kind where one did."""
    failed = [(job, end) for job, end in ended if end.code]
    for job, end in failed:
        stopped = _stopped(end) if end.code > SIGNALLED and end.run else ""
        for line in (end.error or stopped or f"error: it ended with exit code {end.code}").splitlines():
            screen.note(f"{job.title}: {screen.with_flags(line)}")
    if failed:
        seeds = ", ".join(str(job.group.varied["seed"]) for job, _ in failed)
        error = TrainingError if any(end.code not in (2, 4) for _, end in failed) else NnlabError
        raise error(f"{len(failed)} of {len(ended)} seeds failed: {seeds}", "the others are kept; see above for why")


def _stopped(event: Any) -> str:
    return f"interrupted; go on with it: nnlab resume {event.run.path}"


def _display(quiet: bool, jobs: "Jobs | None" = None) -> Display:
    if quiet:
        return Display()
    return Bars(jobs) if sys.stderr.isatty() else Lines(jobs)


class Lines(Display):
    """Where there is no terminal: a line at the start and about ten on the way; of several jobs one at each end."""

    def __init__(self, jobs: "Jobs | None" = None) -> None:
        self.count, self.done = len(jobs.each) if jobs else 0, 0
        self.steps, self.tenths = 0, 0
        self.scores: dict[str, str] = {}
        if jobs:
            screen.note(_opening_of(jobs))

    def show(self, event: Any, title: str = "", scores: str = "") -> None:
        from nnlab.experiment import Started
        from nnlab.experiment.events import Ended

        if scores:
            self.scores[title] = scores
        if isinstance(event, Started) and not self.count:
            self.steps = event.steps
            screen.note(_opening(event))
        elif isinstance(event, Ended):
            self.done += 1
            how = "failed" if event.code else self.scores.get(title, "done")
            screen.note(f"{title}: {how}  ({self.done}/{self.count})")
        elif scores and not self.count and (tenths := 10 * event.step // self.steps) > self.tenths:
            self.tenths = tenths
            screen.note(f"step {event.step:,}/{self.steps:,}  {scores}")


class Bars(Display):
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
        self.count = len(jobs.each) if jobs else 0
        self.bars: dict[str, Any] = {}
        self.scores: dict[str, str] = {}
        self.steps: dict[str, int] = {}
        if jobs:
            screen.note(_opening_of(jobs))
            self.all = self.progress.add_task("steps", total=None, who="all seeds")
            self.progress.start()

    def show(self, event: Any, title: str = "", scores: str = "") -> None:
        from nnlab.experiment import Started
        from nnlab.standing import Standing

        if isinstance(event, Started):
            if self.count:
                self.progress.update(self.all, total=event.steps * self.count)
            else:
                screen.note(_opening(event))
                self.progress.start()
            self.bars[title] = self.progress.add_task("", total=event.steps, completed=event.step, who=title)
        elif isinstance(event, Standing):
            self.scores[title] = scores or self.scores.get(title, "")
            text = self.scores[title] or "".join(f"loss {loss:.4g}" for loss in event.losses[-1:])
            self.progress.update(self.bars[title], completed=event.step, description=text)
            if self.count:
                self.steps[title] = event.step
                self.progress.update(self.all, completed=sum(self.steps.values()))
        elif self.count and title in self.bars:
            self.progress.update(self.bars[title], visible=False)

    def close(self) -> None:
        self.progress.stop()


def _opening(started: "Started") -> str:
    cores = f"{started.threads} thread{'s' * (started.threads > 1)}" if started.device == "cpu" else ""
    where = ", ".join(part for part in (started.device, cores) if part)
    return f"training {started.run.name}: {started.steps:,} steps, {started.parameters:,} parameters, {where}"


def _opening_of(jobs: "Jobs") -> str:
    how = "one after the other" if jobs.at_once == 1 else f"{jobs.at_once} at once"
    return f"training {len(jobs.each)} seeds, {how}" if len(jobs.each) > 1 else f"training {jobs.each[0].title}"
