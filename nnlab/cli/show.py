"""The show command: one run's numbers, curves, config and files, once or for as long as it trains."""

from typing import TYPE_CHECKING, Annotated

import typer

from nnlab import rundir
from nnlab.cli import curves, options, screen
from nnlab.cli.runs import total_time
from nnlab.errors import ConfigError, RunError
from nnlab.metrics import shortfall
from nnlab.present import terminal
from nnlab.present.values import Listing
from nnlab.rundir.summary import DIED, RUNNING
from nnlab.signals import undisturbed

if TYPE_CHECKING:
    from nnlab.present.charts import Columns

LEAST_SECONDS, MOST_SECONDS = 0.1, 3600.0
WIDE = 110
"""Columns from which on the curves stand beside the numbers."""
LEAST_CURVE = 50
GAP = 3


def show(
    run: options.RunName,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    with_curves: Annotated[
        bool | None,
        typer.Option(
            "--curves/--no-curves",
            help="Draw the curves; with --json, add the columns of metrics.csv, which is not the default there.",
            show_default=False,
        ),
    ] = None,
    watching: Annotated[bool, typer.Option("--watch", help="Follow the run until it ends.")] = False,
    every: Annotated[float, typer.Option("--every", help="With --watch: seconds between two looks.")] = 1.0,
    json: options.Json = False,
) -> None:
    """Show one run: its result, its curves, its config and its files; or all seeds of a config together."""
    from nnlab.cli.watch import watch

    if not LEAST_SECONDS <= every <= MOST_SECONDS:
        raise ConfigError(f"--every: given {every:g}", f"give {LEAST_SECONDS:g} to {MOST_SECONDS:,.0f} seconds")
    from nnlab.comparison import select

    matches = select(runs_dir, run)
    if len(matches) > 1:
        if watching:
            raise RunError(f"{run}: these are {len(matches)} runs", "--watch follows one; add -seedN to the name")
        _show_seeds(matches, json, with_curves is not False)
        return
    found = matches[0]
    summary = found.summary()
    ended = watching and summary.status == RUNNING
    if ended:
        watch(found, summary, every, drawing=with_curves is not False, results=not json)
        summary = found.summary()
        screen.note(f"{found.name} has ended: {_status_in_words(found, summary)}")
    elif watching:
        screen.note(f"{found.name} is not running, so it is shown once: {_status_in_words(found, summary)}")
    if json:
        rows = {"curves": found.metrics.read()} if with_curves else {}
        screen.print_json({"path": str(found.path), **summary.to_json(), "files": found.files(), **rows})
        return
    with undisturbed():
        _print_numbers(found, summary, with_curves is not False)
    if not ended:  # what was watched was its numbers, and they are to stay on the screen
        screen.line(found.config.read())
        screen.show(Listing(["file", "bytes"], [[name, f"{size:,}"] for name, size in found.files().items()]))
    screen.line(str(found.path))


def _show_seeds(runs: list[rundir.RunDir], json: bool, drawing: bool) -> None:
    """The scores of each seed and of all of them together, the curves of their means, the config and the paths."""
    from nnlab import comparison
    from nnlab.cli.train import print_entry
    from nnlab.comparison.curves import charts_of_seeds
    from nnlab.comparison.listing import as_json

    compared = comparison.compare(runs)
    if json:
        screen.print_json(as_json(compared))
        return
    for group in compared.groups:
        for entry in group.entries:
            print_entry(entry, group)
            if drawing and len(entry.rows) > 1 and (picture := curves.drawn(charts_of_seeds(entry), curves.width())):
                with undisturbed():
                    screen.out().print(picture)
                screen.line("")
    screen.line(runs[0].config.read())
    for run in runs:
        screen.line(str(run.path))


def _status_in_words(run: rundir.RunDir, summary: rundir.Summary) -> str:
    """The status with its reason, and where a stopped run would go on."""
    text = summary.status + (f": {summary.error}" if summary.error else "")
    if summary.status not in (DIED, "interrupted"):
        return text
    state = run.checkpoint_state()
    return f"{text}; nnlab resume " + (f"goes on from step {state.standing.step:,}" if state else "starts it again")


def _columns(run: rundir.RunDir) -> "tuple[Columns, str]":
    """The columns of metrics.csv, and why there are none where they cannot be read."""
    try:
        return run.metrics.read(), ""
    except RunError as error:
        return {}, error.message


def _print_numbers(run: rundir.RunDir, summary: rundir.Summary, drawing: bool) -> None:
    """The facts and the result, with the curves beside them where there is room, else below."""
    from nnlab.cli.train import result

    columns, trouble = _columns(run)
    scores = result(summary)
    listings = [_facts(run, summary, "" if scores else curves.row(columns)), *([scores] if scores else [])]
    drawn = drawing and _print_beside(listings, columns)
    if not drawn:
        for listing in listings:
            screen.show(listing)
    if drawing and not drawn and (picture := curves.of_run(columns, curves.width())):
        screen.out().print(picture)
        screen.line("")
    elif drawing and not drawn:
        few = "there is no room for them" if columns.get("step") else "nothing has been evaluated yet"
        screen.note(f"no curves: {trouble or few}")


def _print_beside(listings: list[Listing], columns: "Columns") -> bool:
    """Tables at the left and curves at the right; False where the terminal is too narrow, or there are no curves."""
    from rich.measure import Measurement

    out, wide = screen.out(), curves.width()
    if wide < WIDE:
        return False
    numbers = terminal.stacked(listings)
    left = min(Measurement.get(out, out.options, numbers).maximum, wide - LEAST_CURVE - GAP)
    picture = curves.of_run(columns, wide - left - GAP)
    if picture is None:
        return False
    out.print(terminal.beside(numbers, picture, gap=GAP, left=left))
    screen.line("")
    return True


def _facts(run: rundir.RunDir, summary: rundir.Summary, last_row: str) -> Listing:
    """What the run is, and how far it came; ``last_row`` is its newest evaluation, where there is nothing later."""
    data = summary.dataset
    facts: list[list[object]] = [
        ["status", _status_in_words(run, summary)],
        ["model", f"{summary.model}, {screen.count(summary.parameters)} parameters, on {summary.device}"],
        ["data", f"{data.name}, SHA-256 {str(data.sha256)[:12]}…"],
        ["started", summary.started],
        ["steps", f"{screen.count(summary.steps)} ({summary.epochs or 0:g} epochs), {total_time(summary)}"],
    ]
    if best := summary.best:
        facts.append(["best", f"{best.metric} {best.value} at step {best.step}"])
    if worse := shortfall(summary.learnt, summary.metrics, summary.baselines):
        facts.append(["mark", worse.mark])
    if last_row:
        facts.append(["last row", last_row])
    return Listing(["run", run.name], facts, left=(0, 1))
