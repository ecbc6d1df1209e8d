"""The eval and predict commands: what a run's weights say of its own data, and of new inputs."""

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnlab.cli import options, screen
from nnlab.metrics import shown

if TYPE_CHECKING:
    from nnlab.experiment import Predictions, SplitReport

MOST_CELLS = 12


class Split(StrEnum):
    """The splits there may be."""

    train = "train"
    val = "val"
    test = "test"


def evaluate(
    run: options.RunName,
    split: Annotated[Split | None, typer.Option("--split", help="Default: test, else val, else train.")] = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    json: options.Json = False,
) -> None:
    """Evaluate a run's weights on a split of its data again."""
    from nnlab import experiment, rundir
    from nnlab.cli.download import Fetching

    with Fetching() as progress:
        report = experiment.evaluate(rundir.find(runs_dir, run), split.value if split else None, progress)
    for warning in report.warnings:
        screen.note(f"warning: {warning}")
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
    screen.print_table(["split", *names], lines, title=report.run.name, faint=range(1, len(lines)))
    if report.classes:
        rows = [
            [
                each.name,
                *(shown("accuracy", value) for value in (each.precision, each.recall, each.f1)),
                each.count,
            ]
            for each in report.classes
        ]
        screen.print_table(["class", "precision", "recall", "F1", "examples"], rows)
    if report.confusion is not None and len(report.classes) <= MOST_CELLS:
        names = [each.name for each in report.classes]
        counts = [[name, *row] for name, row in zip(names, report.confusion.tolist(), strict=True)]
        screen.print_table(["true \\ predicted", *names], counts)
    if report.picture:
        screen.line(str(report.run.path / report.picture))


def predict(
    run: options.RunName,
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Numbers (3.5 or 3.5,1,2), picture files, .npy or .csv files."),
    ],
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    json: options.Json = False,
) -> None:
    """Predict new inputs with a run's weights."""
    from nnlab import experiment, rundir

    found = experiment.predict(rundir.find(runs_dir, run), inputs)
    for warning in found.warnings:
        screen.note(f"warning: {warning}")
    if json:
        screen.print_json(_predictions_as_json(found))
    elif found.task == "classification":
        rows = [[item.input, item.label, f"{100 * (item.probability or 0):.2f} %"] for item in found.items]
        screen.print_table(["input", "class", "probability"], rows, left=(0, 1))
    else:
        names = [found.target_name] if len(found.items[0].values) == 1 else []
        names = names or [f"{found.target_name} {number + 1}" for number in range(len(found.items[0].values))]
        screen.print_table(
            ["input", *names], [[item.input, *(f"{value:.6g}" for value in item.values)] for item in found.items]
        )


def _predictions_as_json(found: "Predictions") -> dict[str, Any]:
    rows: list[dict[str, Any]]
    if found.task == "classification":
        keys = ("input", "label", "probability", "probabilities")
        rows = [{key: getattr(item, key) for key in keys} for item in found.items]
    else:
        rows = [{"input": item.input, "value": item.values[0], "values": item.values} for item in found.items]
    return {"task": found.task, "classes": found.classes, "predictions": rows}
