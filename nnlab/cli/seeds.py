"""Several seeds: one display of their trainings, and what they come to together."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from nnlab.cli import screen
from nnlab.cli.signals import Patience
from nnlab.errors import Interrupted, NnlabError, TrainingError

if TYPE_CHECKING:
    from nnlab.cli.download import Fetching
    from nnlab.experiment import SeedEvent
    from nnlab.experiment.seeds import Begun, Ended, Going, Planned
    from nnlab.rundir import RunDir


def follow_seeds(events: "Iterator[SeedEvent]", fetching: "Fetching", quiet: bool = False) -> "list[Ended]":
    """Show the trainings of several seeds and return how each ended; a signal stops them all.

    Raises Interrupted once they have stopped.
    """
    from nnlab.experiment import Notice, Working
    from nnlab.experiment.seeds import Begun, Ended, Going, Planned

    display: Display = Silence()
    begun: dict[int, RunDir] = {}
    ended: list[Ended] = []
    with Patience() as patience:
        try:
            for event in events:
                if isinstance(event, Notice):
                    screen.note(f"warning: {event.text}")
                elif isinstance(event, Working):
                    if not quiet:
                        screen.note(event.text)
                elif isinstance(event, Planned):
                    patience.begin()
                    fetching.close()
                    display = Silence() if quiet else Bars(event) if sys.stderr.isatty() else Lines(event)
                elif isinstance(event, Begun):
                    begun[event.seed] = event.run
                    display.begun(event)
                elif isinstance(event, Going):
                    display.going(event)
                elif isinstance(event, Ended):
                    ended.append(event)
                    display.ended(event)
                if patience.signal is not None:
                    raise Interrupted(patience.signal)
        except Interrupted:
            display.close()
            screen.note("stopping the seeds that are at work")
            with suppress(AttributeError):
                events.close()  # type: ignore[attr-defined]
            done = {each.seed for each in ended}
            for seed, run in begun.items():
                if seed not in done:
                    screen.note(f"seed {seed}: interrupted; go on with it: nnlab resume {run.path}")
            raise
        finally:
            display.close()
    return ended


def check_ended(ended: "list[Ended]") -> None:
    """Say of each seed that failed why. Raises the error of the first kind where one did."""
    failed = [each for each in ended if each.code]
    for each in failed:
        for line in each.error.splitlines() or [f"error: it ended with exit code {each.code}"]:
            screen.note(f"seed {each.seed}: {line}")
    if failed:
        message = f"{len(failed)} of {len(ended)} seeds failed: {', '.join(str(each.seed) for each in failed)}"
        error = TrainingError if any(each.code not in (2, 4) for each in failed) else NnlabError
        raise error(message, "the others are kept; see above for why")


class Display(Protocol):
    """Something that shows how far the seeds are."""

    def begun(self, event: "Begun") -> None: ...
    def going(self, event: "Going") -> None: ...
    def ended(self, event: "Ended") -> None: ...
    def close(self) -> None: ...


class Silence:
    """Shows nothing."""

    def begun(self, event: "Begun") -> None:
        """Nothing."""

    def going(self, event: "Going") -> None:
        """Nothing."""

    def ended(self, event: "Ended") -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing to take down."""


class Lines(Silence):
    """Where there is no terminal: a line at the start, and one for each seed when it ends."""

    def __init__(self, planned: "Planned") -> None:
        self.count = len(planned.seeds)
        self.last: dict[int, str] = {}
        self.done = 0
        screen.note(_opening(planned))

    def going(self, event: "Going") -> None:
        """Remember its scores for the end."""
        self.last[event.seed] = event.text

    def ended(self, event: "Ended") -> None:
        self.done += 1
        how = "failed" if event.code else self.last.get(event.seed, "done")
        screen.note(f"seed {event.seed}: {how}  ({self.done}/{self.count})")


class Bars:
    """On a terminal: a bar for each seed at work under one for them all."""

    def __init__(self, planned: "Planned") -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        screen.note(_opening(planned))
        self.progress = Progress(
            TextColumn("{task.fields[who]}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=screen.err(),
            transient=True,
            refresh_per_second=4,
        )
        self.all = self.progress.add_task("steps", total=None, who="all seeds")
        self.count = len(planned.seeds)
        self.tasks: dict[int, Any] = {}
        self.steps: dict[int, int] = {}
        self.progress.start()

    def begun(self, event: "Begun") -> None:
        self.tasks[event.seed] = self.progress.add_task("", total=event.steps, who=f"seed {event.seed}")
        self.progress.update(self.all, total=event.steps * self.count)

    def going(self, event: "Going") -> None:
        self.steps[event.seed] = event.step
        self.progress.update(self.tasks[event.seed], completed=event.step, description=event.text)
        self.progress.update(self.all, completed=sum(self.steps.values()))

    def ended(self, event: "Ended") -> None:
        if event.seed in self.tasks:
            self.progress.update(self.tasks[event.seed], visible=False)

    def close(self) -> None:
        self.progress.stop()


def _opening(planned: "Planned") -> str:
    count, at_once = len(planned.seeds), planned.at_once
    how = "one after the other" if at_once == 1 else f"{at_once} at once"
    return f"training {count} seeds, {how}" if count > 1 else f"training seed {planned.seeds[0]}"
