"""Markup: HTML elements from texts; what is no element itself is escaped, so nothing from a file becomes markup."""

import html
import re
from collections.abc import Mapping, Sequence

from nnlab.present.terminal import clean
from nnlab.present.values import Listing

Attribute = str | int | float | bool | None
KEPT = "\n\u200d"
"""Unprintable characters with a right to stay: line ends, and what joins the parts of one emoji. Marks that turn the
direction of writing have none."""


class Html(str):
    """Markup as it stands."""

    __slots__ = ()


MOST_TEXT = 300
"""Characters of a cell, from whatever file."""
_TAG = re.compile(r"<[^>]*>")
_VOID = {"img", "input", "meta", "br"}


def escaped(content: object) -> Html:
    """Markup as it stands, anything else as text."""
    return content if isinstance(content, Html) else Html(html.escape(clean(content, KEPT)))


def join(parts: Sequence[object]) -> Html:
    """One after the other, what is no markup as text."""
    return Html("".join(map(escaped, parts)))


def element(name: str, /, *content: object, **attributes: Attribute) -> Html:
    """An element; ``class_`` is the attribute class, other underscores are hyphens, and None leaves one out."""
    opening = "".join(_attribute(key, value) for key, value in attributes.items())
    start = f"<{name}{opening}>"
    return Html(start if name in _VOID else f"{start}{join(content)}</{name}>")


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(clean(value, KEPT))}"'


def as_table(listing: Listing, class_: str = "facts", classes: Mapping[int, str] | None = None) -> Html:
    """A listing, each row named by its first cell, its title below; ``classes`` are those of the cells of a column."""
    rows = []
    for number, row in enumerate(listing.rows):
        shown = [
            element("strong", cell) if (number, place) in listing.strong else cut(cell)
            for place, cell in enumerate(row)
        ]
        cells = [element("td", cell, class_=(classes or {}).get(place)) for place, cell in enumerate(shown)]
        cells[0] = element("th", shown[0], scope="row")
        rows.append(element("tr", *cells, class_="baseline" if number in listing.faint else None))
    return boxed(listing.columns, rows, listing.title, class_)


def boxed(head: Sequence[object], rows: Sequence[Html], caption: Html | str, class_: str) -> Html:
    """A table of these rows in its box, which can be scrolled by keyboard too; the caption stays where it is."""
    columns = element("tr", *(element("th", name, scope="col") for name in head))
    content = element("table", element("thead", columns), element("tbody", *rows), class_=class_)
    label = Html(_TAG.sub("", caption)) if isinstance(caption, Html) else caption
    box = element("div", content, class_="wide", tabindex=0, role="group", aria_label=label)
    return element("figure", box, element("figcaption", caption), class_="table")


def cut(cell: object) -> object:
    """A cell without the end of a very long text."""
    return cell if isinstance(cell, Html) or len(str(cell)) <= MOST_TEXT else f"{str(cell)[:MOST_TEXT]}…"
