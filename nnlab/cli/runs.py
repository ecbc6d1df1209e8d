"""The runs, show and rm commands: what is under the runs directory."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnlab import rundir
from nnlab.cli import options, screen
from nnlab.errors import NnlabError, RunError
from nnlab.metrics import PRIMARY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nnlab.comparison import Entry, Row


def list_runs(
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    each: Annotated[bool, typer.Option("--each", help="List every run, also those that differ in their seed.")] = False,
    json: options.Json = False,
) -> None:
    """List all runs, oldest first; those that differ only in their seed in one line."""
    from nnlab.comparison import Entry, fold

    found = list(_rows(runs_dir))
    if json:
        screen.print_json([{"path": str(row.path), **row.summary} for row in found])
    elif not found:
        screen.note(f"there are no runs in {runs_dir}; train one: nnlab train configs/ann.yaml")
    else:
        columns = ["run", "status", "steps", "time", "score"]
        rows = []
        for entry in [Entry((row,)) for row in found] if each else fold(found):
            steps = _count(entry.rows[0].summary.get("steps"))
            time = "-" if entry.seconds is None else screen.duration(entry.seconds)
            rows.append([entry.name, entry.status, steps, time, score(entry)])
        screen.print_table(columns, rows, left=(0, 1))


def _rows(runs_dir: "Path") -> "Iterator[Row]":
    """All runs as rows; one with a damaged config without it, and none of a directory that is no run any more."""
    from nnlab.comparison import read_row

    for run in rundir.all_runs(runs_dir):
        try:
            yield read_row(run)
        except NnlabError as error:
            screen.note(f"warning: {error.message}")
            with suppress(NnlabError):
                yield read_row(run, bare=True)


def score(entry: "Entry") -> str:
    """The metric that counts, on the split that counts, as "test accuracy 97.80 %"."""
    name, values = PRIMARY[entry.data.task], entry.values
    column = next((f"{split}_{name}" for split in ("test", "val", "train") if f"{split}_{name}" in values), None)
    return f"{column.replace('_', ' ')} {values[column].shown(column)}" if column else "-"


def show(run: options.RunName, runs_dir: options.RunsDir = options.DEFAULT_RUNS, json: options.Json = False) -> None:
    """Show one run: its result, its config and its files."""
    from nnlab.cli.train import print_result

    found = rundir.find(runs_dir, run)
    summary = found.summary()
    if json:
        screen.print_json({"path": str(found.path), **summary, "files": found.files()})
        return
    data = summary["dataset"]
    facts: list[list[object]] = [
        ["status", _status_in_words(found, summary)],
        ["model", f"{summary['model']}, {_count(summary.get('parameters'))} parameters, on {summary.get('device')}"],
        ["data", f"{data.get('name')}, SHA-256 {str(data.get('sha256'))[:12]}…"],
        ["started", summary.get("started")],
        ["steps", f"{_count(summary.get('steps'))} ({summary.get('epochs') or 0:g} epochs), {_time(summary)}"],
    ]
    best = summary.get("best")
    if isinstance(best, dict):
        facts.append(["best", f"{best.get('metric')} {best.get('value')} at step {best.get('step')}"])
    screen.print_table(["run", found.name], facts, left=(0, 1))
    print_result(summary)
    screen.line(found.read_text(rundir.CONFIG))
    screen.print_table(["file", "bytes"], [[name, f"{size:,}"] for name, size in found.files().items()])
    screen.line(str(found.path))


def remove(
    runs: options.RunNames = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Delete a run even if it is running or damaged.")] = False,
) -> None:
    """Delete runs."""
    if not runs:
        raise RunError("no run is named", "nnlab rm RUN...; `nnlab runs` lists them")
    found = list({run.path.resolve(): run for run in (rundir.find(runs_dir, name) for name in runs)}.values())
    if not force:
        _refuse_to_delete(found)
    if sys.stdin.isatty() and not yes:
        names = ", ".join(run.name for run in found)
        typer.confirm(screen.clean(f"delete {names}?"), abort=True, err=True)
        if not force:
            _refuse_to_delete(found)  # one may have been resumed meanwhile
    for run in found:
        rundir.remove(run)
        screen.note(f"deleted {run.path}")


def _refuse_to_delete(runs: list[rundir.RunDir]) -> None:
    """Raise RunError for the first run that is going, or damaged."""
    for run in runs:
        status = _status(run)
        if status == rundir.RUNNING:
            raise RunError(f"{run.path}: this run is still going", "stop it first, or add --force")
        if status == "damaged":
            raise RunError(f"{run.path}: its run.json is not a run's, or damaged", "look at it, then add --force")


def _status(run: rundir.RunDir) -> str:
    try:
        return str(run.summary()["status"])
    except RunError:
        return "damaged"


def _status_in_words(run: rundir.RunDir, summary: dict[str, Any]) -> str:
    """The status with its reason, and where a stopped run would go on."""
    text = str(summary["status"]) + (f": {summary['error']}" if summary.get("error") else "")
    if summary["status"] not in (rundir.DIED, "interrupted"):
        return text
    state = run.checkpoint_state()
    return f"{text}; nnlab resume " + (f"goes on from step {state.step:,}" if state else "starts it again")


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "-"


def _time(summary: dict[str, Any]) -> str:
    seconds = summary["seconds"].get("total")
    return screen.duration(seconds) if isinstance(seconds, int | float) and seconds else "-"
