"""Marks: lines and dots, told apart by more than colour, and thinned where there are very many points."""

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nnlab.dataset import Array
from nnlab.present.values import Series

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

MOST_BUCKETS = 2500
MOST_DOTS = 5000

# Okabe and Ito's colours without the yellow that white paper swallows, then three of Paul Tol's.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255", "#999933", "#777777")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")


class Look(NamedTuple):
    """How one curve or class is told from the others: never by colour alone."""

    color: str
    line: str
    marker: str


def looks(count: int) -> list[Look]:
    """As many looks as there are curves: ten colours, or beyond that a ramp from dark to light."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    ramp = [to_hex(colormaps["viridis"](t)) for t in np.linspace(0, 0.92, count)]
    colors = PALETTE[:count] if count <= len(PALETTE) else ramp
    return [Look(color, LINES[i % len(LINES)], MARKERS[i % len(MARKERS)]) for i, color in enumerate(colors)]


def finite(x: Array, y: Array) -> tuple[Array, Array]:
    """The points that can be drawn: beyond 1e100 a run has diverged, and an axis that long says nothing."""
    a, b = np.asarray(x, dtype=np.float64).reshape(-1), np.asarray(y, dtype=np.float64).reshape(-1)
    drawn = (np.abs(a) < 1e100) & (np.abs(b) < 1e100)
    return a[drawn], b[drawn]


def spans_decades(values: Iterable[Array]) -> bool:
    """Whether a logarithmic axis shows more: all values positive, the highest over thirty times the lowest."""
    y = np.concatenate([np.zeros(0), *values])
    return bool(len(y)) and 1e-100 < float(y.min()) * 30 < float(y.max())


def envelope(x: Array, y: Array, buckets: int = MOST_BUCKETS) -> tuple[Array, Array]:
    """A long curve as the lowest and the highest point of each of ``buckets`` stretches, so that no spike is lost."""
    if len(y) <= 2 * buckets:
        return x, y
    edges = np.linspace(0, len(y), buckets + 1).astype(np.int64)
    kept = [row for a, b in pairwise(edges) for row in (a + np.argmin(y[a:b]), a + np.argmax(y[a:b]))]
    rows = np.unique([0, *kept, len(y) - 1])
    return x[rows], y[rows]


def add_line(axes: "Axes", x: Array, y: Array, look: Look, most_markers: int = 30) -> "Artist":
    """One curve; where it has few points, each has a marker, so that a single one shows too."""
    a, b = envelope(*finite(x, y))
    marker = look.marker if len(a) <= most_markers else ""
    [line] = axes.plot(a, b, color=look.color, linestyle=look.line, marker=marker, markersize=4)
    return line


def add_curve(axes: "Axes", x: Array, series: Series, look: Look, scale: float, most_markers: int) -> "Artist":
    """A series ``scale`` times as high, with a band of one standard deviation; on a logarithmic axis it stays above a
    tenth of the curve."""
    y = np.asarray(series.y, dtype=np.float64) * scale
    line = add_line(axes, x, y, look, most_markers)
    if series.sd is not None:
        a, b = finite(x, y)
        _, deviation = finite(x, np.where(np.isfinite(y), series.sd * scale, np.nan))
        if len(a) == len(deviation):
            low = np.maximum(b - deviation, b / 10) if (b > 0).all() else b - deviation
            axes.fill_between(a, low, b + deviation, color=look.color, alpha=0.2, linewidth=0)
    return line


def add_dots(axes: "Axes", x: Array, y: Array, look: Look, most: int = MOST_DOTS) -> "Artist":
    """A scatter of the points, or of evenly chosen ones where there are very many."""
    a, b = finite(x, y)
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
