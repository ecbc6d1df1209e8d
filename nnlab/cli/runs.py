"""The runs and rm commands: what is under the runs directory."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from nnlab import rundir
from nnlab.cli import options, screen
from nnlab.dataset.split import SCORED_FIRST
from nnlab.errors import NnlabError, RunError
from nnlab.present import terminal
from nnlab.present.values import Listing
from nnlab.rundir.summary import RUNNING

MOST_LEFT = 20
"""Names that are listed."""

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
        screen.print_json([{"path": str(row.path), **row.summary.to_json(), "marks": list(row.marks)} for row in found])
    elif not found:
        screen.note(f"there are no runs in {runs_dir}; train one: nnlab train configs/ann.yaml")
    else:
        columns = ["run", "status", "steps", "time", "score"]
        rows, marks = [], []
        for entry in [Entry((row,)) for row in found] if each else fold(found):
            steps = screen.count(entry.rows[0].summary.steps)
            time = screen.duration(entry.seconds)
            rows.append([entry.name, entry.status, steps, time, _score(entry)])
            marks += [f"{entry.name}: {mark}" for mark in entry.marks]
        screen.show(Listing(columns, rows, left=(0, 1), notes=marks))


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


def _score(entry: "Entry") -> str:
    """The metric that counts, on the split that counts, as "test accuracy 97.80 %"."""
    name, values = entry.data.task.ranked_by.name, entry.values
    column = next((f"{split}_{name}" for split in SCORED_FIRST if f"{split}_{name}" in values), None)
    return f"{column.replace('_', ' ')} {values[column].shown(column)}" if column else "-"


def remove(
    runs: options.RunNames = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Delete a run even if it is running or damaged.")] = False,
    everything: Annotated[
        bool, typer.Option("--everything", help="Delete what else is in its folder too, and not only what nnlab wrote.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Delete runs. What nnlab did not write stays where it is, and is named."""
    if not runs:
        raise RunError("no run is named", "nnlab rm RUN...; `nnlab runs` lists them")
    found = list({run.path.resolve(): run for run in (rundir.find(runs_dir, name) for name in runs)}.values())
    if not force:
        _refuse_to_delete(found)
    if sys.stdin.isatty() and not yes:
        names = ", ".join(run.name for run in found)
        question = f"delete {names}, and everything in there?" if everything else f"delete {names}?"
        typer.confirm(terminal.clean(question), abort=True, err=True)
        if not force:
            _refuse_to_delete(found)  # one may have been resumed meanwhile
    documents = []
    try:
        for run in found:
            removed, left = rundir.remove(run, everything=everything)
            documents.append({"run": run.name, "path": str(run.path), "removed": removed, "left": left})
            screen.note(_said(run, left))
    finally:
        if json:
            screen.print_json(documents)


def _said(run: rundir.RunDir, left: list[str]) -> str:
    """What was deleted, and what was left."""
    if not left:
        return f"deleted {run.path}"
    listed = ", ".join(left[:MOST_LEFT])
    more = f" and {len(left) - MOST_LEFT:,} more" if len(left) > MOST_LEFT else ""
    return f"deleted the run in {run.path}, and left what nnlab did not write: {listed}{more}"


def _refuse_to_delete(runs: list[rundir.RunDir]) -> None:
    """Raise RunError for the first run that is going, or damaged."""
    for run in runs:
        status = _status(run)
        if status == RUNNING:
            raise RunError(f"{run.path}: this run is still going", "stop it first, or add --force")
        if status == "damaged":
            raise RunError(f"{run.path}: its run.json is not a run's, or damaged", "look at it, then add --force")


def _status(run: rundir.RunDir) -> str:
    try:
        return run.summary().status
    except RunError:
        return "damaged"


def total_time(summary: rundir.Summary) -> str:
    """How long a run has taken, or a dash where that is not known."""
    return screen.duration(summary.seconds.get("total") or None)
