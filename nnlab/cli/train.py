"""The train and resume commands: the result and the run's path."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnlab.cli import options, screen
from nnlab.cli.follow import check_ended, follow
from nnlab.dataset.split import SCORED_FIRST
from nnlab.errors import ConfigError
from nnlab.metrics import shortfall, shown
from nnlab.present.values import Listing

if TYPE_CHECKING:
    from nnlab.comparison import Entry, Group
    from nnlab.rundir import Summary


def train(
    config: options.Config,
    overrides: options.Overrides = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    device: options.Device = None,
    name: Annotated[str | None, typer.Option("--name", help="Added to the run directory's name.")] = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="SEEDS", help="Several seeds, a run each: 0-4, or 0,3,7.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", help="How many seeds to train at once; default: as many as fit.")
    ] = None,
    json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the run's path.")] = False,
    events: Annotated[bool, typer.Option("--events", help="Print each event as a line of JSON.")] = False,
) -> None:
    """Train a config into a new run directory; with --seeds into one for each seed."""
    _one_output(json, quiet, events)
    from nnlab import experiment
    from nnlab.cli.download import Fetching
    from nnlab.experiment.wire import Teller

    given = [*(overrides or []), *([f"device={device}"] if device else [])]
    if seeds is not None:
        _train_seeds(config, given, seeds, runs_dir, name, jobs, json, quiet)
        return
    if jobs is not None:
        raise ConfigError("--jobs goes with --seeds", "add --seeds 0-4")
    resolved = experiment.resolve(config, given)
    with Fetching(quiet or events) as progress:
        training = experiment.train(resolved, runs_dir, name, progress)
        (finished,) = follow(training, progress, quiet, Teller(sys.stdout) if events else None)
    if not events:
        _print(finished, json, quiet)


def _train_seeds(
    config: Path,
    overrides: list[str],
    seeds: str,
    runs_dir: Path,
    name: str | None,
    jobs: int | None,
    json: bool,
    quiet: bool,
) -> None:
    """Train each seed, and print what they come to together."""
    from nnlab import comparison, experiment
    from nnlab.cli.download import Fetching
    from nnlab.comparison.listing import as_json
    from nnlab.experiment.jobs import jobs_of_seeds

    wanted = jobs_of_seeds(config, overrides, seeds, runs_dir, name, jobs)
    with Fetching(quiet) as progress:
        ended = follow(experiment.train_jobs(wanted, progress), progress, quiet)
    ended.sort(key=lambda each: wanted.each.index(each[0]))
    runs = [end.run for _, end in ended if end.run and not end.code]
    if quiet:
        for run in runs:
            screen.line(str(run.path))
    elif json:
        documents = [{"path": str(run.path), **run.summary().to_json()} for run in runs]
        entries = as_json(comparison.compare(runs))["groups"][0]["entries"] if runs else []
        screen.print_json({"runs": documents, "entries": entries})
    elif runs:
        for group in comparison.compare(runs).groups:
            for entry in group.entries:
                print_entry(entry, group)
        for run in runs:
            screen.line(str(run.path))
    check_ended(ended)


def resume(
    run: options.RunName,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="How many epochs it is to have in all; extends a finished run too.")
    ] = None,
    allow_inexact: Annotated[
        bool, typer.Option("--allow-inexact", help="Go on with other versions, processor or threads; run.json says so.")
    ] = False,
    data: options.Data = None,
    json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the run's path.")] = False,
) -> None:
    """Go on with a run that was stopped, to the same bits as without the stop."""
    _one_output(json, quiet)
    from nnlab import experiment, rundir
    from nnlab.cli.download import Fetching

    found = rundir.find(runs_dir, run)
    with Fetching(quiet) as progress:
        events = experiment.resume(found, epochs=epochs, inexact=allow_inexact, progress=progress, data=data)
        (finished,) = follow(events, progress, quiet)
    _print(finished, json, quiet)


def _one_output(json: bool, quiet: bool, events: bool = False) -> None:
    """Raise ConfigError where two kinds of output are asked for."""
    given = [name for name, wanted in (("--json", json), ("--quiet", quiet), ("--events", events)) if wanted]
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)} each say what alone is to be printed", "give one of them")


def _print(finished: Any, json: bool, quiet: bool) -> None:
    """The run's path, and above it what it scores on each of its splits, beside what the baselines do."""
    path, summary = str(finished.run.path), finished.summary
    if quiet:
        screen.line(path)
    elif json:
        screen.print_json({"path": path, **summary.to_json()})
    else:
        if listing := result(summary):
            screen.show(listing)
        if worse := shortfall(summary.learnt, summary.metrics, summary.baselines):
            screen.line(worse.mark)
        screen.line(path)


def result(summary: "Summary") -> Listing | None:
    """The table of the scores of each split; None before there are any."""
    found = {split: values for split, values in summary.metrics.items() if values}
    if not found:
        return None
    names = list(dict.fromkeys(name for values in found.values() for name in values))
    data, seconds = summary.dataset, summary.seconds.get("total")
    rows = [
        [split, f"{data.count(split) or 0:,}", *(shown(name, values.get(name)) for name in names)]
        for split, values in found.items()
    ]
    split = next(split for split in SCORED_FIRST if split in found)
    beside = [(name, splits.get(split, {})) for name, splits in (summary.baselines or {}).items()]
    faint = range(len(rows), len(rows) + len(beside))
    for name, scores in beside:
        rows.append([f"{split}, {name}", "", *(shown(metric, scores.get(metric)) for metric in names)])
    title = f"{summary.model} on {data.name}" + (f", {screen.duration(seconds)}" if seconds else "")
    return Listing(["split", "examples", *names], rows, title, faint=faint)


def print_entry(entry: "Entry", group: "Group") -> None:
    """What the runs of several seeds score, each and together, and beside it what the baselines do, as a table."""
    values, summary = entry.values, entry.rows[0].summary
    names = [name for name in group.columns if name in values]
    rows = [[row.config.get("seed", "-"), *(shown(name, row.values[name]) for name in names)] for row in entry.rows]
    rows = [*rows, ["mean ± sd", *(values[name].shown(name) for name in names)]] if len(rows) > 1 else rows
    baselines = entry.baselines
    faint = range(len(rows), len(rows) + len(baselines))
    rows += [[name, *(shown(column, scores.get(column)) for column in names)] for name, scores in baselines.items()]
    title, columns = f"{summary.model} on {group.data.title}", [name.replace("_", " ") for name in names]
    screen.show(Listing(["seed", *columns], rows, title, faint=faint, notes=entry.marks))
