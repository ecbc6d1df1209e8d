"""Charts: which curves are drawn, of one run, of a config's seeds and of runs beside each other."""

from collections.abc import Mapping, Sequence

import numpy as np

from nnlab.dataset import Array
from nnlab.dataset.task import LOSS, Metric, every_curve
from nnlab.present.values import Chart, Series

Columns = Mapping[str, Sequence[float]]
"""Those of metrics.csv."""


def watched(columns: Columns) -> str:
    """The split that the evaluations in ``columns`` are of."""
    return next((split for split in ("val", "test") if f"{split}_loss" in columns), "train")


def of_run(columns: Columns) -> list[Chart]:
    """The loss in training and of the watched split, and its score where there is one; none before any evaluation."""
    split = watched(columns)
    if not len(columns.get("step", ())):
        return []
    steps, values = np.asarray(columns["step"]), {name: np.asarray(column) for name, column in columns.items()}
    losses = [name for name in dict.fromkeys(("train", split)) if f"{name}_loss" in values]
    found = [Chart("loss", "loss", [Series(name, steps, values[f"{name}_loss"]) for name in losses], log=True)]
    score = next((metric for metric in every_curve() if f"{split}_{metric.name}" in values), None)
    if score is not None:
        series = [Series(split, steps, values[f"{split}_{score.name}"])]
        found.append(Chart(score.name, score.name, series, score.percent))
    return found if losses else found[1:]


def of_seeds(runs: Sequence[Columns], score: Metric) -> list[Chart]:
    """The loss and the score of runs of one config: the mean, and what lies a standard deviation above and below."""
    measured = _measured(runs, score)
    if measured is None:
        return []
    split, columns = measured
    steps, found = columns["step"].mean(axis=0), []
    for metric in (LOSS, score):
        values = columns[f"{split}_{metric.name}"]
        mean, sd = values.mean(axis=0), values.std(axis=0, ddof=1)
        series = [Series("mean", steps, mean), Series("+ sd", steps, mean + sd), Series("- sd", steps, mean - sd)]
        found.append(Chart(metric.name, f"{split} {metric.name}, {len(values)} seeds", series, metric.percent))
    return found


def of_entries(entries: Mapping[int, tuple[str, Sequence[Columns]]], score: Metric) -> list[Chart]:
    """Loss, score and loss in training of entries by their place, each a name and its runs; none without any curve."""
    series: dict[str, list[Series]] = {"loss": [], "score": [], "train": []}
    splits = set()
    for place, (name, runs) in entries.items():
        if measured := _measured(runs, score):
            split, columns = measured
            splits.add(split)
            for of, column in (("loss", f"{split}_loss"), ("score", f"{split}_{score.name}"), ("train", "train_loss")):
                series[of].append(_mean(name, columns, column, place))
    split = " / ".join(sorted(splits))
    return [
        Chart("loss", f"{split} loss", series["loss"], log=True),
        Chart("score", f"{split} {score.title}", series["score"], percent=score.percent),
        Chart("train", "training loss", series["train"], log=True),
    ] * bool(splits)


def _mean(name: str, columns: Mapping[str, Array], column: str, place: int) -> Series:
    steps, seconds = (columns[of].mean(axis=0) for of in ("step", "seconds"))
    values = columns[column]
    with np.errstate(all="ignore"):  # a run that diverged
        sd = values.std(axis=0, ddof=1) if len(values) > 1 else None
        return Series(name, steps, values.mean(axis=0), seconds, sd, place)


def _measured(runs: Sequence[Columns], score: Metric) -> tuple[str, dict[str, Array]] | None:
    """The split that runs of one config watched, and their columns, each (runs, points); None without any curve.

    There are as many points as the shortest has: runs of one config are evaluated at the same steps.
    """
    found = []
    for columns in runs:
        split = next((split for split in ("val", "test", "train") if f"{split}_{score.name}" in columns), None)
        names = ("step", "seconds", "train_loss", f"{split}_loss", f"{split}_{score.name}")
        if split is not None and set(names) <= set(columns) and len(columns["step"]):
            found.append((split, {name: np.array(columns[name]) for name in names}))
    if not found or len({split for split, _ in found}) > 1:
        return None
    points = min(len(columns["step"]) for _, columns in found)
    split, first = found[0]
    return split, {name: np.stack([columns[name][:points] for _, columns in found]) for name in first}
