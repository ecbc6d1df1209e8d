"""Curves: losses and scores against the step and the time, of one run or of several."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from nnlab.dataset import Array
from nnlab.present.drawing import FAINT, HEIGHT, TEXT, WIDTH, add_legend, new_axes, new_figure, png, style
from nnlab.present.fitting import short
from nnlab.present.marks import Look, add_band, add_line, envelope, finite, looks

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Curves = Mapping[str, tuple[Array, Array]]
"""Steps and values of each curve by its label, in the order of the legend."""

MOST_ENDS = 12
# A split keeps its look from picture to picture, whichever others are beside it.
SPLITS = ("test", "train", "val")


@dataclass(frozen=True)
class Curve:
    """One run in a comparison: its loss and score at each evaluation, and when that was; or the mean over seeds."""

    label: str
    steps: Array
    seconds: Array
    loss: Array
    score: Array | None = None
    loss_sd: Array | None = None
    score_sd: Array | None = None
    """The standard deviations over seeds, drawn as bands around the means."""


def loss(
    steps: Array,
    losses: Array,
    curves: Curves,
    *,
    title: str,
    label: str = "loss",
    steps_per_epoch: float | None = None,
) -> bytes:
    """The loss of every training step, faint, under the curves of its means and of other splits."""
    with style():
        figure, axes = new_axes(title)
        x, y = envelope(*finite(steps, losses))
        width, marker = 0.5 if len(x) > 1000 else 1.0, "o" if len(x) == 1 else ""
        axes.plot(x, y, color=FAINT, alpha=0.6, linewidth=width, marker=marker, markersize=8)
        [every] = axes.plot([], [], color=FAINT, linewidth=2)
        log = spans_decades([y, *(finite(*curve)[1] for curve in curves.values())])
        _draw(figure, axes, curves, log=log, percent=False, before={"train, every step": every} if len(x) else {})
        axes.set_ylabel(short(label, TEXT, HEIGHT - 1.5) + (", log scale" if log else ""))
        _step_axis(axes, steps_per_epoch)
        return png(figure)


def metric(
    curves: Curves,
    *,
    title: str,
    label: str,
    percent: bool = False,
    log: bool = False,
    steps_per_epoch: float | None = None,
) -> bytes:
    """Any metric against the step; ``log`` allows a logarithmic axis where the values span enough for one."""
    with style():
        figure, axes = new_axes(title)
        log = log and spans_decades(finite(*curve)[1] for curve in curves.values())
        _draw(figure, axes, curves, log=log, percent=percent, before={})
        unit = ", %" if percent else ", log scale" if log else ""
        axes.set_ylabel(short(label, TEXT, HEIGHT - 1.5) + unit)
        _step_axis(axes, steps_per_epoch)
        return png(figure)


def overlay(
    runs: Sequence[Curve], *, title: str, loss_label: str = "loss", score_label: str = "score", percent: bool = False
) -> bytes:
    """Several runs on the same axes: the loss and, where there is one, the score, against the step and the time.

    With ``percent`` the scores are fractions and shown in percent.
    """
    with style():
        scored = any(run.score is not None and len(finite(run.steps, run.score)[0]) for run in runs)
        figure = new_figure(title, WIDTH, 5.6 if scored else 3.4)
        panels = figure.subplots(2 if scored else 1, 2, sharex="col", sharey="row", squeeze=False)
        latest = max((max(finite(run.seconds, run.seconds)[0], default=0.0) for run in runs), default=0.0)
        second, unit = _time_unit(latest)
        lines: list[Artist] = []
        markers = 30 if len(runs) <= 4 else 1
        for run, look in zip(runs, looks(len(runs)), strict=True):
            times = np.asarray(run.seconds, dtype=np.float64) / second
            lines.append(add_line(panels[0, 0], run.steps, run.loss, look, markers))
            add_line(panels[0, 1], times, run.loss, look, markers)
            if run.loss_sd is not None:
                add_band(panels[0, 0], run.steps, run.loss, run.loss_sd, look)
                add_band(panels[0, 1], times, run.loss, run.loss_sd, look)
            if scored and run.score is not None:
                scale = 100 if percent else 1
                score = np.asarray(run.score, dtype=np.float64) * scale
                add_line(panels[1, 0], run.steps, score, look, markers)
                add_line(panels[1, 1], times, score, look, markers)
                if run.score_sd is not None:
                    add_band(panels[1, 0], run.steps, score, run.score_sd * scale, look)
                    add_band(panels[1, 1], times, score, run.score_sd * scale, look)
        log = spans_decades(finite(run.steps, run.loss)[1] for run in runs)
        panels[0, 0].set_ylabel(short(loss_label, TEXT, 1.8) + (", log scale" if log else ""))
        if log:
            _log_axis(panels[0, 0])
        if scored:
            panels[1, 0].set_ylabel(short(score_label, TEXT, 1.8) + (", %" if percent else ""))
            if percent:
                _percent_limits(panels[1, 0])
        _step_axis(panels[-1, 0], None, ticks=5)
        panels[-1, 1].set_xlabel(f"time, {unit}")
        panels[-1, 1].set_xlim(left=0)
        add_legend(figure, lines, [run.label for run in runs])
        return png(figure)


def _draw(
    figure: "Figure", axes: "Axes", curves: Curves, *, log: bool, percent: bool, before: "Mapping[str, Artist]"
) -> None:
    """The curves with their last values at the right, and under the axes a legend that starts with ``before``."""
    lines, ends = [], []
    for (steps, values), look in zip(curves.values(), _split_looks(list(curves)), strict=True):
        x, y = finite(steps, values)
        scaled = 100 * y if percent else y
        lines.append(add_line(axes, x, scaled, look))
        if len(y):
            ends.append((float(scaled[-1]), f"{scaled[-1]:.2f} %" if percent else f"{scaled[-1]:.4g}", look.color))
    if log:
        _log_axis(axes)
    if percent:
        _percent_limits(axes)
    if len(ends) <= MOST_ENDS:
        _ends(axes, ends)
    add_legend(figure, [*before.values(), *lines], [*before, *curves])


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


def spans_decades(values: Iterable[Array]) -> bool:
    """Whether a logarithmic axis shows more: all values positive, the highest over thirty times the lowest."""
    y = np.concatenate([np.zeros(0), *values])
    return bool(len(y)) and 1e-100 < float(y.min()) * 30 < float(y.max())


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
