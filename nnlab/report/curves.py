"""Curves: what the charts of a group draw: each entry's losses and scores against the step and the seconds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlab.comparison import Entry, Group, columns_of
from nnlab.dataset import Array
from nnlab.errors import RunError
from nnlab.metrics import shown
from nnlab.present.marks import envelope
from nnlab.report.looks import labels_of
from nnlab.report.numbers import rounded

MOST_POINTS = 300
"""Of one curve, where there are few of them."""
ALL_POINTS = 3000
"""Of the curves of one chart."""
DECADES = 30
"""How many times the lowest loss the highest must be to start with a logarithmic axis."""


@dataclass(frozen=True)
class Curve:
    """An entry's curves; of several seeds the means, with their standard deviations."""

    entry: Entry
    label: str
    look: int
    """The entry's place in the group, which gives it its colour and its line."""
    split: str
    """Which was watched."""
    columns: dict[str, Array]
    """(points,): step, seconds, loss and score of the watched split, train, and of several seeds loss_sd, …"""

    @property
    def last(self) -> dict[str, float]:
        """The last value of each column."""
        return {name: float(values[-1]) for name, values in self.columns.items()}


@dataclass(frozen=True)
class Chart:
    """One chart of a group."""

    column: str
    title: str
    unit: str
    """How its numbers are shown: percent or number."""
    note: str


def curves_of(group: Group) -> list[Curve]:
    """The curves of the group's entries, in their order; none for an entry without."""
    return [
        curve
        for look, (entry, label) in enumerate(zip(group.entries, labels_of(group), strict=True))
        for curve in _curve(entry, label, look, group)
    ]


def _curve(entry: Entry, label: str, look: int, group: Group) -> Iterator[Curve]:
    found = columns_of(entry, group.data.task)
    if found is None:
        return
    split, read = found
    names = {"loss": f"{split}_loss", "score": f"{split}_{score_of(group)}", "train": "train_loss"}
    columns = {name: read[name].mean(axis=0) for name in ("step", "seconds")}
    with np.errstate(all="ignore"):  # a run that diverged
        for name, column in names.items():
            columns[name] = read[column].mean(axis=0)
            if len(entry.rows) > 1:
                columns[f"{name}_sd"] = read[column].std(axis=0, ddof=1)
    yield Curve(entry, label, look, split, columns)


def score_of(group: Group) -> str:
    """The metric that is drawn beside the loss."""
    return group.data.task.curve.name


def charts_of(group: Group, curves: Sequence[Curve]) -> list[Chart]:
    """The charts there are to draw; the watched split's loss is left out where that is the training split."""
    splits = " / ".join(sorted({curve.split for curve in curves}))
    task = group.data.task
    score, unit = task.curve, task.unit or task.loss
    charts = [
        Chart("score", _capital(f"{splits} {score.title}"), "percent" if score.percent else "number", ""),
        Chart("loss", _capital(f"{splits} loss"), "number", unit),
        Chart("train", "Training loss", "number", f"{unit}; faint: each step"),
    ]
    return [chart for chart in charts if chart.column != "loss" or splits != "train"]


def _capital(text: str) -> str:
    """With a capital first letter, the others as they are."""
    return text[:1].upper() + text[1:]


def as_data(group: Group, curves: Sequence[Curve]) -> dict[str, Any]:
    """The curves as plain data for the page's script."""
    most = max(40, min(MOST_POINTS, ALL_POINTS // max(1, len(curves))))
    return {
        "charts": [
            {"column": chart.column, "title": chart.title, "unit": chart.unit} for chart in charts_of(group, curves)
        ],
        "entries": [
            {
                "name": curve.label,
                "look": curve.look,
                "columns": {
                    name: rounded(_thinned(values, most), 9 if name == "step" else 5)
                    for name, values in curve.columns.items()
                },
                "every": _every_step(curve, most),
            }
            for curve in curves
        ],
    }


def spans_decades(curves: Sequence[Curve]) -> bool:
    """Whether the losses are best seen on a logarithmic axis."""
    losses = np.concatenate([np.zeros(0), *(curve.columns["loss"] for curve in curves)])
    drawn = losses[np.isfinite(losses)]
    return bool(len(drawn)) and 0 < float(drawn.min()) * DECADES < float(drawn.max())


def last_values(curve: Curve, group: Group, curves: Sequence[Curve]) -> list[str]:
    """Name, steps, and of each chart the last value as text."""
    last, score = curve.last, score_of(group)
    texts = {"score": shown(score, last["score"]), "loss": shown("loss", last["loss"])}
    texts["train"] = shown("loss", last["train"])
    return [curve.label, f"{last['step']:,.0f}", *(texts[c.column] for c in charts_of(group, curves))]


def _thinned(values: Array, most: int) -> Array:
    """Evenly chosen points, the first and the last among them."""
    return values[np.linspace(0, len(values) - 1, min(len(values), most)).round().astype(np.int64)]


def _every_step(curve: Curve, most: int) -> dict[str, list[float | None]] | None:
    """The loss of every step of a single run, thinned so that no spike is lost; None where there is none."""
    if len(curve.entry.rows) > 1:
        return None
    try:
        losses = curve.entry.rows[0].run.losses.read()
    except RunError:
        return None  # a run that has not finished has no such file yet
    if losses.ndim != 1 or losses.dtype.kind != "f" or not len(losses):
        return None
    steps, kept = envelope(np.arange(1, len(losses) + 1), np.nan_to_num(losses, nan=np.inf), most // 2)
    seconds = np.interp(steps, [0, *curve.columns["step"]], [0, *curve.columns["seconds"]])
    return {"step": rounded(steps, 9), "seconds": rounded(seconds), "loss": rounded(kept, 4)}
