"""Tables: a comparison as plain data, and as Markdown, CSV and LaTeX to hand in or put into a paper."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from nnlab.comparison.entries import Entry, Spread
from nnlab.comparison.groups import Comparison, Group
from nnlab.dataset.task import metric_of
from nnlab.metrics import shown_spread

BASELINE = "baseline"


class Format(StrEnum):
    """What a table can be written as."""

    md = "md"
    csv = "csv"
    latex = "latex"


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


def as_text(comparison: Comparison, format: Format) -> str:
    """The comparison in one of the formats, the best of each column in bold where the format has bold."""
    if format is Format.csv:
        return _as_csv(comparison)
    table = _as_markdown if format is Format.md else _as_latex
    return "\n".join(map(table, comparison.groups))


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
        lines.append(Line(entry.name, [entry.config.get(key, "-") for key in group.differing], *_measured(entry)))
        if not shared:
            lines += _baselines(group, entry.baselines, f", for {entry.name}")
    return [*lines, *_baselines(group, shared)]


def _baselines(group: Group, baselines: Mapping[str, Mapping[str, float]], whose: str = "") -> Iterator[Line]:
    for name, values in baselines.items():
        spreads = {column: Spread(value, 0.0, 1) for column, value in values.items()}
        yield Line(f"{name}{whose}", ["-"] * len(group.differing), spreads, None, BASELINE, [])


def _measured(entry: Entry) -> tuple[dict[str, Spread], float | None, str, list[str]]:
    return entry.values, entry.seconds, entry.status, entry.marks


def best_of(lines: Sequence[Line], column: str) -> float | None:
    """The best value of a metric's column."""
    values = [line.values[column].mean for line in lines if column in line.values]
    return metric_of(column).best(values) if values else None


def _as_csv(comparison: Comparison) -> str:
    """One table of all groups: accuracies are fractions, and what a group has no value for is empty."""
    keys = list(dict.fromkeys(key for group in comparison.groups for key in group.differing))
    columns = list(dict.fromkeys(column for group in comparison.groups for column in group.columns))
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    measured = [name for column in columns for name in (column, f"{column}_sd")]
    table.writerow(["dataset", "sha256", "scored_on", "name", *keys, "n", *measured, "seconds", "status", "marks"])
    for group in comparison.groups:
        places = {key: number for number, key in enumerate(group.differing)}
        for line in lines_of(group):
            texts = [line.texts[places[key]] if key in places else "" for key in keys]
            spreads = [line.values.get(column) for column in columns]
            n = max((spread.n for spread in spreads if spread), default=1)
            numbers = [cell for spread in spreads for cell in _numbers(spread)]
            seconds = "" if line.seconds is None else line.seconds
            data = [group.data.dataset, group.data.sha256, group.data.scored]
            cells = [*data, line.name, *texts, n, *numbers, seconds, line.status, "; ".join(line.marks)]
            table.writerow([_inert(cell) if isinstance(cell, str) else cell for cell in cells])
    return buffer.getvalue()


def _numbers(spread: Spread | None) -> tuple[float | str, float | str]:
    return ("", "") if spread is None else (spread.mean, spread.sd if spread.n > 1 else "")


def _inert(text: str) -> str:
    """The text on one line, as no spreadsheet takes it for a formula."""
    text = _one_line(text)
    return f"'{text}" if text[:1] in ("=", "+", "@") else text


def _as_markdown(group: Group) -> str:
    lines = lines_of(group)
    head, cells = _cells(group, lines, _markdown, lambda text: f"**{text}**")
    texts = 1 + len(group.differing)
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    rows = [f"| {' | '.join(row)} |" for row in (head, rule, *cells)]
    remarks = [line for remark in group.remarks for line in (_markdown(remark), "")]
    return "\n".join([f"**{_markdown(group.data.title)}**", "", *rows, "", *remarks])


def _as_latex(group: Group) -> str:
    lines = lines_of(group)
    head, cells = _cells(group, lines, _latex, lambda text: rf"\textbf{{{text}}}")
    texts = 1 + len(group.differing)
    rows = [" & ".join(row) + r" \\" for row in cells]
    return "\n".join(
        [
            f"% {_one_line(group.data.title)}; needs \\usepackage{{booktabs}}",
            *(f"% {_one_line(remark)}" for remark in group.remarks),
            rf"\begin{{tabular}}{{{'l' * texts}{'r' * (len(head) - texts)}}}",
            r"\toprule",
            " & ".join(head) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _cells(
    group: Group, lines: Sequence[Line], escape: Callable[[str], str], bold: Callable[[str], str]
) -> tuple[list[str], list[list[str]]]:
    """The head and the cells of a table for people, accuracies in percent, and marks last where there are any."""
    best = {column: best_of(lines, column) for column in group.columns}
    head = ["run", *group.differing, *(column.replace("_", " ") for column in group.columns), "seconds"]
    marked = any(line.marks for line in lines)
    head += ["marks"] * marked
    rows = []
    for line in lines:
        row = [escape(line.name), *map(escape, line.texts)]
        for column in group.columns:
            spread = line.values.get(column)
            text = escape(shown_spread(column, spread.mean, spread.sd, spread.n)) if spread else "-"
            row.append(bold(text) if spread and spread.mean == best[column] else text)
        row.append("-" if line.seconds is None else f"{line.seconds:.1f}")
        row += [escape("; ".join(line.marks))] * marked
        rows.append(row)
    return [escape(name) for name in head], rows


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _markdown(text: str) -> str:
    """Text that Markdown shows as it stands."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]<>()#+!|~$" else char for char in _one_line(text))


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def _latex(text: str) -> str:
    """Text that LaTeX shows as it stands."""
    return "".join(_LATEX.get(char, char) for char in _one_line(text))
