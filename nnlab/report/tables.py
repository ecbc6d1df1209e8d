"""Tables: what was compared with which result, how the configs differ, and what the runs were made with."""

from collections.abc import Mapping, Sequence
from typing import Any

from nnlab.comparison import BASELINE, Entry, Group, Row, best_of, lines_of
from nnlab.errors import RunError
from nnlab.report.curves import Curve, charts_of, last_values, name_of
from nnlab.report.looks import swatch
from nnlab.report.markup import EMPTY, Html, element
from nnlab.rundir import ENVIRONMENT

MOST_TEXT = 300
"""Characters of a value from a file."""


def result(group: Group) -> Html:
    """The entries, best first, and the baselines; the best of each column stands out."""
    lines = lines_of(group)
    best = {column: best_of([line for line in lines if line.status != BASELINE], column) for column in group.columns}
    head = ["run", *(column.replace("_", " ") for column in group.columns), "time", "status"]
    rows = []
    for number, line in enumerate(lines):
        mark = swatch(number) if line.status != BASELINE else EMPTY
        cells = [element("th", mark, line.name, scope="row")]
        for column in group.columns:
            spread = line.values.get(column)
            text = spread.shown(column) if spread else "–"
            best_here = spread is not None and line.status != BASELINE and spread.mean == best[column]
            cells.append(element("td", element("strong", text) if best_here and len(group.entries) > 1 else text))
        cells.append(element("td", "–" if line.seconds is None else shown_seconds(line.seconds)))
        cells.append(element("td", line.status))
        rows.append(element("tr", *cells, class_="baseline" if line.status == BASELINE else None))
    caption = f"Best first, by {group.ranked_by.replace('_', ' ')}."
    return _table(head, rows, caption, class_="numbers")


def values(group: Group, curves: Sequence[Curve]) -> Html:
    """Where the curves end: what the charts say, as a table."""
    head = ["run", "steps", *(chart.title for chart in charts_of(group, curves))]
    return facts(head, [last_values(group, curve) for curve in curves], "The last value of each curve.")


def differences(group: Group) -> Html:
    """The keys in which the entries' configs differ, a column for each entry; and folded up, those in which not."""
    entries = group.entries
    keys = list(dict.fromkeys(key for entry in entries for key in entry.config))
    texts = {key: [entry.config.get(key, "–") for entry in entries] for key in keys}
    apart = [key for key in keys if len(set(texts[key])) > 1]
    same = [key for key in keys if key not in apart]
    names = [name_of(entry) for entry in entries]
    if len(entries) == 1:
        return facts(["key", "value"], [[key, *texts[key]] for key in keys], "The whole config.")
    if not apart:
        found = element("p", "The configs are the same.")
    else:
        head = [EMPTY, *(element("span", swatch(number), name) for number, name in enumerate(names))]
        caption = "Only what differs; – where a model has no such key."
        found = facts(["key", *head[1:]], [[key, *texts[key]] for key in apart], caption)
    shared = facts(["key", "value"], [[key, texts[key][0]] for key in same], "The same in all of them.")
    return Html(found + element("details", element("summary", f"What they share: {len(same)} keys"), shared))


def runs(rows: Sequence[Row]) -> Html:
    """Where the numbers come from: every run by itself."""
    head = ["run", "seed", "started", "steps", "epochs", "parameters", "time", "status"]
    lines = []
    for row in rows:
        facts_ = row.summary
        lines.append(
            [
                row.name,
                row.config.get("seed", "–"),
                str(facts_.get("started") or "–").replace("T", " "),
                _count(facts_.get("steps")),
                _count(facts_.get("epochs")),
                _count(facts_.get("parameters")),
                "–" if row.seconds is None else shown_seconds(row.seconds),
                row.status,
            ]
        )
    return facts(head, lines, "Every run; nnlab reproduce RUN trains one again and says whether the numbers come out.")


def environments(rows: Sequence[Row]) -> Html:
    """What the runs were made with: what all share in one column, and where they differ, a column for each kind."""
    kinds: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for row in rows:
        kinds.setdefault(tuple(_environment(row).items()), []).append(row.name)
    described = [dict(kind) for kind in kinds]
    keys = list(dict.fromkeys(key for kind in described for key in kind))
    if len(kinds) == 1:
        names = ["all runs" if len(rows) > 1 else "value"]
    else:
        names = [
            ", ".join(named) if len(named) < 3 else f"{named[0]} and {len(named) - 1} more" for named in kinds.values()
        ]
    lines = [[key, *(kind.get(key, "–") for kind in described)] for key in keys]
    return facts(["what", *names], lines, "As recorded by each run in its env.json.")


def _environment(row: Row) -> dict[str, str]:
    """env.json by dotted key; that there is none is told too."""
    try:
        return _flat(row.run.read_json(ENVIRONMENT)) or {"env.json": "empty"}
    except RunError:
        return {"env.json": "missing or damaged"}


def _flat(found: Mapping[str, Any], before: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in found.items():
        name = f"{before}{key}"
        flat |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: "–" if value is None else str(value)}
    return flat


def facts(head: Sequence[object], lines: Sequence[Sequence[object]], caption: str) -> Html:
    """Rows of texts, named by their first cell."""
    rows = [
        element("tr", element("th", _cut(first), scope="row"), *(element("td", _cut(cell)) for cell in rest))
        for first, *rest in lines
    ]
    return _table(head, rows, caption, class_="facts")


def _table(head: Sequence[object], rows: Sequence[Html], caption: str, class_: str) -> Html:
    columns = element("tr", *(element("th", name, scope="col") for name in head))
    content = [element("caption", caption), element("thead", columns), element("tbody", *rows)]
    return wide(element("table", *content, class_=class_), caption)


def wide(table: Html, label: str) -> Html:
    """A box in which a wide table scrolls, by keyboard too."""
    return element("div", table, class_="wide", tabindex=0, role="region", aria_label=label)


def _cut(cell: object) -> object:
    return cell if isinstance(cell, Html) or len(str(cell)) <= MOST_TEXT else f"{str(cell)[:MOST_TEXT]}…"


def shown_seconds(seconds: float) -> str:
    """``1.2 s``, ``3 min 05 s``."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


def _count(value: object) -> str:
    return f"{value:,.10g}" if isinstance(value, int | float) else "–"


def names_of(entries: Sequence[Entry]) -> list[str]:
    """As they stand in the tables."""
    return [name_of(entry) for entry in entries]
