"""The eval and predict commands: what a run's weights say of its own data, and of new inputs."""

import csv
import glob
import gzip
import io
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

import typer

from nnlab.cli import files, options, screen
from nnlab.errors import ConfigError
from nnlab.metrics import shown
from nnlab.present.values import Listing

if TYPE_CHECKING:
    from nnlab.experiment import Predictor
    from nnlab.experiment.split_report import SplitReport

MOST_CELLS = 12
MOST_ROWS = 1000
"""Predictions that are printed."""
STDOUT = Path("-")


def evaluate(
    run: options.RunName,
    split: Annotated[
        Literal["train", "val", "test"] | None, typer.Option("--split", help="Default: test, else val, else train.")
    ] = None,
    data: options.Data = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    json: options.Json = False,
) -> None:
    """Evaluate a run's weights on a split of its data again."""
    from nnlab import experiment, rundir
    from nnlab.cli.download import Fetching

    with Fetching() as progress:
        report = experiment.evaluate(rundir.find(runs_dir, run), split, progress, data)
    screen.warn(report.warnings)
    if report.recorded and report.recorded != report.metrics:
        screen.note("warning: these numbers differ from those in run.json; another machine or version may be why")
    if json:
        screen.print_json(_as_json(report))
    else:
        _print_report(report)


def _as_json(report: "SplitReport") -> dict[str, Any]:
    return {
        "run": report.run.name,
        "path": str(report.run.path),
        "split": report.split,
        "metrics": report.metrics,
        "recorded": report.recorded,
        "baselines": report.baselines,
        "classes": [asdict(row) for row in report.classes],
        "confusion": None if report.confusion is None else report.confusion.tolist(),
        "picture": str(report.run.path / report.picture) if report.picture else None,
    }


def _print_report(report: "SplitReport") -> None:
    names = list(report.metrics)
    scores = {report.split: report.metrics, **{f"{report.split}, {name}": at for name, at in report.baselines.items()}}
    lines = [[title, *(shown(name, found.get(name)) for name in names)] for title, found in scores.items()]
    screen.show(Listing(["split", *names], lines, title=report.run.name, faint=range(1, len(lines))))
    if report.classes:
        rows = [
            [
                each.name,
                *(shown("accuracy", value) for value in (each.precision, each.recall, each.f1)),
                each.count,
            ]
            for each in report.classes
        ]
        screen.show(Listing(["class", "precision", "recall", "F1", "examples"], rows))
    if report.confusion is not None and len(report.classes) <= MOST_CELLS:
        names = [each.name for each in report.classes]
        counts = [[name, *row] for name, row in zip(names, report.confusion.tolist(), strict=True)]
        screen.show(Listing(["true \\ predicted", *names], counts))
    if report.picture:
        screen.line(str(report.run.path / report.picture))


def predict(
    run: options.RunName,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Numbers (3.5 or 3.5,1,2), tables (.csv, .tsv, .parquet and others), .npy and .npz files, pictures.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write a table: all columns of the input, and what is predicted; .csv, .tsv, each also .gz, or -.",
            show_default=False,
        ),
    ] = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    json: options.Json = False,
) -> None:
    """Predict new inputs with a run's weights, and score them where their targets are there too."""
    from nnlab import experiment, rundir

    if output is not None:
        _check_output(output, inputs)
    if json and output == STDOUT:
        raise ConfigError("--json and -o - are both for stdout", "give one of them")
    predictor = experiment.Predictor(rundir.find(runs_dir, run))
    document: dict[str, Any] = {"task": predictor.task.name, "classes": predictor.classes}
    if output is not None:
        document |= {"path": str(output), "rows": _write(output, predictor.lines(inputs))}
    elif json:
        document["predictions"] = [item for part in predictor.parts(inputs) for item in part.each()]
    else:
        _print_first(predictor, inputs)
    screen.warn(predictor.warnings)
    if json:
        screen.print_json({**document, "metrics": predictor.metrics})
    elif output == STDOUT:
        for name, value in (predictor.metrics or {}).items():
            screen.note(f"{name}: {shown(name, value)}")
    else:
        if output is not None:
            screen.line(str(output))
        if found := predictor.metrics:
            screen.show(Listing(["scored", *found], [["inputs", *(shown(name, found[name]) for name in found)]]))


def _check_output(path: Path, inputs: Sequence[str]) -> None:
    """Raise ConfigError for a name that says no kind of table, and for that of one of the inputs."""
    if path != STDOUT and not path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv")):
        raise ConfigError(
            f"-o {path}: predictions are written as a table", "give it a name that ends in .csv, .tsv or .csv.gz"
        )
    for item in (found for given in inputs for found in (given, *glob.glob(given))):  # noqa: PTH207 (a user's text)
        # Not Path.exists: the numbers of one input, as one text, are too long for a name.
        if path.exists() and os.path.exists(item) and path.samefile(item):  # noqa: PTH110
            raise ConfigError(f"-o {path}: this is one of the inputs", "give the predictions a file of their own")


def _write(path: Path, lines: Iterator[list[list[str]]]) -> int:
    """Write the lines, and return how many there are below the first. Raises ConfigError where that cannot be."""
    if path == STDOUT:
        return _fill(sys.stdout, lines)
    name = path.name.lower()
    with files.appearing(path) as raw:
        packed = gzip.GzipFile("", "wb", 6, raw, 0) if name.endswith(".gz") else raw
        text = io.TextIOWrapper(packed, encoding="utf-8", newline="")
        count = _fill(text, lines, "\t" if name.removesuffix(".gz").endswith(".tsv") else ",")
        text.flush()
        text.detach()
        if packed is not raw:
            packed.close()
        return count


def _fill(file: IO[str], lines: Iterator[list[list[str]]], delimiter: str = ",") -> int:
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    count = -1
    for some in lines:
        writer.writerows(some)
        count += len(some)
    return count


def _print_first(predictor: "Predictor", inputs: Sequence[str]) -> None:
    """Print the predictions as a table: of more than MOST_ROWS only the first."""
    count, rows = 0, list[Sequence[object]]()
    for part in predictor.parts(inputs):
        count += len(part.scores)
        if len(rows) < MOST_ROWS:
            rows += [_shown(item) for item in part.each()]
    if predictor.classes:
        screen.show(Listing(["input", "class", "probability"], rows[:MOST_ROWS], left=(0, 1)))
    else:
        names = predictor.value_names
        names = (predictor.target_name,) if len(names) == 1 else names
        screen.show(Listing(["input", *names], rows[:MOST_ROWS]))
    if count > MOST_ROWS:
        screen.note(f"these are the first {MOST_ROWS:,} of {count:,} predictions; -o FILE.csv writes them all")


def _shown(item: dict[str, Any]) -> list[object]:
    if "label" in item:
        return [item["input"], item["label"], f"{100 * item['probability']:.2f} %"]
    return [item["input"], *(f"{value:.6g}" for value in item["values"])]
