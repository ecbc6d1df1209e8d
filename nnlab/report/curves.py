"""Curves: what the charts of a group draw: each entry's losses and scores against the step and the seconds."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlab.comparison import Entry, Group, curves
from nnlab.dataset import Array
from nnlab.errors import RunError
from nnlab.present.marks import envelope
from nnlab.present.values import Chart, Series
from nnlab.report.looks import labels_of
from nnlab.report.numbers import rounded
from nnlab.rundir import LOSSES

MOST_POINTS = 300
"""Of one curve, where there are few of them."""
ALL_POINTS = 3000
"""Of the curves of one chart."""


def charts_of(group: Group) -> list[Chart]:
    """The charts of the group's entries, in their order; none without any curve."""
    return curves.charts_of(group, labels_of(group))


def drawn_of(charts: Sequence[Chart]) -> list[Chart]:
    """Those to draw, the score first; the watched split's loss is left out where that is the training split."""
    loss, score, train = charts
    return [score, train] if loss.title == "train loss" else [score, loss, train]


def titled(chart: Chart) -> str:
    """Its title with a capital first letter, the others as they are."""
    return chart.title[:1].upper() + chart.title[1:]


def as_data(group: Group, charts: Sequence[Chart]) -> dict[str, Any]:
    """The curves as plain data for the page's script."""
    entries = list(zip(*(chart.series for chart in charts), strict=True))
    most = max(40, min(MOST_POINTS, ALL_POINTS // max(1, len(entries))))
    return {
        "charts": [
            {"column": chart.column, "title": titled(chart), "unit": "percent" if chart.percent else "number"}
            for chart in (drawn_of(charts) if charts else [])
        ],
        "entries": [
            {
                "name": series[0].name,
                "look": series[0].place,
                "columns": _columns(charts, series, most),
                "every": _every_step(group.entries[series[0].place], series[0], most),
            }
            for series in entries
        ],
    }


def _columns(charts: Sequence[Chart], series: Sequence[Series], most: int) -> dict[str, list[float | None]]:
    """The curves of one entry by the name of their column, with their deviations and what they are drawn against."""
    columns = {"step": series[0].x, "seconds": series[0].seconds}
    for chart, each in zip(charts, series, strict=True):
        columns |= {chart.column: each.y, f"{chart.column}_sd": each.sd}
    found = {name: values for name, values in columns.items() if values is not None}
    return {name: rounded(_thinned(values, most), 9 if name == "step" else 5) for name, values in found.items()}


def _thinned(values: Array, most: int) -> Array:
    """Evenly chosen points, the first and the last among them."""
    return values[np.linspace(0, len(values) - 1, min(len(values), most)).round().astype(np.int64)]


def _every_step(entry: Entry, series: Series, most: int) -> dict[str, list[float | None]] | None:
    """The loss of every step of a single run, thinned so that no spike is lost; None where there is none."""
    if len(entry.rows) > 1 or series.seconds is None:
        return None
    try:
        losses = entry.rows[0].run.array(LOSSES)
    except RunError:
        return None  # a run that has not finished has no such file yet
    if losses.ndim != 1 or losses.dtype.kind != "f" or not len(losses):
        return None
    steps, kept = envelope(np.arange(1, len(losses) + 1), np.nan_to_num(losses, nan=np.inf), most // 2)
    seconds = np.interp(steps, [0, *series.x], [0, *series.seconds])
    return {"step": rounded(steps, 9), "seconds": rounded(seconds), "loss": rounded(kept, 4)}
