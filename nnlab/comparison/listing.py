"""Listing: a comparison as plain data, and as a table of its entries and baselines, to be read or handed in."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from nnlab.comparison.entries import Spread
from nnlab.comparison.groups import Comparison, Group
from nnlab.dataset.task import metric_of
from nnlab.present import documents
from nnlab.present.values import Format, Listing
from nnlab.rundir.sealed import finite

BASELINE = "baseline"


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data: ``runs`` each by itself, ``entries`` with runs that differ in their seed folded."""
    return {
        "groups": [
            {
                "dataset": group.data.dataset,
                "sha256": group.data.sha256,
                "task": group.data.task.name,
                "scored_on": group.data.scored,
                "examples": group.data.examples,
                "differing": group.differing,
                "ranked_by": group.ranked_by,
                "runs": [
                    {
                        "name": row.name,
                        "path": str(row.path),
                        "status": row.status,
                        "config": {key: row.config.get(key) for key in group.differing},
                        "metrics": row.values,
                        "seconds": row.seconds,
                        "marks": list(row.marks),
                    }
                    for row in group.rows
                ],
                "entries": [
                    {
                        "name": entry.name,
                        "runs": [row.name for row in entry.rows],
                        "seeds": [row.summary.seed for row in entry.rows],
                        "n": len(entry.rows),
                        "config": {key: entry.config.get(key) for key in group.differing},
                        "metrics": {
                            name: {"mean": spread.mean, "sd": spread.sd if spread.n > 1 else None, "n": spread.n}
                            for name, spread in entry.values.items()
                        },
                        "seconds": entry.seconds,
                        "baselines": entry.baselines,
                        "marks": entry.marks,
                    }
                    for entry in group.entries
                ],
                "baselines": group.baselines,
                "chosen_by_test": group.chosen_by_test,
                "remarks": group.remarks,
            }
            for group in comparison.groups
        ],
        "warnings": comparison.warnings,
    }


def as_text(comparison: Comparison, form: Format) -> str:
    """The comparison in one of the formats, the best of each column in bold where the format has bold."""
    if form is Format.json:
        return json.dumps(finite(as_json(comparison)), indent=2, allow_nan=False) + "\n"
    if form is Format.csv:
        return documents.as_csv(_numbers(comparison))
    document = documents.as_markdown if form is Format.md else documents.as_latex
    return "\n".join(document(listing(group, last=("marks",))) for group in comparison.groups)


def listing(
    group: Group,
    *,
    last: Sequence[str] = ("status", "marks"),
    time: str = "seconds",
    shown_time: Callable[[float], str] = "{:.1f}".format,
) -> Listing:
    """The group's lines for people: accuracies in percent, the best stands out, baselines stand back.

    ``last`` is the columns after that of the ``time``; marks are left out where there are none, and are notes where
    they are no column.
    """
    lines = lines_of(group)
    best = {column: best_of(lines, column) for column in group.columns}
    last = [name for name in last if name != "marks" or any(line.marks for line in lines)]
    head = ["run", *group.differing]
    rows, strong = [], set()
    for number, line in enumerate(lines):
        spreads = [(column, line.values.get(column)) for column in group.columns]
        numbers = [spread.shown(column) if spread else "-" for column, spread in spreads]
        leading = [spread is not None and spread.mean == best[column] for column, spread in spreads]
        strong |= {(number, len(head) + place) for place, leads in enumerate(leading) if leads}
        ends = {"status": line.status, "marks": "; ".join(line.marks)}
        took = "-" if line.seconds is None else shown_time(line.seconds)
        rows.append([line.name, *line.texts, *numbers, took, *(ends[name] for name in last)])
    columns = [*head, *(column.replace("_", " ") for column in group.columns), time, *last]
    left = {*range(len(head)), *(len(columns) - len(last) + place for place in range(len(last)) if "status" in last)}
    faint = {number for number, line in enumerate(lines) if line.status == BASELINE}
    notes = [f"{line.name}: {mark}" for line in lines for mark in line.marks] if "marks" not in last else []
    return Listing(columns, rows, group.data.title, left, faint, strong, [*notes, *group.remarks])


class Line(NamedTuple):
    """A line of a table: an entry or a baseline."""

    name: str
    texts: list[str]
    """What differs."""
    values: dict[str, Spread]
    seconds: float | None
    status: str
    marks: list[str]


def lines_of(group: Group) -> list[Line]:
    """The entries of a group, best first, and under them the baselines; where each has its own, under each its own."""
    shared = group.baselines
    lines: list[Line] = []
    for entry in group.entries:
        texts = [entry.config.get(key, "-") for key in group.differing]
        lines.append(Line(entry.name, texts, entry.values, entry.seconds, entry.status, entry.marks))
        if not shared:
            lines += _baselines(group, entry.baselines, f", for {entry.name}")
    return [*lines, *_baselines(group, shared)]


def _baselines(group: Group, baselines: Mapping[str, Mapping[str, float]], whose: str = "") -> Iterator[Line]:
    for name, values in baselines.items():
        spreads = {column: Spread(value, 0.0, 1) for column, value in values.items()}
        yield Line(f"{name}{whose}", ["-"] * len(group.differing), spreads, None, BASELINE, [])


def best_of(lines: Sequence[Line], column: str) -> float | None:
    """The best value of a metric's column."""
    values = [line.values[column].mean for line in lines if column in line.values]
    return metric_of(column).best(values) if values else None


def _numbers(comparison: Comparison) -> Listing:
    """One table of all groups: accuracies are fractions, and what a group has no value for is empty."""
    keys = list(dict.fromkeys(key for group in comparison.groups for key in group.differing))
    columns = list(dict.fromkeys(column for group in comparison.groups for column in group.columns))
    measured = [name for column in columns for name in (column, f"{column}_sd")]
    head = ["dataset", "sha256", "scored_on", "name", *keys, "n", *measured, "seconds", "status", "marks"]
    rows = []
    for group in comparison.groups:
        places = {key: number for number, key in enumerate(group.differing)}
        for line in lines_of(group):
            texts = [line.texts[places[key]] if key in places else "" for key in keys]
            spreads = [line.values.get(column) for column in columns]
            n = max((spread.n for spread in spreads if spread), default=1)
            numbers = [cell for spread in spreads for cell in _cells(spread)]
            seconds = "" if line.seconds is None else line.seconds
            data = [group.data.dataset, group.data.sha256, group.data.scored]
            rows.append([*data, line.name, *texts, n, *numbers, seconds, line.status, "; ".join(line.marks)])
    return Listing(head, rows)


def _cells(spread: Spread | None) -> tuple[float | str, float | str]:
    """Mean and deviation, as far as there are any."""
    return ("", "") if spread is None else (spread.mean, spread.sd if spread.n > 1 else "")
