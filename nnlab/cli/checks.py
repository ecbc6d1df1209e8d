"""The verify and reproduce commands: whether a run is what it says, and whether it comes out again."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnlab.cli import options, screen
from nnlab.cli.follow import follow
from nnlab.errors import CheckError, ConfigError, NnlabError
from nnlab.present.values import Table

if TYPE_CHECKING:
    from nnlab.experiment import Reproduction
    from nnlab.rundir import RunDir

RESULTS = {True: "ok", False: "WRONG", None: "not checked"}


def verify(
    run: options.RunName,
    data: options.Data = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    json: options.Json = False,
) -> None:
    """Check a run: every hash, what its files say of one another, of the data, and its weights evaluated again.

    What no look at a run can tell is listed as not checked. Ends in exit code 3 where something is wrong, and 2 where
    something else could not be checked here.
    """
    from nnlab import experiment, rundir
    from nnlab.cli.download import Fetching

    found = rundir.find(runs_dir, run)
    with Fetching() as progress:
        checks = list(experiment.verify(found, progress, data))
    wrong = list(dict.fromkeys(check.subject for check in checks if check.held is False))
    if json:
        document = {
            "run": found.name,
            "path": str(found.path),
            "verified": all(check.passes for check in checks),
            "not_checked": [check.subject for check in checks if check.held is None],
            "checks": [asdict(check) for check in checks],
        }
        screen.print_json(document)
    else:
        rows = [[check.subject, RESULTS[check.held], check.detail] for check in checks]
        screen.show(Table([found.name, "", "what was found"], rows, left=(0, 1, 2)))
    if wrong:
        raise CheckError(f"{found.path}: not as it should be: {', '.join(wrong)}")
    if missing := list(dict.fromkeys(check.subject for check in checks if not check.passes)):
        message = f"{found.path}: not everything could be checked here: {', '.join(missing)}"
        raise ConfigError(message, "see above for what it takes")


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
    from nnlab import experiment, rundir

    if (run is None) == (configs is None):
        raise ConfigError("reproduce takes one RUN, or --all and a folder of configs", "nnlab reproduce latest")
    if data is not None and configs is not None:
        raise ConfigError("--data is where one run's data is, and --all means many runs", "leave one of them out")
    results: list[Reproduction] = []
    failures: list[NnlabError] = []
    if run is not None:
        results.append(_again(rundir.find(runs_dir, run), runs_dir, device, tolerance, data))
    wanted = experiment.configs_in(configs) if configs else []
    for config in wanted:
        try:
            results.append(_again(_original(config, runs_dir), runs_dir, device, tolerance))
        except NnlabError as error:  # one that cannot be had here is no reason to leave the others
            if str(config) not in error.message:
                error.message = f"{config}: {error.message}"
            screen.complain(error)
            failures.append(error)
    documents = [_document(result) for result in results]
    if json:
        screen.print_json(documents if configs else documents[0])
    else:
        _print(results)
    different = [result.run.name for result in results if result.verdict == "DIFFERENT"]
    if different:
        raise CheckError(f"did not come out again: {', '.join(different)}")
    if failures:
        message = f"{len(failures)} of {len(wanted)} configs could not be reproduced; see above"
        raise type(failures[0])(message)


def _again(run: "RunDir", runs: Path, device: str | None, tolerance: float, data: Path | None = None) -> "Reproduction":
    """Train a run once more, and compare."""
    from nnlab import experiment
    from nnlab.cli.download import Fetching

    with Fetching() as progress:
        finished = follow(experiment.train_again(run, runs, device, progress, data), progress)
    return experiment.compare_runs(run, finished.run, tolerance)


def _original(config: Path, runs: Path) -> "RunDir":
    """The latest run of a config, or a new one."""
    from nnlab import experiment
    from nnlab.cli.download import Fetching

    resolved = experiment.resolve(config)
    found = experiment.latest_of(resolved, runs)
    if found is not None:
        return found
    screen.note(f"{config}: there is no finished run of it yet, so it is trained twice")
    with Fetching() as progress:
        run: RunDir = follow(experiment.train(resolved, runs, progress=progress), progress).run
    return run


def _print(results: "list[Reproduction]") -> None:
    rows = [[result.run.name, result.again.name, result.verdict, result.detail] for result in results]
    screen.show(Table(["run", "trained again", "verdict", "how"], rows, left=(0, 1, 2, 3)))
    for text in dict.fromkeys(text for result in results for text in result.environment):
        screen.line(f"env.json, {text}")


def _document(result: "Reproduction") -> dict[str, Any]:
    return {
        "run": str(result.run.path),
        "again": str(result.again.path),
        "verdict": result.verdict,
        "largest": result.largest,
        "where": result.where,
        "step": result.step,
        "environment": result.environment,
    }
