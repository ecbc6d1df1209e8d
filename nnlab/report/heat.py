"""Heat: a matrix as a table whose cells are coloured by their size, readable without the colours too."""

from collections.abc import Sequence

import numpy as np

from nnlab.dataset import Array
from nnlab.report.markup import Html, element, join

LEVELS = 10


def confusion_levels(matrix: Array) -> Array:
    """(classes, classes) -10 (cool: right) to 10 (warm: wrong): the square root of the share of the row.

    The root keeps a few errors visible beside a diagonal of 98 percent.
    """
    shares = np.sqrt(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1))
    levels = np.where(matrix > 0, np.maximum(1, np.round(LEVELS * shares)), 0).astype(np.int64)
    return np.where(np.eye(len(matrix), dtype=bool), -levels, levels)


def weight_levels(weight: Array, scale: float) -> Array:
    """(units, features) -10 (cool: below zero) to 10 (warm): the weights' share of ``scale``."""
    shares = np.clip(np.nan_to_num(weight.astype(np.float64)) / (scale or 1.0), -1, 1)
    return np.round(LEVELS * shares).astype(np.int64)


def table(
    texts: Sequence[Sequence[str]],
    levels: Array,
    *,
    caption: object,
    corner: str,
    rows: Sequence[str],
    columns: Sequence[str],
    ends: Sequence[str] = (),
    end: str = "",
) -> Html:
    """A table of coloured cells with a name for each row and column; ``ends`` is a last column without colours."""
    head = [element("th", corner, scope="col"), *(element("th", name, scope="col") for name in columns)]
    if ends:
        head.append(element("th", end, scope="col"))
    lines = []
    for number, (name, cells) in enumerate(zip(rows, texts, strict=True)):
        line = [element("th", name, scope="row")]
        line += [element("td", text, data_level=int(level)) for text, level in zip(cells, levels[number], strict=True)]
        if ends:
            line.append(element("td", ends[number]))
        lines.append(element("tr", *line))
    body = element("table", element("caption", caption), element("thead", element("tr", *head)), _body(lines))
    return Html(body.replace("<table>", '<table class="heat">', 1))


def _body(lines: list[Html]) -> Html:
    return element("tbody", join(lines))
