"""Panel: curves as lines of text, for a screen without pictures; nothing else touches plotext.

plotext draws in C++ behind ctypes, and complains on the screen of values it cannot tell apart. So it is given points in
fractions of the axes, with limits and ticks of our own: whatever a file holds, it sees numbers between 0 and 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nnlab.dataset import Array
from nnlab.present.fitting import clean
from nnlab.present.marks import envelope, finite, spans_decades
from nnlab.present.terminal import beside
from nnlab.present.values import Chart

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

MIN_WIDTH, MIN_HEIGHT = 30, 6
"""Columns and lines below which a panel shows nothing."""
LABEL = 8
"""Columns of the labels left of a panel, so that the axes of panels below each other are in line."""
HEIGHT = 12
"""Lines of a panel where there are no bounds."""
SIDE_BY_SIDE, GAP = 100, 2
"""Columns from which on two panels stand beside each other, and those between them."""
# Of a terminal's 256 colours some that show on black and on white; the first two are far apart for any eye.
COLORS = (33, 208, 35, 170, 178, 37, 244, 161)
# plotext's word for a marker, or a character, and how it looks in a legend.
MARKERS = (("braille", "⠒⠒"), ("hd", "▄▄"), *((char, 2 * char) for char in "·+ox*#"))
ASCII_MARKERS = tuple((char, 2 * char) for char in "*+ox.#=%")
TO_ASCII = str.maketrans("│┤└┬─", "||++-")
# A split keeps its look from panel to panel, whichever others are beside it.
SPLITS = ("train", "test", "val")


class Stroke(NamedTuple):
    """One curve as it is drawn: its points are finite and in the unit of the axis; never told by colour alone."""

    label: str
    color: int
    marker: str
    sample: str
    """How the marker looks in a legend."""
    steps: Array
    values: Array


@dataclass(frozen=True)
class Axis:
    """What an axis spans, linear or logarithmic, and where it is labelled."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def place(self, values: Array) -> Array:
        """Where values are on the axis, as fractions of it."""
        low, high, at = (np.log10(v) if self.log else v for v in (self.low, self.high, values))
        return np.asarray(np.clip((at - low) / (high - low), 0.0, 1.0), dtype=np.float64)


def laid_out(charts: Sequence[Chart], wide: int, high: int | None = None, *, unicode: bool) -> "RenderableType | None":
    """As many of the charts as fit in ``wide`` columns and ``high`` lines, for rich to print; None where none does."""
    from rich.console import Group

    side_by_side = len(charts) > 1 and wide >= SIDE_BY_SIDE
    rows = 1 if side_by_side else len(charts)
    if high is not None:
        rows = min(rows, high // MIN_HEIGHT)
    if not rows or wide < MIN_WIDTH:
        return None
    each = HEIGHT if high is None else min(high // rows, 2 * HEIGHT)
    if not side_by_side:
        return Group(*(_text(panel(chart, wide, each, unicode=unicode)) for chart in charts[:rows]))
    return beside(*(_text(panel(chart, (wide - GAP) // 2, each, unicode=unicode)) for chart in charts), gap=GAP)


def _text(drawing: str) -> "Text":
    """A panel without the spaces at the ends of its lines."""
    from rich.text import Text

    lines = Text.from_ansi(drawing).split("\n")
    for line in lines:
        line.rstrip()
    text = Text("\n").join(lines)
    text.no_wrap, text.overflow = True, "crop"
    return text


def panel(chart: Chart, width: int, height: int, *, unicode: bool = True) -> str:
    """Curves against the step: ``height`` lines, coloured by ANSI sequences.

    The first line is the title with each curve's mark, label and last value, however wide that is; the others have at
    most ``width`` columns. What cannot be drawn (nan, infinity, beyond 1e100) is counted in the title. Raises
    ValueError for a panel smaller than ``MIN_WIDTH`` columns by ``MIN_HEIGHT`` lines.
    """
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        raise ValueError(f"a panel of {width} x {height} shows nothing")
    lines = _lines(chart, unicode)
    missing = sum(len(series.x) for series in chart.series) - sum(len(line.steps) for line in lines)
    heights = [line.values for line in lines]
    log = chart.log and spans_decades(heights)
    along = _step_axis([line.steps for line in lines], width // 11)
    up = _log_axis(heights, height // 3) if log else _value_axis(heights, height // 3, chart.percent)
    unit = " %" if chart.percent else ""
    words = [chart.title, *["log scale"] * log, *[f"{missing:,} not drawn"] * bool(missing)]
    head = "  ".join([clean(", ".join(words)), *(_entry(line, unit) for line in lines)])
    text = f"{head}\n{_drawn(lines, along, up, (width, height - 1), unit)}"
    return text if unicode else text.translate(TO_ASCII)


def _lines(chart: Chart, unicode: bool) -> list[Stroke]:
    """The curves with the look of the split each is of, or with looks in order where labels are of something else."""
    names, scale = [series.name for series in chart.series], 100.0 if chart.percent else 1.0
    places = [SPLITS.index(name) for name in names] if set(names) <= set(SPLITS) else range(len(names))
    markers = MARKERS if unicode else ASCII_MARKERS
    return [
        Stroke(
            series.name,
            COLORS[place % len(COLORS)],
            *markers[place % len(markers)],
            *finite(series.x, scale * np.asarray(series.y)),
        )
        for place, series in zip(places, chart.series, strict=True)
    ]


def _entry(line: Stroke, unit: str) -> str:
    """A curve's entry in the legend: its mark in its colour, its label and its last value."""
    import plotext  # type: ignore[import-untyped,unused-ignore]

    mark = plotext.colorize(line.sample).fill(plotext.pixel(foreground=line.color)).string()
    last = [f" {value:.2f}{unit}" if unit else f" {value:.4g}" for value in line.values[-1:]]
    return f"{mark} {clean(line.label)}{''.join(last)}"


def _drawn(lines: Sequence[Stroke], along: Axis, up: Axis, size: tuple[int, int], unit: str) -> str:
    """The axes and what is between them, as plotext draws it."""
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure  # there is only one
    figure.clear()
    figure.plot_size(*size)
    figure.theme("colorless")
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    for line in reversed(lines):  # the first one on top
        x, y = envelope(along.place(line.steps), up.place(line.values), size[0])
        mark = plotext.marker(line.marker, plotext.pixel(foreground=line.color))
        figure.draw(figure.signal(x.tolist(), y.tolist(), marker=mark).lines())
    steps = [f"{tick:,.0f}" for tick in along.ticks]
    values = [f"{tick:.6g}{unit}".rjust(LABEL) for tick in up.ticks]
    for name, axis, labels in (("x", along, steps), ("y", up, values)):
        figure.ruler(name).lim(0, 1).ticks(axis.place(np.array(axis.ticks)).tolist(), labels)
    return str(figure.build().string()).rstrip("\n")


def _step_axis(steps: Sequence[Array], most: int) -> Axis:
    """From 0 to the last step."""
    last = max([1.0, *(float(x.max()) for x in steps if len(x))])
    return Axis(0.0, last, tuple(tick for tick in _ticks(0.0, last, max(3, most)) if tick.is_integer()))


def _value_axis(values: Sequence[Array], most: int, percent: bool) -> Axis:
    """From the lowest to the highest value, or around one that does not change."""
    y = np.concatenate([np.zeros(0), *values])
    if not len(y):
        return Axis(0.0, 1.0, ())
    low, high = float(y.min()), float(y.max())
    largest = max(abs(low), abs(high))
    if high - low <= max(1e-9 * largest, 1e-100):
        margin = 0.05 * largest if largest > 1e-99 else 1.0
        low, high = low - margin, high + margin
        high = min(high, 100.0) if percent and low < 100 else high
    return Axis(low, high, _ticks(low, high, max(5, most)))


def _log_axis(values: Sequence[Array], most: int) -> Axis:
    """From the lowest to the highest value, all of them positive, labelled at powers of ten and, where few, between."""
    y = np.concatenate(values)
    low, high = float(y.min()), float(y.max())
    powers, most = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1), max(5, most)
    for parts in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        ticks = [part * 10.0**power for power in powers for part in parts if low <= part * 10.0**power <= high]
        if len(ticks) <= most:
            break
    return Axis(low, high, tuple(ticks[:: math.ceil(len(ticks) / most)]), log=True)


def _ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """At most ``most`` (3 or more) multiples of 1, 2 or 5 times a power of ten, as close together as that allows."""
    power = math.floor(math.log10((high - low) / most))
    for step in (part * 10.0**exponent for exponent in (power, power + 1) for part in (1.0, 2.0, 5.0)):
        ticks = step * np.arange(math.ceil(low / step), math.floor(high / step) + 1)
        if len(ticks) <= most:
            break
    return tuple(ticks.tolist())
