"""Overview: a comparison as one HTML page that needs nothing else."""

import base64
import html
from collections.abc import Sequence

from nnlab.comparison.curves import overlay
from nnlab.comparison.groups import Comparison, Group
from nnlab.comparison.tables import lines_of

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


def _section(group: Group) -> str:
    texts = ["run", *group.differing]
    numbers = [name.replace("_", " ") for name in group.columns] + ["seconds"]
    found = lines_of(group)
    marked = any(line.marks for line in found)
    last = ["status", *["marks"] * marked]
    head = _cells("th", texts) + _cells("th", numbers, "number") + _cells("th", last)
    lines = []
    for line in found:
        spreads = [line.values.get(name) for name in group.columns]
        values = [spread.shown(name) if spread else "-" for name, spread in zip(group.columns, spreads, strict=True)]
        values.append("-" if line.seconds is None else f"{line.seconds:.1f}")
        cells = [line.name, *line.texts]
        last = [line.status, *["; ".join(line.marks)] * marked]
        lines.append(f"<tr>{_cells('td', cells)}{_cells('td', values, 'number')}{_cells('td', last)}</tr>")
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    picture = overlay(group)
    curves = ""
    if picture is not None:
        data = base64.b64encode(picture).decode()
        curves = (
            f'<p><img alt="Loss and score of each run against step and seconds" src="data:image/png;base64,{data}"></p>'
        )
    remarks = "".join(f"<p>{html.escape(remark)}.</p>\n" for remark in group.remarks)
    return f"<h2>{html.escape(group.data.title)}</h2>\n{table}\n{remarks}{curves}"


def _cells(tag: str, texts: Sequence[str], kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return "".join(f"<{tag}{attribute}>{html.escape(text)}</{tag}>" for text in texts)
