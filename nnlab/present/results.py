"""Results: what a model has learnt, held against what is so."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nnlab.dataset import Array
from nnlab.present.drawing import QUIET, TEXT, add_legend, label_axes, new_axes, new_page, png, style
from nnlab.present.fitting import short, width_of
from nnlab.present.marks import add_dots, add_line, finite, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    with style():
        figure, axes = new_axes(title)
        data, model = looks(2)
        dots = add_dots(axes, inputs, targets, data)
        x, y = finite(predicted_x, predicted_y)
        order = np.argsort(x, kind="stable")
        fitted = add_line(axes, x[order], y[order], model._replace(line="-"), most_markers=1)
        label_axes(axes, x_label, y_label)
        add_legend(figure, [dots, fitted], ["data", "fitted"])
        return png(figure)


def predicted_against_true(targets: Array, predictions: Array, *, title: str, label: str) -> bytes:
    """What the model says against what is so: the nearer the diagonal, the better."""
    with style():
        figure, axes = new_axes(title)
        x, y = finite(targets, predictions)
        dots = add_dots(axes, x, y, looks(1)[0])
        ends = [min(x.min(), y.min()), max(x.max(), y.max())] if len(x) else [0.0, 1.0]
        [exact] = axes.plot(ends, ends, color=QUIET, linestyle="--", linewidth=1, zorder=1)
        label_axes(axes, f"true {label}", f"predicted {label}")
        add_legend(figure, [dots, exact], ["examples", "exact"])
        return png(figure)


def confusion(matrix: Array, names: Sequence[str], *, title: str) -> bytes:
    """How often each true class (row) was predicted as each class (column), with the recall of each row."""
    with style():
        counts = np.asarray(matrix)
        classes, totals = len(counts), counts.sum(axis=1)
        shares = counts / np.maximum(totals, 1)[:, None]
        side = min(6.2, max(3.4, 0.52 * classes))
        cell = side / max(classes, 1)
        size = min(TEXT, max(5.0, 72 * cell * 0.8))
        labels = [short(name, size, 1.3) for name in names[:classes]]
        longest = max((width_of(label, size) for label in labels), default=0)
        turn = 0 if longest < 0.9 * cell else 45 if cell > 0.35 else 90
        under = {0: 0.2, 45: 0.15 + 0.75 * longest, 90: 0.1 + longest}[turn]
        left, top, bottom = 0.55 + longest, 0.72, 0.6 + under
        width, height = max(5.5, left + side + 0.85), top + side + bottom
        figure, page = new_page(title, width, height)
        axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
        # The square root keeps a few errors visible beside a diagonal of 98 percent.
        # As cells, not as an image: enlarging one takes 50 MB on its way.
        edges = np.arange(classes + 1) - 0.5
        axes.pcolormesh(edges, edges, np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
        axes.invert_yaxis()
        axes.axis("off")
        for draw in (axes.hlines, axes.vlines):
            draw(edges, -0.5, classes - 0.5, color="white", linewidth=min(1.5, 6 * cell))
        _cells(axes, counts, shares, cell)
        for i in range(0, classes, math.ceil(size * 1.1 / 72 / cell)):
            x, y = left + (i + 0.5) * cell, top + (i + 0.5) * cell
            label = labels[i] if i < len(labels) else str(i)
            page.text(left - 0.07, y, label, size=size, ha="right", va="center_baseline")
            recall = f"{100 * shares[i, i]:.1f} %" if totals[i] else "–"
            page.text(left + side + 0.08, y, recall, size=size, va="center_baseline", color=QUIET)
            x, ha = (x + 0.08, "right") if turn == 45 else (x, "center")
            page.text(x, top + side + 0.06, label, size=size, rotation=turn, ha=ha, va="top")
        middle = left + side / 2
        page.text(left + side + 0.08, top - 0.06, "recall", va="bottom", color=QUIET)
        page.text(0.2, top + side / 2, "true", rotation=90, ha="center", va="center", color=QUIET)
        page.text(middle, height - 0.3, "predicted", ha="center", va="bottom", color=QUIET)
        note = "the darker, the larger the share of its row (square root scale)"
        page.text(middle, height - 0.1, note, ha="center", va="bottom", size=7.5, color=QUIET)
        return png(figure)


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
