"""The train command: a progress bar while it goes on, then the result and the run's path."""

import sys
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from nnlab.cli import options, screen
from nnlab.cli.signals import Patience
from nnlab.errors import ConfigError, Interrupted
from nnlab.metrics import shown

if TYPE_CHECKING:
    from nnlab.cli.download import Fetching
    from nnlab.experiment import Started
    from nnlab.fit import Record


def train(
    config: options.Config,
    overrides: options.Overrides = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    device: Annotated[
        str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:N; as the override device=.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Added to the run directory's name.")] = None,
    json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the run's path.")] = False,
) -> None:
    """Train a config into a new run directory."""
    _one_output(json, quiet)
    from nnlab import experiment
    from nnlab.cli.download import Fetching

    given = [*(overrides or []), *([f"device={device}"] if device else [])]
    resolved = experiment.resolve(config, given)
    with Fetching(quiet) as progress:
        finished = _follow(experiment.train(resolved, runs_dir, name, progress), progress, quiet)
    _print(finished, json, quiet)


def resume(
    run: options.RunName,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    force: Annotated[bool, typer.Option("--force", help="Go on even if the run says that it is running.")] = False,
    json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the run's path.")] = False,
) -> None:
    """Go on with a run that was stopped."""
    _one_output(json, quiet)
    from nnlab import experiment, rundir
    from nnlab.cli.download import Fetching

    found = rundir.find(runs_dir, run)
    with Fetching(quiet) as progress:
        finished = _follow(experiment.resume(found, force=force, progress=progress), progress, quiet)
    _print(finished, json, quiet)


def _one_output(json: bool, quiet: bool) -> None:
    """Raise ConfigError where two kinds of output are asked for."""
    if json and quiet:
        raise ConfigError("--json and --quiet each say what alone is to be printed", "give one of them")


def _print(finished: Any, json: bool, quiet: bool) -> None:
    path = str(finished.run.path)
    if quiet:
        screen.line(path)
    elif json:
        screen.print_json({"path": path, **finished.summary})
    else:
        print_result(finished.summary)
        screen.line(path)


def _follow(events: Any, fetching: "Fetching", quiet: bool) -> Any:
    """Show the events of a training and return the last one; a signal stops it at the next record."""
    from nnlab.experiment import Finished, Notice, Started

    display: Display = Silence()
    with Patience() as patience:
        try:
            for event in events:
                if isinstance(event, Notice):
                    screen.note(f"warning: {event.text}")
                elif isinstance(event, Started):
                    patience.begin()
                    fetching.close()
                    path = event.run.path
                    display = Silence() if quiet else Bar(event) if sys.stderr.isatty() else Lines(event)
                elif isinstance(event, Finished):
                    return event
                else:
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


class Display(Protocol):
    """Something that shows how far a training is."""

    def show(self, record: "Record") -> None: ...
    def close(self) -> None: ...


class Silence:
    """Shows nothing."""

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
        text = self.scores or f"loss {record.losses[-1]:.4g}"
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
        if name in ("accuracy", "r2"):
            parts.append(f"{watched} {name} {shown(name, value)}")
    return "  ".join(parts)


def print_result(summary: dict[str, Any]) -> None:
    """What a run scores on each of its splits, as a table."""
    found = {split: values for split, values in summary["metrics"].items() if values}
    if not found:
        return
    names = list(dict.fromkeys(name for values in found.values() for name in values))
    data, seconds = summary["dataset"], summary["seconds"].get("total")
    rows = [
        [split, f"{data.get(split) or 0:,}", *(shown(name, values.get(name)) for name in names)]
        for split, values in found.items()
    ]
    title = f"{summary['model']} on {data.get('name')}" + (f", {screen.duration(seconds)}" if seconds else "")
    screen.print_table(["split", "examples", *names], rows, title=title)
