"""Plots: arrays and names go in, the bytes of a PNG come out; no other file touches matplotlib."""

import math
import unicodedata
import warnings
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import count, cycle, islice, pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from nnlab.dataset import Array

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curves = Mapping[str, tuple[Array, Array]]
"""Steps and values of each curve by its label, in the order of the legend."""

# Inches and dots an inch: 1600 pixels wide, so that 9 point text is still 12 pixels high at half that width.
WIDTH, HEIGHT, DPI = 8.0, 5.0, 200
TITLE, TEXT = 12.0, 9.0

MOST_BUCKETS = 2500
MOST_DOTS = 5000
MOST_NAMES = 12
MOST_PICTURES = 60
MOST_ENDS = 12

# Okabe and Ito's colours without the yellow that white paper swallows, then three of Paul Tol's.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255", "#999933", "#777777")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
FAINT, QUIET, GRID = "#A6A6A6", "#555555", "#E3E3E3"
# A split keeps its look from picture to picture, whichever others are beside it.
SPLITS = ("test", "train", "val")

# The font that comes with matplotlib has no Chinese, Japanese or Korean: these are asked next, where installed.
WIDE_FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "SimHei")


class Look(NamedTuple):
    """How one curve or class is told from the others: never by colour alone."""

    color: str
    line: str
    marker: str


@dataclass(frozen=True)
class Curve:
    """One run in a comparison: its loss and score at each evaluation, and when that was."""

    label: str
    steps: Array
    seconds: Array
    loss: Array
    score: Array | None = None


# Curves


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
    with _style():
        figure, axes = _axes(title)
        x, y = envelope(*_finite(steps, losses))
        width, marker = 0.5 if len(x) > 1000 else 1.0, "o" if len(x) == 1 else ""
        axes.plot(x, y, color=FAINT, alpha=0.6, linewidth=width, marker=marker, markersize=8)
        [every] = axes.plot([], [], color=FAINT, linewidth=2)
        log = _spans_decades([y, *(_finite(*curve)[1] for curve in curves.values())])
        _draw(figure, axes, curves, log=log, percent=False, before={"train, every step": every} if len(x) else {})
        axes.set_ylabel(_short(label, TEXT, HEIGHT - 1.5) + (", log scale" if log else ""))
        _step_axis(axes, steps_per_epoch)
        return _png(figure)


def accuracy(curves: Curves, *, title: str, label: str = "accuracy", steps_per_epoch: float | None = None) -> bytes:
    """Accuracies, given as fractions and shown in percent."""
    return metric(curves, title=title, label=label, percent=True, steps_per_epoch=steps_per_epoch)


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
    with _style():
        figure, axes = _axes(title)
        log = log and _spans_decades(_finite(*curve)[1] for curve in curves.values())
        _draw(figure, axes, curves, log=log, percent=percent, before={})
        unit = ", %" if percent else ", log scale" if log else ""
        axes.set_ylabel(_short(label, TEXT, HEIGHT - 1.5) + unit)
        _step_axis(axes, steps_per_epoch)
        return _png(figure)


def overlay(
    runs: Sequence[Curve], *, title: str, loss_label: str = "loss", score_label: str = "score", percent: bool = False
) -> bytes:
    """Several runs on the same axes: the loss and, where there is one, the score, against the step and the time.

    With ``percent`` the scores are fractions and shown in percent.
    """
    with _style():
        scored = any(run.score is not None and len(_finite(run.steps, run.score)[0]) for run in runs)
        figure = _figure(title, WIDTH, 5.6 if scored else 3.4)
        panels = figure.subplots(2 if scored else 1, 2, sharex="col", sharey="row", squeeze=False)
        latest = max((max(_finite(run.seconds, run.seconds)[0], default=0.0) for run in runs), default=0.0)
        second, unit = _time_unit(latest)
        lines: list[Artist] = []
        markers = 30 if len(runs) <= 4 else 1
        for run, look in zip(runs, _looks(len(runs)), strict=True):
            times = np.asarray(run.seconds, dtype=np.float64) / second
            lines.append(_line(panels[0, 0], run.steps, run.loss, look, markers))
            _line(panels[0, 1], times, run.loss, look, markers)
            if scored and run.score is not None:
                score = np.asarray(run.score, dtype=np.float64) * (100 if percent else 1)
                _line(panels[1, 0], run.steps, score, look, markers)
                _line(panels[1, 1], times, score, look, markers)
        log = _spans_decades(_finite(run.steps, run.loss)[1] for run in runs)
        panels[0, 0].set_ylabel(_short(loss_label, TEXT, 1.8) + (", log scale" if log else ""))
        if log:
            _log_axis(panels[0, 0])
        if scored:
            panels[1, 0].set_ylabel(_short(score_label, TEXT, 1.8) + (", %" if percent else ""))
        if scored and percent:
            _percent_limits(panels[1, 0])
        _step_axis(panels[-1, 0], None, ticks=5)
        panels[-1, 1].set_xlabel(f"time, {unit}")
        panels[-1, 1].set_xlim(left=0)
        _legend(figure, lines, [run.label for run in runs])
        return _png(figure)


def envelope(x: Array, y: Array, buckets: int = MOST_BUCKETS) -> tuple[Array, Array]:
    """A long curve as the lowest and the highest point of each of ``buckets`` stretches, so that no spike is lost."""
    if len(y) <= 2 * buckets:
        return x, y
    edges = np.linspace(0, len(y), buckets + 1).astype(np.int64)
    kept = [row for a, b in pairwise(edges) for row in (a + np.argmin(y[a:b]), a + np.argmax(y[a:b]))]
    rows = np.unique([0, *kept, len(y) - 1])
    return x[rows], y[rows]


# Data


def choose_samples(targets: Array, classes: int, rows: int) -> Array:
    """The row numbers of the first ``rows`` examples of each class, class by class."""
    numbers = np.asarray(targets).reshape(-1)
    return np.concatenate([np.zeros(0, np.int64), *(np.flatnonzero(numbers == c)[:rows] for c in range(classes))])


def samples(inputs: Array, labels: Array, shape: Sequence[int], *, title: str, names: Sequence[str]) -> bytes:
    """A sheet of pictures by class: a row each where they are few, a column each up to ten, else a grid."""
    with _style():
        numbers = [int(n) for n in np.asarray(labels).reshape(-1)]
        cells, named = _sheet(numbers)
        words = [_clean(names[n]) if 0 <= n < len(names) else str(n) for n in numbers]
        rows, columns = (max((cell[i] for cell in cells.values()), default=0) + 1 for i in (0, 1))
        gap, edge, line = 0.06, 0.12, 0.2
        left = min(1.6, max((_inches(word, TEXT) for word in words), default=0)) + 0.1 if named == "row" else 0.0
        wide = min(1.5 if len(cells) > 1 else 3.76, (WIDTH - 2 * edge - left + gap) / columns - gap)
        tall = wide * min(2.0, max(0.5, shape[-2] / shape[-1]))
        top = 0.45 + (0 if named == "row" else line)
        pitch = tall + gap + (line if named == "picture" else 0)
        width = max(4.0, 2 * edge + left + columns * (wide + gap) - gap)
        height = top + rows * pitch + edge
        figure, axes = _page(title, width, height)
        pictures = _pictures(np.asarray(inputs)[: len(numbers)], shape)
        for i, (row, column) in cells.items():
            x, y = edge + left + column * (wide + gap), top + row * pitch
            axes.imshow(pictures[i], extent=(x, x + wide, y + tall, y), aspect="auto")
            if named == "row" and column == 0:
                axes.text(x - 0.1, y + tall / 2, _short(words[i], TEXT, left - 0.1), ha="right", va="center")
            elif named == "picture" or (named == "column" and row == 0):
                axes.text(x + wide / 2, y - 0.05, _short(words[i], TEXT, wide), ha="center", va="bottom")
        if not cells:
            axes.text(width / 2, height / 2, "nothing to draw", ha="center", color=QUIET)
        axes.set(xlim=(0, width), ylim=(height, 0))
        return _png(figure)


def scatter(
    inputs: Array,
    targets: Array,
    *,
    title: str,
    feature_names: Sequence[str] = (),
    target_name: str = "",
    classes: Sequence[str] = (),
) -> bytes:
    """Data that is no picture: the first feature against the target, or the two widest features coloured by class."""
    with _style():
        figure, axes = _axes(title)
        features, numbers = _table(inputs), _table(targets)[:, 0]
        names = [feature_names[i] if i < len(feature_names) else f"feature {i + 1}" for i in range(features.shape[1])]
        if not classes:
            _dots(axes, features[:, 0], numbers, _looks(1)[0])
            _label_axes(axes, names[0], target_name or "target")
            return _png(figure)
        a, b = _widest(features)
        dots = [
            _dots(axes, features[numbers == c, a], features[numbers == c, b], look, most=MOST_DOTS // len(classes) + 1)
            for c, look in enumerate(_looks(len(classes)))
        ]
        _label_axes(axes, names[a], names[b] if a != b else names[a])
        _legend(figure, dots, classes)
        return _png(figure)


# Results


def fit(
    inputs: Array,
    targets: Array,
    predicted_x: Array,
    predicted_y: Array,
    *,
    title: str,
    x_label: str,
    y_label: str,
) -> bytes:
    """One feature against the target, with the line that the model fits through it."""
    with _style():
        figure, axes = _axes(title)
        data, line = _looks(2)
        dots = _dots(axes, inputs, targets, data)
        x, y = _finite(predicted_x, predicted_y)
        order = np.argsort(x, kind="stable")
        fitted = _line(axes, x[order], y[order], line._replace(line="-"), most_markers=1)
        _label_axes(axes, x_label, y_label)
        _legend(figure, [dots, fitted], ["data", "fitted"])
        return _png(figure)


def predicted_against_true(targets: Array, predictions: Array, *, title: str, label: str) -> bytes:
    """What the model says against what is so: the nearer the diagonal, the better."""
    with _style():
        figure, axes = _axes(title)
        x, y = _finite(targets, predictions)
        dots = _dots(axes, x, y, _looks(1)[0])
        ends = [min(x.min(), y.min()), max(x.max(), y.max())] if len(x) else [0.0, 1.0]
        [exact] = axes.plot(ends, ends, color=QUIET, linestyle="--", linewidth=1, zorder=1)
        _label_axes(axes, f"true {label}", f"predicted {label}")
        _legend(figure, [dots, exact], ["examples", "exact"])
        return _png(figure)


def confusion(matrix: Array, names: Sequence[str], *, title: str) -> bytes:
    """How often each true class (row) was predicted as each class (column), with the recall of each row."""
    with _style():
        counts = np.asarray(matrix)
        classes, totals = len(counts), counts.sum(axis=1)
        shares = counts / np.maximum(totals, 1)[:, None]
        side = min(6.2, max(3.4, 0.52 * classes))
        cell = side / max(classes, 1)
        size = min(TEXT, max(5.0, 72 * cell * 0.8))
        labels = [_short(name, size, 1.3) for name in names[:classes]]
        longest = max((_inches(label, size) for label in labels), default=0)
        turn = 0 if longest < 0.9 * cell else 45 if cell > 0.35 else 90
        under = {0: 0.2, 45: 0.15 + 0.75 * longest, 90: 0.1 + longest}[turn]
        left, top, bottom = 0.55 + longest, 0.72, 0.6 + under
        width, height = max(5.5, left + side + 0.85), top + side + bottom
        figure, page = _page(title, width, height)
        axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
        # The square root keeps a few errors visible beside a diagonal of 98 percent.
        axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.axis("off")
        axes.hlines(np.arange(classes + 1) - 0.5, -0.5, classes - 0.5, color="white", linewidth=min(1.5, 6 * cell))
        axes.vlines(np.arange(classes + 1) - 0.5, -0.5, classes - 0.5, color="white", linewidth=min(1.5, 6 * cell))
        _cells(axes, counts, shares, cell)
        for i in range(0, classes, math.ceil(size * 1.1 / 72 / cell)):
            x, y = left + (i + 0.5) * cell, top + (i + 0.5) * cell
            label = labels[i] if i < len(labels) else str(i)
            page.text(left - 0.07, y, label, size=size, ha="right", va="center_baseline")
            recall = f"{100 * shares[i, i]:.1f} %" if totals[i] else "–"
            page.text(left + side + 0.08, y, recall, size=size, va="center_baseline", color=QUIET)
            align: dict[str, Any] = {"ha": "right" if turn == 45 else "center", "va": "top", "rotation_mode": "default"}
            page.text(x + (0.08 if turn == 45 else 0), top + side + 0.06, label, size=size, rotation=turn, **align)
        middle = left + side / 2
        page.text(left + side + 0.08, top - 0.06, "recall", va="bottom", color=QUIET)
        page.text(0.2, top + side / 2, "true", rotation=90, ha="center", va="center", color=QUIET)
        page.text(middle, height - 0.3, "predicted", ha="center", va="bottom", color=QUIET)
        note = "the darker, the larger the share of its row (square root scale)"
        page.text(middle, height - 0.1, note, ha="center", va="bottom", size=7.5, color=QUIET)
        return _png(figure)


# How everything looks


@contextmanager
def _style() -> Iterator[None]:
    """matplotlib's defaults with our look on top, whatever the user's own settings; they are back afterwards."""
    import matplotlib
    from matplotlib import font_manager

    installed = set(font_manager.fontManager.get_font_names())
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A class name may be in a script that no installed font has: a box in its place is no reason to stop.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.sans-serif": ["DejaVu Sans", *(font for font in WIDE_FONTS if font in installed)],
                "font.size": TEXT,
                # Names come from files: a dollar sign in one is a dollar sign, not the start of a formula.
                "text.parse_math": False,
                "axes.edgecolor": "#999999",
                "axes.labelcolor": QUIET,
                "axes.axisbelow": True,
                "axes.grid": True,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.xmargin": 0.015,
                "grid.color": GRID,
                "grid.linewidth": 0.7,
                "legend.frameon": False,
                "legend.fontsize": TEXT,
                "lines.linewidth": 1.5,
                "xtick.color": "#999999",
                "ytick.color": "#999999",
                "xtick.labelcolor": QUIET,
                "ytick.labelcolor": QUIET,
                "figure.constrained_layout.h_pad": 0.08,
                "figure.constrained_layout.w_pad": 0.1,
            }
        )
        yield


def _figure(title: str, width: float, height: float, layout: Literal["constrained"] | None = "constrained") -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout=layout)
    text = _short(title, TITLE, width - 0.24, bold=True)
    place: dict[str, Any] = {"x": 0.12 / width, "ha": "left"} | ({} if layout else {"y": 1 - 0.12 / height})
    figure.suptitle(text, fontsize=TITLE, fontweight="bold", **place)
    return figure


def _page(title: str, width: float, height: float) -> "tuple[Figure, Axes]":
    """A figure laid out by hand: its axes measure inches from the top left corner."""
    figure = _figure(title, width, height, layout=None)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return figure, axes


def _axes(title: str) -> "tuple[Figure, Axes]":
    figure = _figure(title, WIDTH, HEIGHT)
    return figure, figure.add_subplot()


def _png(figure: "Figure") -> bytes:
    """The picture's bytes: without matplotlib's version in them, so that they depend on the picture alone."""
    for axes in figure.axes:
        if axes.axison and not np.isfinite(axes.dataLim.get_points()).all():
            axes.text(0.5, 0.5, "nothing to draw", transform=axes.transAxes, ha="center", color=QUIET)
            axes.tick_params(length=0, labelbottom=False, labelleft=False)
            axes.grid(visible=False)
    file = BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _looks(count: int) -> list[Look]:
    """As many looks as there are curves: ten colours, or beyond that a ramp from dark to light."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    ramp = [to_hex(colormaps["viridis"](t)) for t in np.linspace(0, 0.92, count)]
    colors = PALETTE[:count] if count <= len(PALETTE) else ramp
    return [
        Look(*look) for look in zip(colors, islice(cycle(LINES), count), islice(cycle(MARKERS), count), strict=True)
    ]


def _split_looks(labels: Sequence[str]) -> list[Look]:
    """The look of each split by the first word of its label; looks in order where that tells nothing apart."""
    words = [label.partition(" ")[0].rstrip(",:") for label in labels]
    if len(set(words)) == len(words) and set(words) <= set(SPLITS):
        looks = _looks(len(SPLITS))
        return [looks[SPLITS.index(word)] for word in words]
    return _looks(len(labels))


# Parts of a picture


def _finite(x: Array, y: Array) -> tuple[Array, Array]:
    """The points that can be drawn: beyond 1e100 a run has diverged, and an axis that long says nothing."""
    a, b = np.asarray(x, dtype=np.float64).reshape(-1), np.asarray(y, dtype=np.float64).reshape(-1)
    drawn = (np.abs(a) < 1e100) & (np.abs(b) < 1e100)
    return a[drawn], b[drawn]


def _line(axes: "Axes", x: Array, y: Array, look: Look, most_markers: int = 30) -> "Artist":
    """One curve; where it has few points, each has a marker, so that a single one shows too."""
    a, b = envelope(*_finite(x, y))
    marker = look.marker if len(a) <= most_markers else ""
    [line] = axes.plot(a, b, color=look.color, linestyle=look.line, marker=marker, markersize=4)
    return line


def _dots(axes: "Axes", x: Array, y: Array, look: Look, most: int = MOST_DOTS) -> "Artist":
    """A scatter of the points, or of evenly chosen ones where there are very many."""
    a, b = _finite(x, y)
    axes.margins(0.03)
    rows = np.linspace(0, len(a) - 1, min(len(a), most)).astype(np.int64)
    many = len(a) > 200
    return axes.scatter(
        a[rows],
        b[rows],
        s=12 if many else 36,
        color=look.color,
        marker=look.marker,
        alpha=0.5 if many else 0.9,
        linewidths=0,
        zorder=2.5,
    )


def _draw(
    figure: "Figure", axes: "Axes", curves: Curves, *, log: bool, percent: bool, before: "Mapping[str, Artist]"
) -> None:
    """The curves with their last values at the right, and under the axes a legend that starts with ``before``."""
    lines, ends = [], []
    for (steps, values), look in zip(curves.values(), _split_looks(list(curves)), strict=True):
        x, y = _finite(steps, values)
        scaled = 100 * y if percent else y
        lines.append(_line(axes, x, scaled, look))
        if len(y):
            ends.append((float(scaled[-1]), f"{scaled[-1]:.2f} %" if percent else f"{scaled[-1]:.4g}", look.color))
    if log:
        _log_axis(axes)
    if percent:
        _percent_limits(axes)
    if len(ends) <= MOST_ENDS:
        _ends(axes, ends)
    _legend(figure, [*before.values(), *lines], [*before, *curves])


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
            short = max(0.0, gap - (high - low)) / 2
            moved[i], moved[i + 1] = low - short, high + short
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


def _spans_decades(values: Iterable[Array]) -> bool:
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
    """No axis runs to 105 percent for the sake of a margin."""
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -1.0), min(high, 100.0 + 0.02 * max(100.0 - low, 0.0)))


def _label_axes(axes: "Axes", x: str, y: str) -> None:
    axes.set_xlabel(_short(x, TEXT, WIDTH - 1.5))
    axes.set_ylabel(_short(y, TEXT, HEIGHT - 1.5))


def _time_unit(seconds: float) -> tuple[float, str]:
    """The unit in which this many seconds are a number to read, and how many seconds it has."""
    return (1.0, "s") if seconds < 300 else (60.0, "min") if seconds < 3 * 3600 else (3600.0, "h")


def _legend(figure: "Figure", handles: "Sequence[Artist]", names: Sequence[str]) -> None:
    """A legend under the axes, in space of its own; past a dozen names it says how many more there are."""
    from matplotlib.lines import Line2D

    if not handles:
        return
    shown, keys = list(names[:MOST_NAMES]), list(handles[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        shown, keys = [*shown, f"+{len(names) - MOST_NAMES} more"], [*keys, Line2D([], [], linestyle="none")]
    room, key = figure.get_figwidth() - 0.3, 0.6
    texts = [_short(name, TEXT, room / min(2, len(shown)) - key) for name in shown]
    columns = max(1, min(len(texts), int(room / (max(_inches(text, TEXT) for text in texts) + key))))
    rows = math.ceil(len(texts) / columns)
    figure.set_figheight(figure.get_figheight() + 0.19 * (rows - 1))
    legend = figure.legend(
        keys, [" "] * len(keys), loc="outside lower left", ncols=columns, handlelength=2.6, columnspacing=1.2
    )
    # Set afterwards: matplotlib leaves names that start with an underscore out of a legend.
    for entry, text in zip(legend.get_texts(), texts, strict=True):
        entry.set_text(text)


def _table(values: Array) -> Array:
    """The values with a row for each example, whatever shape each had."""
    rows = np.asarray(values, dtype=np.float64)
    return rows.reshape(len(rows), math.prod(rows.shape[1:]))


def _widest(features: Array) -> tuple[int, int]:
    """The two features with the highest spread, in their own order; the same one twice where there is only one."""
    finite = np.where(np.abs(features) < 1e100, features, 0)
    spreads = finite.std(axis=0) if len(finite) else np.zeros(features.shape[1])
    first, *rest = np.argsort(-spreads, kind="stable")[:2].tolist()
    return (min(first, rest[0]), max(first, rest[0])) if rest else (first, first)


def _sheet(numbers: Sequence[int]) -> tuple[dict[int, tuple[int, int]], Literal["row", "column", "picture"]]:
    """The row and column of each picture on a sheet, by its index, and what bears the class names."""
    classes = sorted(set(numbers))
    turns = {n: count() for n in classes}
    cells = {i: (classes.index(n), next(turns[n])) for i, n in enumerate(numbers)}
    if len(classes) > 10 or len(numbers) == 1:
        each = max(1, MOST_PICTURES // len(classes))
        shown = [i for i, (_, turn) in cells.items() if turn < each][:MOST_PICTURES]
        return {i: divmod(place, 10) for place, i in enumerate(shown)}, "picture"
    cells = {i: (n, turn) for i, (n, turn) in cells.items() if turn < 10}
    if len(classes) <= 4:
        return cells, "row"
    return {i: (turn, n) for i, (n, turn) in cells.items()}, "column"


def _pictures(inputs: Array, shape: Sequence[int]) -> list[Array]:
    """The inputs as (h, w, 3) pictures in [0, 1], of at most about 256 pixels a side, all on one scale."""
    values = np.nan_to_num(np.asarray(inputs, dtype=np.float64).reshape(-1, *shape), posinf=0, neginf=0)
    skip = max(shape[-2:]) // 256 + 1
    values = values[..., ::skip, ::skip]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if low < 0 or high > 1:
        values = (values - low) / ((high - low) or 1)
    return [np.repeat(v[..., None], 3, axis=2) if v.ndim == 2 else np.moveaxis(v, 0, 2) for v in values]


def _cells(axes: "Axes", counts: Array, shares: Array, cell: float) -> None:
    """The counts in the cells, where they are large enough to hold them."""
    texts = np.vectorize(_count, otypes=[object])(counts)
    digits = max((len(text) for text in texts.flat), default=1)
    size = min(10.0, 72 * cell * 0.8 / (0.64 * max(digits, 2)))
    if size < 4.5:
        return
    for (row, column), text in np.ndenumerate(texts):
        if counts[row, column] or len(counts) <= 12:
            color = "#BBBBBB" if not counts[row, column] else "white" if shares[row, column] > 0.35 else "#222222"
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=color)


def _count(number: float) -> str:
    return f"{number:.0f}" if number < 1e5 else f"{number / 1e3:.0f}k" if number < 1e6 else f"{number / 1e6:.3g}M"


# Names are data: they may hold anything and be of any length


def _clean(text: str) -> str:
    """The text on one line, without control characters, surrogates and the like, and of a length worth measuring."""
    if len(text) > 400:
        text = f"{text[:200]}…{text[-200:]}"
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(kept.split()) or "–"


def _short(text: str, size: float, inches: float, *, bold: bool = False) -> str:
    """The text, with as much of its middle left out as it takes to be no wider than that."""
    text = _clean(text)
    if _inches(text, size, bold=bold) <= inches:
        return text
    wide = bisect_left(range(len(text)), True, key=lambda kept: _inches(_cut(text, kept), size, bold=bold) > inches)
    return _cut(text, max(0, wide - 1))


def _cut(text: str, kept: int) -> str:
    """The text's first and last characters, so many in all."""
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def _inches(text: str, size: float, *, bold: bool = False) -> float:
    """How wide the text will be."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, False)[0] / 72
