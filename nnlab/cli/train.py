"""The train and resume commands: the result and the run's path."""

from typing import Annotated, Any

import typer

from nnlab.cli import options, screen
from nnlab.cli.follow import follow
from nnlab.errors import ConfigError
from nnlab.metrics import shown


def train(
    config: options.Config,
    overrides: options.Overrides = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    device: options.Device = None,
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
        finished = follow(experiment.train(resolved, runs_dir, name, progress), progress, quiet)
    _print(finished, json, quiet)


def resume(
    run: options.RunName,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="How many epochs it is to have in all; extends a finished run too.")
    ] = None,
    allow_inexact: Annotated[
        bool, typer.Option("--allow-inexact", help="Go on with other versions, processor or threads; run.json says so.")
    ] = False,
    json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the run's path.")] = False,
) -> None:
    """Go on with a run that was stopped, to the same bits as without the stop."""
    _one_output(json, quiet)
    from nnlab import experiment, rundir
    from nnlab.cli.download import Fetching

    found = rundir.find(runs_dir, run)
    with Fetching(quiet) as progress:
        events = experiment.resume(found, epochs=epochs, inexact=allow_inexact, progress=progress)
        finished = follow(events, progress, quiet)
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


def print_result(summary: dict[str, Any]) -> None:
    """What a run scores on each of its splits, as a table; nothing before there are scores."""
    listing = result(summary)
    if listing is not None:
        screen.print_table(*listing)


def result(summary: dict[str, Any]) -> screen.Listing | None:
    """The table of the scores of each split; None before there are any."""
    found = {split: values for split, values in summary["metrics"].items() if values}
    if not found:
        return None
    names = list(dict.fromkeys(name for values in found.values() for name in values))
    data, seconds = summary["dataset"], summary["seconds"].get("total")
    rows = [
        [split, f"{data.get(split) or 0:,}", *(shown(name, values.get(name)) for name in names)]
        for split, values in found.items()
    ]
    title = f"{summary['model']} on {data.get('name')}" + (f", {screen.duration(seconds)}" if seconds else "")
    return screen.Listing(["split", "examples", *names], rows, title)
