"""Looks: how an entry is told from the others in tables and charts: by colour and by line."""

from nnlab.report.markup import Html, element

COLOURS = 10
"""The custom properties --look-0 to --look-9 of page.css."""
DASHES = ("", "8 4", "8 3 2 3", "2 3")
"""As SVG writes them; page.js has the same."""


def swatch(look: int) -> Html:
    """A short piece of the entry's line."""
    stroke = element("line", x1=1, y1=5, x2=27, y2=5, stroke_dasharray=DASHES[look % len(DASHES)] or None)
    class_ = f"swatch look-{look % COLOURS}"
    return element("svg", stroke, class_=class_, viewBox="0 0 28 10", width=28, height=10, aria_hidden="true")
