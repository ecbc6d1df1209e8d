"""The compare command: what differs between runs and what each scores, best first."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnlab.cli import options, screen
from nnlab.errors import ConfigError
from nnlab.present.values import Listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnlab.comparison import Entry, Group, Verdict, Verdicts
    from nnlab.rundir import RunDir


class Format(StrEnum):
    """What a table can be printed as: those of ``nnlab.comparison.Format``, and JSON."""

    md = "md"
    csv = "csv"
    latex = "latex"
    json = "json"


def compare(
    runs: options.RunNames = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    sort: Annotated[
        str | None,
        typer.Option("--sort", help="A column, such as test_loss, seconds or train.lr; -COLUMN turns the order round."),
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Show every run, also those that differ in their seed.")] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Say whether the second is better than the first, or which of several are.")
    ] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw all curves into this PNG.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write table and curves into this page.")] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Print the table as Markdown, CSV, LaTeX or JSON.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Compare runs: all of them, or those named. Runs scored on other examples are ranked apart.

    Runs that differ only in their seed are folded into one line, mean ± standard deviation.
    """
    from nnlab import comparison as comparing
    from nnlab import rundir
    from nnlab.cli.files import write, write_picture
    from nnlab.comparison import overview

    if json and form not in (None, Format.json):
        raise ConfigError(f"--json and --format {form} are two formats", "give one of them")
    form = Format.json if json else form
    named = [comparing.select(runs_dir, name) for name in runs or []]
    if test:
        _test(named, form, beside=bool(sort or each or plot or html))
        return
    chosen = [run for found in named for run in found] if runs else rundir.all_runs(runs_dir)
    comparison = comparing.compare(chosen, sort, each=each)
    for warning in comparison.warnings:
        screen.note(f"warning: {warning}")
    if plot:
        for path, picture in comparing.pictures(comparison, plot):
            screen.note(f"curves: {write_picture(path, picture)}")
    if html:
        screen.note(f"page: {write(html, overview.page(comparison).encode(errors='replace'))}")
    if form is Format.json:
        screen.print_json(comparing.as_json(comparison))
    elif form is not None:
        screen.write(comparing.as_text(comparison, comparing.Format(form.value)))
    else:
        for group in comparison.groups:
            _print(group)
        if any(group.chosen_by_test for group in comparison.groups):
            screen.line(comparing.CHOSEN_BY_TEST)


def _print(group: "Group") -> None:
    from nnlab.comparison import BASELINE, lines_of

    metrics = group.columns
    rows, lines = [], lines_of(group)
    for line in lines:
        spreads = [line.values.get(name) for name in metrics]
        shown = [spread.shown(name) if spread else "-" for name, spread in zip(metrics, spreads, strict=True)]
        time = "-" if line.seconds is None else screen.duration(line.seconds)
        rows.append([line.name, *line.texts, *shown, time, line.status])
    status = len(group.differing) + len(metrics) + 2
    texts = [0, *range(1, 1 + len(group.differing)), status]
    columns = ["run", *group.differing, *(name.replace("_", " ") for name in metrics), "time", "status"]
    faint = [number for number, row in enumerate(rows) if row[-1] == BASELINE]
    screen.show(Listing(columns, rows, title=group.data.title, left=texts, faint=faint))
    for line in lines:
        for mark in line.marks:
            screen.line(f"{line.name}: {mark}")
    for remark in group.remarks:
        screen.line(remark)


def _test(named: "Sequence[Sequence[RunDir]]", form: Format | None, *, beside: bool) -> None:
    """Say which of two or more are better than which."""
    from nnlab import comparison as comparing

    if beside:
        raise ConfigError("--test says one thing of two runs or more", "leave --sort, --each, --plot and --html out")
    if form not in (None, Format.json):
        raise ConfigError(f"--test has no format {form}", "use --json, or no format")
    entries = comparing.sides(named)
    if len(entries) == 2:
        verdict = comparing.judge(*entries)
        if form is Format.json:
            screen.print_json(comparing.verdict_as_json(verdict))
        else:
            _print_verdict(verdict)
    else:
        verdicts = comparing.judge_all(entries)
        if form is Format.json:
            screen.print_json(comparing.verdicts_as_json(verdicts))
        else:
            _print_verdicts(verdicts)


def _print_verdict(verdict: "Verdict") -> None:
    columns = [f"test_{name}" for name in dict.fromkeys(each.metric for each in verdict.contrasts)]
    sides = [_side(letter, entry, columns) for letter, entry in (("A", verdict.a), ("B", verdict.b))]
    names = [name.replace("_", " ") for name in columns]
    screen.show(Listing(["", "run", "seed", *names], sides, title=verdict.a.data.title, left=(0, 1, 2)))
    rows = [[f"test {each.metric}", each.over, f"{each.n:,}", each.shown(), each.method] for each in verdict.contrasts]
    screen.show(Listing(["metric", "over", "n", "difference", "method"], rows, left=(0, 1, 3, 4)))
    screen.line(verdict.sentence)
    for remark in verdict.remarks:
        screen.note(f"note: {remark}")


def _print_verdicts(verdicts: "Verdicts") -> None:
    columns = [f"test_{verdicts.verdicts[0].contrasts[0].metric}"]
    sides = [_side(str(number), entry, columns) for number, entry in enumerate(verdicts.entries, 1)]
    title = verdicts.entries[0].data.title
    screen.show(Listing(["", "run", "seed", columns[0].replace("_", " ")], sides, title=title, left=(0, 1, 2)))
    number = {id(entry): str(place) for place, entry in enumerate(verdicts.entries, 1)}
    rows = [[number[id(each.a)], number[id(each.b)], each.sentence] for each in verdicts.verdicts]
    screen.show(Listing(["A", "B", "verdict"], rows, left=(0, 1, 2)))
    screen.line(verdicts.design)
    screen.line(verdicts.sentence)
    for remark in verdicts.remarks:
        screen.note(f"note: {remark}")


def _side(letter: str, entry: "Entry", columns: "Sequence[str]") -> list[str]:
    values = entry.values
    scores = [values[name].shown(name) if name in values else "-" for name in columns]
    return [letter, entry.name, entry.config.get("seed", "-"), *scores]
