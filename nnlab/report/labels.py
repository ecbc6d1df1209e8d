"""Labels: how an entry is told from the others in tables and charts: by name, by colour and by line."""

import re
from collections.abc import Sequence

from nnlab.comparison import Entry, Group
from nnlab.present.html import Html, element

COLOURS = 10
"""The custom properties --look-0 to --look-9 of page.css."""
DASHES = ("", "8 4", "8 3 2 3", "2 3")
"""As SVG writes them; charts.js has the same."""
_TIME = re.compile(r"^\d{8}-\d{6}-(?=.)")


def labels_of(group: Group) -> list[str]:
    """A name for each entry: the runs' without the time it begins with, where that tells all apart."""
    full = [_label(entry, [row.name for row in entry.rows], entry.name) for entry in group.entries]
    short = [_label(entry, [_TIME.sub("", row.name) for row in entry.rows], "") for entry in group.entries]
    return short if len(set(short)) == len(short) else full


def _label(entry: Entry, names: Sequence[str], common: str) -> str:
    if len(entry.rows) == 1:
        return names[0]
    return f"{names[0] if len(set(names)) == 1 else common or entry.name} (n={len(names)})"


def swatch(look: int) -> Html:
    """A short piece of the entry's line."""
    stroke = element("line", x1=1, y1=5, x2=27, y2=5, stroke_dasharray=DASHES[look % len(DASHES)] or None)
    class_ = f"swatch look-{look % COLOURS}"
    return element("svg", stroke, class_=class_, viewBox="0 0 28 10", width=28, height=10, aria_hidden="true")
