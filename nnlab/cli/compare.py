"""The compare command: what differs between runs and what each scores, best first."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnlab.cli import options, screen
from nnlab.metrics import shown

if TYPE_CHECKING:
    from nnlab.comparison import Group


def compare(
    runs: options.RunNames = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    sort: Annotated[
        str | None,
        typer.Option("--sort", help="A column, such as test_loss, seconds or train.lr; -COLUMN turns the order round."),
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw all curves into this PNG.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write table and curves into this page.")] = None,
    json: options.Json = False,
) -> None:
    """Compare runs: all of them, or those named. Runs on other data are ranked apart."""
    from nnlab import comparison as comparing
    from nnlab import rundir
    from nnlab.cli.files import write, write_picture

    chosen = [rundir.find(runs_dir, name) for name in runs] if runs else rundir.all_runs(runs_dir)
    comparison = comparing.compare(chosen, sort)
    for warning in comparison.warnings:
        screen.note(f"warning: {warning}")
    if plot:
        for path, picture in comparing.pictures(comparison, plot):
            screen.note(f"curves: {write_picture(path, picture)}")
    if html:
        screen.note(f"page: {write(html, comparing.page(comparison).encode(errors='replace'))}")
    if json:
        screen.print_json(comparing.as_json(comparison))
    else:
        for group in comparison.groups:
            _print(group)


def _print(group: "Group") -> None:
    metrics = group.columns
    rows = [
        [
            row.name,
            *(row.config.get(key, "-") for key in group.differing),
            *(shown(name, row.values.get(name)) for name in metrics),
            "-" if row.seconds is None else screen.duration(row.seconds),
            row.status,
        ]
        for row in group.rows
    ]
    texts = [0, *range(1, 1 + len(group.differing)), len(group.differing) + len(metrics) + 2]
    columns = ["run", *group.differing, *(name.replace("_", " ") for name in metrics), "time", "status"]
    screen.print_table(columns, rows, title=group.data.title, left=texts)
