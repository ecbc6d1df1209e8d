"""Curves: losses and scores against the step and the time, of one run or of several."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from nnlab.dataset import Array
from nnlab.present.drawing import FAINT, HEIGHT, TEXT, WIDTH, add_legend, new_axes, new_figure, png, style
from nnlab.present.fitting import short
from nnlab.present.marks import Look, add_curve, add_line, envelope, finite, looks, spans_decades
from nnlab.present.values import Chart

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MOST_ENDS = 12
# A split keeps its look from picture to picture, whichever others are beside it.
SPLITS = ("test", "train", "val")


def drawn(
    chart: Chart,
    *,
    title: str,
    label: str = "",
    every: tuple[Array, Array] | None = None,
    steps_per_epoch: float | None = None,
) -> bytes:
    """The curves of a chart, its axis called ``label``; ``every`` is steps and losses of each one, faint under them."""
    with style():
        figure, axes = new_axes(title)
        heights, before = [finite(series.x, series.y)[1] for series in chart.series], {}
        if every is not None:
            x, y = envelope(*finite(*every))
            width, marker = 0.5 if len(x) > 1000 else 1.0, "o" if len(x) == 1 else ""
            axes.plot(x, y, color=FAINT, alpha=0.6, linewidth=width, marker=marker, markersize=8)
            [line] = axes.plot([], [], color=FAINT, linewidth=2)
            heights, before = [y, *heights], {"train, every step": line} if len(x) else {}
        log = chart.log and spans_decades(heights)
        _draw(figure, axes, chart, log=log, before=before)
        unit = ", %" if chart.percent else ", log scale" if log else ""
        axes.set_ylabel(short(label or chart.title, TEXT, HEIGHT - 1.5) + unit)
        _step_axis(axes, steps_per_epoch)
        return png(figure)


def overlay(charts: Sequence[Chart], *, title: str) -> bytes:
    """Charts of the same runs below each other, against step and time; after the first only those with a point."""
    with style():
        first, *others = charts
        rows = [first, *(chart for chart in others if any(len(finite(each.x, each.y)[0]) for each in chart.series))]
        figure = new_figure(title, WIDTH, 5.6 if len(rows) > 1 else 3.4)
        panels = figure.subplots(len(rows), 2, sharex="col", sharey="row", squeeze=False)
        times = [np.full(len(each.x), np.nan) if each.seconds is None else each.seconds for each in first.series]
        second, unit = _time_unit(max((max(finite(time, time)[0], default=0.0) for time in times), default=0.0))
        handles, markers = [], 30 if len(times) <= 4 else 1
        for chart, (by_step, by_time) in zip(rows, panels, strict=True):
            scale = 100 if chart.percent else 1
            for each, time, look in zip(chart.series, times, looks(len(times)), strict=True):
                line = add_curve(by_step, each.x, each, look, scale, markers)
                add_curve(by_time, np.asarray(time, dtype=np.float64) / second, each, look, scale, markers)
                handles += [line] if chart is first else []
            log = chart.log and spans_decades(finite(each.x, each.y)[1] for each in chart.series)
            by_step.set_ylabel(
                short(chart.title, TEXT, 1.8) + (", log scale" if log else ", %" if chart.percent else "")
            )
            if log:
                _log_axis(by_step)
            if chart.percent:
                _percent_limits(by_step)
        _step_axis(panels[-1, 0], None, ticks=5)
        panels[-1, 1].set_xlabel(f"time, {unit}")
        panels[-1, 1].set_xlim(left=0)
        add_legend(figure, handles, [each.name for each in first.series])
        return png(figure)


def _draw(figure: "Figure", axes: "Axes", chart: Chart, *, log: bool, before: "Mapping[str, Artist]") -> None:
    """The curves with their last values at the right, and under the axes a legend that starts with ``before``."""
    names = [series.name for series in chart.series]
    lines, ends = [], []
    for series, look in zip(chart.series, _split_looks(names), strict=True):
        x, y = finite(series.x, series.y)
        scaled = 100 * y if chart.percent else y
        lines.append(add_line(axes, x, scaled, look))
        if len(y):
            ends.append(
                (float(scaled[-1]), f"{scaled[-1]:.2f} %" if chart.percent else f"{scaled[-1]:.4g}", look.color)
            )
    if log:
        _log_axis(axes)
    if chart.percent:
        _percent_limits(axes)
    if len(ends) <= MOST_ENDS:
        _ends(axes, ends)
    add_legend(figure, [*before.values(), *lines], [*before, *names])


def _split_looks(labels: Sequence[str]) -> list[Look]:
    """The look of each split by the first word of its label; looks in order where that tells nothing apart."""
    words = [label.partition(" ")[0].rstrip(",:") for label in labels]
    if len(set(words)) == len(words) and set(words) <= set(SPLITS):
        look = dict(zip(SPLITS, looks(len(SPLITS)), strict=True))
        return [look[word] for word in words]
    return looks(len(labels))


def _ends(axes: "Axes", ends: Sequence[tuple[float, str, str]]) -> None:
    """Values written right of the axes at their heights, moved apart where they would touch."""
    axes.get_ylim()  # matplotlib works out the limits when asked for them; before that transData knows no data
    heights = [float(axes.transAxes.inverted().transform(axes.transData.transform((0, y)))[1]) for y, _, _ in ends]
    for (_, text, color), height in zip(ends, spread(heights, 0.05), strict=True):
        axes.text(1.012, height, text, transform=axes.transAxes, color=color, va="center", fontweight="bold")


def spread(places: Sequence[float], gap: float) -> list[float]:
    """The places between 0 and 1, moved as little as it takes to be ``gap`` apart, in the same order."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = [min(1.0, max(0.0, places[i])) for i in order]
    for _ in range(100):
        for i, (low, high) in enumerate(pairwise(moved)):
            push = max(0.0, gap - (high - low)) / 2
            moved[i], moved[i + 1] = low - push, high + push
        over, under = max(0.0, max(moved, default=0) - 1), max(0.0, -min(moved, default=0))
        moved = [place - over + under for place in moved]
    return [moved[order.index(i)] for i in range(len(places))]


def _step_axis(axes: "Axes", steps_per_epoch: float | None, ticks: int = 8) -> None:
    """Steps below and, where there is more than one step an epoch, epochs above."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    if steps_per_epoch and steps_per_epoch > 1 and axes.get_xlim()[1] >= steps_per_epoch:
        each = float(steps_per_epoch)
        top = axes.secondary_xaxis("top", functions=(lambda x: np.divide(x, each), lambda x: np.multiply(x, each)))
        top.set_xlabel("epoch")
        top.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
        top.tick_params(length=0)
        top.spines[:].set_visible(False)


def _log_axis(axes: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    subs = (1.0, 2.0, 5.0) if high < 3000 * low else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,g}"))


def _percent_limits(axes: "Axes") -> None:
    """No axis runs to 105 percent for the sake of a margin, nor down to the first steps where that hides the rest."""
    low, high = axes.get_ylim()
    settled = _settled(axes)
    if settled - low > (high - low) / 3:
        low = settled
    axes.set_ylim(max(low, -1.0), min(high, 100.0 + 0.02 * max(100.0 - low, 0.0)))


def _settled(axes: "Axes") -> float:
    """The lowest value of any curve after the first twentieth of its points, rounded down to a multiple of 5."""
    lows = [float(np.min(y[len(y) // 20 :])) for y in map(_heights, axes.get_lines()) if len(y)]
    return 5 * math.floor(min(95.0, *lows) / 5) if lows else 0.0


def _heights(line: "Line2D") -> Array:
    return np.asarray(line.get_ydata(), dtype=np.float64)


def _time_unit(seconds: float) -> tuple[float, str]:
    """The unit in which this many seconds are a number to read, and how many seconds it has."""
    return (1.0, "s") if seconds < 300 else (60.0, "min") if seconds < 3 * 3600 else (3600.0, "h")
