"""The compare command: what differs between runs and what each scores, best first."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnlab.cli import options, screen
from nnlab.errors import ConfigError
from nnlab.present.values import Format, Listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nnlab.comparison import Entry
    from nnlab.comparison.several import Verdicts
    from nnlab.comparison.significance import Verdict
    from nnlab.rundir import RunDir


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
    from nnlab.comparison.curves import pictures
    from nnlab.comparison.listing import as_text, listing
    from nnlab.comparison.rows import CHOSEN_BY_TEST

    if json and form not in (None, Format.json):
        raise ConfigError(f"--json and --format {form} are two formats", "give one of them")
    form = Format.json if json else form
    named = [comparing.select(runs_dir, name) for name in runs or []]
    if test:
        _test(named, form, beside=bool(sort or each or plot or html))
        return
    chosen = [run for found in named for run in found] if runs else rundir.all_runs(runs_dir)
    comparison = comparing.compare(chosen, sort, each=each)
    screen.warn(comparison.warnings)
    if plot:
        for path, picture in pictures(comparison, plot):
            screen.note(f"curves: {write_picture(path, picture)}")
    if html:
        screen.note(f"page: {write(html, overview.page(comparison).encode(errors='replace'))}")
    if form is not None:
        screen.write(as_text(comparison, form))
    else:
        for group in comparison.groups:
            screen.show(listing(group, last=("status",), time="time", shown_time=screen.duration))
        if any(group.chosen_by_test for group in comparison.groups):
            screen.line(CHOSEN_BY_TEST)


def _test(named: "Sequence[Sequence[RunDir]]", form: Format | None, *, beside: bool) -> None:
    """Say which of two or more are better than which."""
    from nnlab.comparison import several, significance

    if beside:
        raise ConfigError("--test says one thing of two runs or more", "leave --sort, --each, --plot and --html out")
    if form not in (None, Format.json):
        raise ConfigError(f"--test has no format {form}", "use --json, or no format")
    entries = several.sides(named)
    if len(entries) == 2:
        verdict = significance.judge(*entries)
        document, remarks, shown = significance.as_json(verdict), verdict.remarks, _verdict(verdict)
    else:
        verdicts = several.judge_all(entries)
        document, remarks, shown = several.as_json(verdicts), verdicts.remarks, _verdicts(verdicts)
    if form is Format.json:
        screen.print_json(document)
        return
    for each in shown:
        screen.show(each)
    for remark in remarks:
        screen.note(f"note: {remark}")


def _verdict(found: "Verdict") -> list[Listing]:
    metrics = dict.fromkeys(each.metric for each in found.contrasts)
    rows = [[f"test {each.metric}", each.over, f"{each.n:,}", each.shown(), each.method] for each in found.contrasts]
    contrasts = Listing(
        ["metric", "over", "n", "difference", "method"], rows, left=(0, 1, 3, 4), notes=[found.sentence]
    )
    return [_sides({"A": found.a, "B": found.b}, metrics), contrasts]


def _verdicts(found: "Verdicts") -> list[Listing]:
    names = {id(entry): str(number) for number, entry in enumerate(found.entries, 1)}
    rows = [[names[id(each.a)], names[id(each.b)], each.sentence] for each in found.verdicts]
    sides = dict(zip(names.values(), found.entries, strict=True))
    metric, notes = found.verdicts[0].contrasts[0].metric, [found.design, found.sentence]
    return [_sides(sides, [metric]), Listing(["A", "B", "verdict"], rows, left=(0, 1, 2), notes=notes)]


def _sides(entries: "Mapping[str, Entry]", metrics: "Iterable[str]") -> Listing:
    """What is held against each other, and what each scores."""
    columns, title = [f"test_{metric}" for metric in metrics], ""
    rows = []
    for letter, entry in entries.items():
        values, title = entry.values, title or entry.data.title
        scores = [values[name].shown(name) if name in values else "-" for name in columns]
        rows.append([letter, entry.name, entry.config.get("seed", "-"), *scores])
    return Listing(["", "run", "seed", *(name.replace("_", " ") for name in columns)], rows, title, (0, 1, 2))
