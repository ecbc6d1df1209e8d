"""Examples: a look at the data itself, as a sheet of pictures or as points."""

import math
from collections.abc import Sequence
from itertools import count
from typing import Literal

import numpy as np

from nnlab.dataset import Array
from nnlab.present.drawing import QUIET, TEXT, WIDTH, add_legend, label_axes, new_axes, new_page, png, style
from nnlab.present.fitting import clean, short, width_of
from nnlab.present.marks import MOST_DOTS, add_dots, looks

MOST_PICTURES = 60


def choose_samples(targets: Array, classes: int, rows: int) -> Array:
    """The row numbers of the first ``rows`` examples of each class, class by class."""
    numbers = np.asarray(targets).reshape(-1)
    return np.concatenate([np.zeros(0, np.int64), *(np.flatnonzero(numbers == c)[:rows] for c in range(classes))])


def samples(inputs: Array, labels: Array, shape: Sequence[int], *, title: str, names: Sequence[str]) -> bytes:
    """A sheet of pictures by class: a row each where they are few, a column each up to ten, else a grid."""
    with style():
        numbers = [int(n) for n in np.asarray(labels).reshape(-1)]
        cells, named = _sheet(numbers)
        words = [clean(names[n]) if 0 <= n < len(names) else str(n) for n in numbers]
        rows, columns = (max((cell[i] for cell in cells.values()), default=0) + 1 for i in (0, 1))
        gap, edge, line = 0.06, 0.12, 0.2
        left = min(1.6, max((width_of(word, TEXT) for word in words), default=0)) + 0.1 if named == "row" else 0.0
        wide = min(1.5 if len(cells) > 1 else 3.76, (WIDTH - 2 * edge - left + gap) / columns - gap)
        tall = wide * min(2.0, max(0.5, shape[-2] / shape[-1]))
        top = 0.45 + (0 if named == "row" else line)
        pitch = tall + gap + (line if named == "picture" else 0)
        width = max(4.0, 2 * edge + left + columns * (wide + gap) - gap)
        height = top + rows * pitch + edge
        figure, axes = new_page(title, width, height)
        pictures = _pictures(np.asarray(inputs)[: len(numbers)], shape)
        for i, (row, column) in cells.items():
            x, y = edge + left + column * (wide + gap), top + row * pitch
            axes.imshow(pictures[i], extent=(x, x + wide, y + tall, y), aspect="auto")
            if named == "row" and column == 0:
                axes.text(x - 0.1, y + tall / 2, short(words[i], TEXT, left - 0.1), ha="right", va="center")
            elif named == "picture" or (named == "column" and row == 0):
                axes.text(x + wide / 2, y - 0.05, short(words[i], TEXT, wide), ha="center", va="bottom")
        if not cells:
            axes.text(width / 2, height / 2, "nothing to draw", ha="center", color=QUIET)
        axes.set(xlim=(0, width), ylim=(height, 0))
        return png(figure)


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
    with style():
        figure, axes = new_axes(title)
        features, numbers = _table(inputs), _table(targets)[:, 0]
        names = [feature_names[i] if i < len(feature_names) else f"feature {i + 1}" for i in range(features.shape[1])]
        if not classes:
            add_dots(axes, features[:, 0], numbers, looks(1)[0])
            label_axes(axes, names[0], target_name or "target")
            return png(figure)
        a, b = _widest(features)
        most = MOST_DOTS // len(classes) + 1
        dots = [
            add_dots(axes, features[numbers == c, a], features[numbers == c, b], look, most)
            for c, look in enumerate(looks(len(classes)))
        ]
        label_axes(axes, names[a], names[b])
        add_legend(figure, dots, classes)
        return png(figure)


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
    """The inputs as (h, w, 3) pictures in [0, 1], of at most about 256 pixels a side, all on one scale.

    Of four channels the last, which says how clear a pixel is, is not shown.
    """
    values = np.nan_to_num(np.asarray(inputs, dtype=np.float64).reshape(-1, *shape), posinf=0, neginf=0)
    skip = max(shape[-2:]) // 256 + 1
    values = values[..., ::skip, ::skip]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if low < 0 or high > 1:
        values = (values - low) / ((high - low) or 1)
    channels = values.reshape(len(values), math.prod(shape[:-2]), *values.shape[-2:])[:, :3]
    return [np.moveaxis(np.broadcast_to(each, (3, *each.shape[1:])), 0, 2) for each in channels]


def _table(values: Array) -> Array:
    """The values with a row for each example, whatever shape each had."""
    rows = np.asarray(values, dtype=np.float64)
    return rows.reshape(len(rows), math.prod(rows.shape[1:]))


def _widest(features: Array) -> tuple[int, int]:
    """The two features with the highest spread, in their own order; the same one twice where there is only one."""
    finite = np.where(np.abs(features) < 1e100, features, 0)
    spreads = finite.std(axis=0) if len(finite) else np.zeros(features.shape[1])
    widest = sorted(np.argsort(-spreads, kind="stable")[:2].tolist())
    return widest[0], widest[-1]
