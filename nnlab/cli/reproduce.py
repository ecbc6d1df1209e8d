"""The reproduce command: whether a run comes out again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnlab.cli import options, screen
from nnlab.cli.follow import follow
from nnlab.errors import ConfigError, NnlabError
from nnlab.finding import Finding, conclude, subjects
from nnlab.present.values import Listing

if TYPE_CHECKING:
    from nnlab.rundir import RunDir


def reproduce(
    run: options.OneRun = None,
    configs: Annotated[
        Path | None,
        typer.Option("--all", metavar="CONFIGS", help="Reproduce every config in this folder.", show_default=False),
    ] = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    device: options.Device = None,
    data: options.Data = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0.0, help="The largest relative difference that is taken for rounding.")
    ] = 1e-3,
    json: options.Json = False,
) -> None:
    """Train a run again and say whether it comes out BITWISE equal, WITHIN TOLERANCE or DIFFERENT.

    With --all, the latest run of each config, which is trained first where there is none. Ends in exit code 3 where
    something came out DIFFERENT.
    """
    from nnlab import rundir
    from nnlab.experiment.reproduce import configs_in

    if (run is None) == (configs is None):
        raise ConfigError("reproduce takes one RUN, or --all and a folder of configs", "nnlab reproduce latest")
    if data is not None and configs is not None:
        raise ConfigError("--data is where one run's data is, and --all means many runs", "leave one of them out")
    results: list[Finding] = []
    failures: list[NnlabError] = []
    if run is not None:
        results.append(_again(rundir.find(runs_dir, run), runs_dir, device, tolerance, data))
    wanted = configs_in(configs) if configs else []
    for config in wanted:
        try:
            results.append(_again(_original(config, runs_dir), runs_dir, device, tolerance))
        except NnlabError as error:  # one that cannot be had here is no reason to leave the others
            if str(config) not in error.message:
                error.message = f"{config}: {error.message}"
            screen.complain(error)
            failures.append(error)
    documents = [result.values for result in results]
    if json:
        screen.print_json(documents if configs else documents[0])
    else:
        _print(results)
    conclude(results, wrong=(f"did not come out again: {', '.join(subjects(results, 'wrong'))}", ""))
    if failures:
        message = f"{len(failures)} of {len(wanted)} configs could not be reproduced; see above"
        raise type(failures[0])(message)


def _again(run: "RunDir", runs: Path, device: str | None, tolerance: float, data: Path | None = None) -> Finding:
    """Train a run once more, and compare."""
    from nnlab import experiment
    from nnlab.cli.download import Fetching

    with Fetching() as progress:
        (finished,) = follow(experiment.train_again(run, runs, device, progress, data), progress)
    return experiment.compare_runs(run, finished.run, tolerance)


def _original(config: Path, runs: Path) -> "RunDir":
    """The latest run of a config, or a new one."""
    from nnlab import experiment
    from nnlab.cli.download import Fetching
    from nnlab.experiment.reproduce import latest_of

    resolved = experiment.resolve(config)
    found = latest_of(resolved, runs)
    if found is not None:
        return found
    screen.note(f"{config}: there is no finished run of it yet, so it is trained twice")
    with Fetching() as progress:
        run: RunDir = follow(experiment.train(resolved, runs, progress=progress), progress)[0].run
    return run


def _print(results: list[Finding]) -> None:
    rows = [
        [result.subject, Path(result.values["again"]).name, result.values["verdict"], result.detail]
        for result in results
    ]
    screen.show(Listing(["run", "trained again", "verdict", "how"], rows, left=(0, 1, 2, 3)))
    for text in dict.fromkeys(text for result in results for text in result.values["environment"]):
        screen.line(f"env.json, {text}")
