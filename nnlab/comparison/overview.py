"""Overview: a comparison as one HTML page that needs nothing else."""

import base64
from collections.abc import Sequence

from nnlab.comparison.curves import overlay
from nnlab.comparison.groups import Comparison, Group
from nnlab.comparison.listing import listing
from nnlab.present.html import Html, element, join
from nnlab.present.values import Listing

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>nnlab compare</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .3rem .8rem; border-bottom: 1px solid #8886; text-align: left; white-space: nowrap; }}
td.number, th.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
img {{ max-width: 100%; height: auto; background: white; }}
</style>
<h1>Compared runs</h1>
{groups}
</html>
"""


def page(comparison: Comparison) -> str:
    """The comparison as one HTML page that needs nothing else: tables and pictures, all text escaped."""
    return _PAGE.format(groups=fragment(comparison))


def fragment(comparison: Comparison) -> str:
    """The same as a part of a page, as a notebook shows it."""
    return "\n".join(map(_section, comparison.groups))


def _section(group: Group) -> Html:
    parts: list[object] = [element("h2", group.data.title), "\n", _table(listing(group)), "\n"]
    for remark in group.remarks:
        parts += [element("p", f"{remark}."), "\n"]
    picture = overlay(group)
    if picture is not None:
        source = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
        alt = "Loss and score of each run against step and seconds"
        parts.append(element("p", element("img", alt=alt, src=source)))
    return join(parts)


def _table(found: Listing) -> Html:
    """A table in a box in which a wide one scrolls."""

    def cells(tag: str, row: Sequence[object]) -> list[Html]:
        kinds = [None if number in found.left else "number" for number in range(len(row))]
        return [element(tag, cell, class_=kind) for cell, kind in zip(row, kinds, strict=True)]

    head = element("thead", element("tr", *cells("th", found.columns)))
    body = element("tbody", *(element("tr", *cells("td", row)) for row in found.rows))
    return element("div", element("table", head, body), class_="wide")
