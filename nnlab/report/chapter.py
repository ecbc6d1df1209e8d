"""Chapter: a group of runs from the result over the curves and the configs to what each of them learnt."""

from typing import Any

from nnlab.comparison import Entry, Group
from nnlab.comparison.curves import charts_of
from nnlab.comparison.rows import CHOSEN_BY_TEST
from nnlab.dataset import Dataset
from nnlab.dataset.task import every_metric, metric_of
from nnlab.errors import NnlabError
from nnlab.metrics import shown
from nnlab.present.html import Html, element
from nnlab.report import compared
from nnlab.report.first_layer import as_data as learning_as_data
from nnlab.report.first_layer import learning_of
from nnlab.report.interactive import as_data, frames
from nnlab.report.labels import labels_of, swatch
from nnlab.report.mistakes import mistakes_of
from nnlab.report.panels import learnt, mistaken


def chapter(
    group: Group, number: int, dataset: Dataset | None, reason: str, detailed: int, room: int
) -> tuple[Html, dict[str, Any], list[str]]:
    """The group's part of the page, the data of it for the page's script, and warnings of what is damaged.

    It has panels for the first ``detailed`` entries, each of about ``room`` bytes; the data is the curves, and what
    each run learnt by the id of its panel. ``dataset`` has the examples; where there is none, ``reason`` says why.
    """
    labels = labels_of(group)
    curves = charts_of(group, labels)
    parts = [
        element("h2", group.data.dataset, id=f"group-{number}"),
        element("p", f"{group.data.scored}; {group.data.task.name}; {group.data.hashes}", class_="quiet"),
        element("h3", "Result"),
        element("p", _headline(group), class_="headline"),
        compared.result(group),
    ]
    remarks = [*[CHOSEN_BY_TEST] * group.chosen_by_test, *group.remarks]
    parts += [element("p", f"Note: {remark}.", class_="note") for remark in remarks]
    parts += [element("h3", "Curves"), frames(group, curves, number)]
    parts += [element("h3", "How they differ" if len(group.entries) > 1 else "The config"), compared.differences(group)]
    parts.append(
        element(
            "h3",
            "Where they err, and what they learnt" if len(group.entries) > 1 else "Where it errs, and what it learnt",
        )
    )
    if reason:
        parts.append(element("p", f"Inputs cannot be shown: {reason}", class_="note"))
    panels, learnt_by, warnings = [], {}, []
    for place, (entry, label) in list(enumerate(zip(group.entries, labels, strict=True)))[:detailed]:
        panel = f"run-{number}-{place}"
        html, learning, warned = _panel(entry, label, panel, place, dataset, room, opened=place == 0)
        panels.append(html)
        warnings += warned
        if learning:
            learnt_by[panel] = learning
    left_out = len(group.entries) - len(panels)
    if left_out:
        parts.append(
            element("p", f"The best {len(panels)}; {left_out} more are in the tables above only.", class_="note")
        )
    section = element("section", *parts, *panels, aria_labelledby=f"group-{number}", data_group=number)
    return section, {"curves": as_data(group, curves), "learnt": learnt_by}, warnings


def _headline(group: Group) -> str:
    """The result in a sentence or two."""
    column = group.ranked_by.removeprefix("-")
    metric = column.partition("_")[2]
    scored = [entry for entry in group.entries if column in entry.values]
    if metric not in every_metric() or not scored:
        return "None of these runs has a score yet."
    labels = dict(zip(map(id, group.entries), labels_of(group), strict=True))
    title, best = column.replace("_", " "), scored[0]
    said = f"{labels[id(best)]} reaches a {title} of {compared.shown(column, best.values[column])}"
    if len(scored) > 1:
        said += f", {_apart(scored[0], scored[1], column)} {labels[id(scored[1])]}, the next of {len(group.entries)}"
    said += "."
    for entry in scored[:2]:
        if entry.marks:
            said += f" But {labels[id(entry)]}: {'; '.join(entry.marks)}."
    baselines = {name: found[column] for name, found in scored[0].baselines.items() if column in found}
    if baselines:
        said += f" To compare: {', '.join(f'{name} {shown(column, value)}' for name, value in baselines.items())}."
    return said


def _apart(first: Entry, second: Entry, column: str) -> str:
    """How far the best is before the next, in words."""
    difference = abs(first.values[column].mean - second.values[column].mean)
    if metric_of(column).percent:
        points = 100 * difference
        return f"{points:.2f} points ahead of" if points >= 0.005 else "level with"
    return f"{difference:.3g} better than" if difference else "level with"


def _panel(
    entry: Entry, label: str, panel: str, look: int, dataset: Dataset | None, room: int, *, opened: bool
) -> tuple[Html, dict[str, Any] | None, list[str]]:
    """One entry's errors and what it learnt; what is damaged is said in its place."""
    row = entry.rows[0]
    parts: list[Html] = []
    warnings: list[str] = []
    learning_data, confusion = None, None
    said = f"Of its {len(entry.rows)} runs this is {row.name}" if len(entry.rows) > 1 else f"Run {row.name}"
    parts.append(element("p", f"{said}.", class_="quiet"))
    try:
        mistakes = mistakes_of(row, dataset, room // 5)
        parts.append(mistaken(mistakes, row))
        if mistakes and not row.summary.dataset.val:
            confusion = mistakes.confusion  # of the split that was watched
    except NnlabError as error:
        warnings.append(error.message)
        parts.append(element("p", f"Its predictions cannot be read: {error.message}", class_="note"))
    try:
        learning = learning_of(row, room, confusion)
        parts.append(learnt(learning, row, panel))
        learning_data = learning_as_data(learning) if learning else None
    except NnlabError as error:
        warnings.append(error.message)
        parts.append(element("p", f"What it learnt cannot be read: {error.message}", class_="note"))
    title = element("h4", swatch(look), label)
    html = element("details", element("summary", title), *parts, class_="panel", id=panel, open=opened)
    return html, learning_data, warnings
