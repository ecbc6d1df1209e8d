"""Boxes: tables of facts, each in a box in which a wide one scrolls, with its caption below."""

import re
from collections.abc import Sequence

from nnlab.present.html import Html, element

MOST_TEXT = 300
"""Characters of a value from a file."""
_TAG = re.compile(r"<[^>]*>")


def facts(head: Sequence[object], lines: Sequence[Sequence[object]], caption: str, class_: str = "facts") -> Html:
    """Rows of texts, each named by its first cell."""
    rows = [
        [element("th", cut(first), scope="row"), *(element("td", cut(cell)) for cell in rest)] for first, *rest in lines
    ]
    return table(head, [element("tr", *cells) for cells in rows], caption, class_)


def table(head: Sequence[object], rows: Sequence[Html], caption: Html | str, class_: str) -> Html:
    """A table of these rows in its box, which can be scrolled by keyboard too; the caption stays where it is."""
    columns = element("tr", *(element("th", name, scope="col") for name in head))
    content = element("table", element("thead", columns), element("tbody", *rows), class_=class_)
    label = Html(_TAG.sub("", caption)) if isinstance(caption, Html) else caption
    box = element("div", content, class_="wide", tabindex=0, role="group", aria_label=label)
    return element("figure", box, element("figcaption", caption), class_="table")


def cut(cell: object) -> object:
    """A cell without the end of a very long text."""
    return cell if isinstance(cell, Html) or len(str(cell)) <= MOST_TEXT else f"{str(cell)[:MOST_TEXT]}…"


def seconds(number: float | None) -> str:
    """``1.2 s``, ``3 min 05 s``."""
    if number is None:
        return "–"
    if number < 100:
        return f"{number:.1f} s"
    minutes, rest = divmod(round(number), 60)
    return f"{minutes} min {rest:02} s"


def count(value: object) -> str:
    """``164,560``."""
    return f"{value:,.10g}" if isinstance(value, int | float) else "–"
