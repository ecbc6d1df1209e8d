"""Heat: a matrix as a table whose cells are coloured by their size, readable without the colours too."""

from collections.abc import Sequence

import numpy as np

from nnlab.dataset import Array
from nnlab.present.html import Html, boxed, element

LEVELS = 10


def confusion_levels(matrix: Array) -> Array:
    """(classes, classes) -10 (cool: right) to 10 (warm: wrong): the square root of the share of the row.

    The root keeps a few errors visible beside a diagonal of 98 percent; a quarter of a row is as wrong as it gets.
    """
    shares = np.sqrt(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1))
    signed = np.where(np.eye(len(matrix), dtype=bool), -shares, np.minimum(2 * shares, 1))
    levels: Array = (np.sign(signed) * np.ceil(LEVELS * np.abs(signed))).astype(np.int64)
    return levels


def weight_levels(weight: Array, scale: float) -> Array:
    """(units, features) -10 (cool: below zero) to 10 (warm): the weights' share of ``scale``."""
    shares = np.clip(np.nan_to_num(weight.astype(np.float64)) / (scale or 1.0), -1, 1)
    return np.round(LEVELS * shares).astype(np.int64)


def table(
    texts: Sequence[Sequence[str]],
    levels: Array,
    *,
    caption: Html | str,
    corner: str,
    rows: Sequence[str],
    columns: Sequence[str],
    ends: Sequence[str] = (),
    end: str = "",
) -> Html:
    """A table of coloured cells with a name for each row and column; ``ends`` is a last column without colours."""
    head = [corner, *columns, *([end] if ends else [])]
    lines = []
    for number, (name, cells) in enumerate(zip(rows, texts, strict=True)):
        line = [element("th", name, scope="row")]
        line += [element("td", text, data_level=int(level)) for text, level in zip(cells, levels[number], strict=True)]
        if ends:
            line.append(element("td", ends[number]))
        lines.append(element("tr", *line))
    return boxed(head, lines, caption, "heat")
