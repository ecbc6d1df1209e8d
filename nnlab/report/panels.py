"""Panels: what is shown of one run: where it errs, and what its first layer learnt on the way."""

import numpy as np

from nnlab import metrics
from nnlab.comparison import Row
from nnlab.dataset import Array
from nnlab.present.html import Html, as_table, element, join
from nnlab.present.values import Listing
from nnlab.report import heat, scatter
from nnlab.report.first_layer import MOST_CLASSES, MOST_WIDE, Learning, shown_measured, shown_weights, table_of
from nnlab.report.mistakes import Example, Mistakes, class_names, confused
from nnlab.report.numbers import shown_step


def mistaken(mistakes: Mistakes | None, row: Row) -> Html:
    """The confusion matrix or the residuals, and the worst examples."""
    head = element("h5", "Where it errs")
    if mistakes is None:
        finished = row.status == "finished"
        why = "its data has no test split" if finished else f"a run that is {row.status} has not predicted it yet"
        return join([head, element("p", f"There are no predictions of a test split: {why}.", class_="note")])
    if mistakes.confusion is None:
        name = row.summary.dataset.target_name or "value"
        drawings = [
            scatter.predicted_against_true(mistakes.true, mistakes.predicted, name),
            scatter.residuals(mistakes.true, mistakes.predicted, name),
        ]
        return join([head, element("div", *drawings, class_="charts"), _worst(mistakes)])
    return join([head, _confusion(mistakes.confusion, mistakes.classes, "test"), _worst(mistakes)])


def _confusion(matrix: Array, classes: list[str], split: str) -> Html:
    found = confused(matrix, classes)
    said = [f"{true} taken for {said} ({count:,}×)" for true, said, count in found]
    errors = int(matrix.sum() - np.trace(matrix))
    text = f"{errors:,} of {int(matrix.sum()):,} {split} examples are wrong" + (
        f"; most often {', '.join(said)}." if said else "."
    )
    summary = element("p", text)
    if len(matrix) > MOST_CLASSES:
        rows = [[true, said, f"{count:,}"] for true, said, count in confused(matrix, classes, 20)]
        return join([summary, as_table(Listing(["true", "predicted", "how often"], rows, "The most frequent errors."))])
    caption = f"Confusion on the {split} split: rows are true classes, columns predicted ones."
    return join([summary, _confusion_table(matrix, classes, caption, recall=True)])


def _confusion_table(matrix: Array, classes: list[str], caption: Html | str, *, recall: bool) -> Html:
    """Counts, and with ``recall`` at the end of each row its own."""
    found = metrics.per_class(matrix, tuple(classes)) if recall else []
    return heat.table(
        [[f"{count:,}" for count in row] for row in matrix],
        heat.confusion_levels(matrix),
        caption=caption,
        corner="true \\ predicted",
        rows=classes,
        columns=classes,
        ends=[f"{100 * each.recall:.1f} %" if each.count else "–" for each in found],
        end="recall",
    )


def _worst(mistakes: Mistakes) -> Html:
    if not mistakes.examples:
        return element("p", "It has every test example right.")
    head = element("h6", "Worst-classified" if mistakes.classes else "Worst-predicted")
    if mistakes.examples[0].picture:
        text = "The test examples with the highest loss: the true class, what it was taken for, and how surely."
        pictures = [element("li", _picture(example)) for example in mistakes.examples]
        return join([head, element("p", text, class_="quiet"), element("ul", *pictures, class_="pictures")])
    last = "probability" if mistakes.classes else "predicted − true"
    names = mistakes.feature_names if mistakes.examples[0].features else []
    columns = ["example", "true", "predicted", last, *names]
    rows = [[f"{each.number:,}", each.true, each.predicted, each.detail, *each.features] for each in mistakes.examples]
    return join([head, as_table(Listing(columns, rows, "The test examples with the highest loss, counted from 0."))])


def _picture(example: Example) -> Html:
    alt = f"Test example {example.number}: {example.true}"
    caption = [
        element("b", example.true),
        " as ",
        element("b", example.predicted),
        " ",
        element("span", example.detail),
    ]
    picture = element("img", src=example.picture, alt=alt, width=72, height=72)
    return element("figure", picture, element("figcaption", *caption))


def learnt(learning: Learning | None, row: Row, panel: str) -> Html:
    """The first layer at the end, and where frames were kept the controls to go back to the start."""
    head = element("h5", "What it learnt")
    if learning is None:
        reason = "The run kept no frames while it trained, and its weights are not there or too many to be shown."
        return join([head, element("p", reason, class_="note")])
    parts = [head]
    if learning.remark:
        parts.append(element("p", learning.remark, class_="note"))
    stepped = len(learning.frames) > 1
    if stepped:
        parts.append(_controls(learning, panel))
    first = _first_layer(learning, row)
    parts.append(element("div", first, *_confusion_then(learning, row), class_="sides"))
    if learning.stepped:
        parts.append(_ratios(learning))
    return join(parts)


def _controls(learning: Learning, panel: str) -> Html:
    last, end = learning.last, len(learning.frames) - 1
    text = shown_step(last.step, last.epoch)
    slider = element("input", type="range", id=f"{panel}-frame", min=0, max=end, value=end, step=1, aria_valuetext=text)
    label = element("label", "Look back", for_=f"{panel}-frame")
    play = element("button", "Play", type="button", data_play=True)
    return element("div", play, label, slider, element("output", text, for_=f"{panel}-frame"), class_="frames scripted")


def _first_layer(learning: Learning, row: Row) -> Html:
    of = f"{learning.units} unit{'s' * (learning.units != 1)}"
    if learning.kind == "table":
        return _weight_table(learning, row)
    looks = "a row for each unit, a column for each feature" if learning.kind == "sheet" else "a picture for each unit"
    if learning.kind == "sheet" and table_of(learning.last.weight).shape[1] > MOST_WIDE:
        looks += f" of the first {MOST_WIDE}"
    alt = f"First-layer weights, {of}, {shown_step(learning.last.step, learning.last.epoch)}"
    colour = _is_colour(learning, row)
    kind = "weights" + (" colour" if colour else "") + (" sheet" if learning.kind == "sheet" else "")
    picture = element("img", src=learning.pictures[-1], alt=alt, class_=kind, data_weights=True)
    scale = f"{learning.scale:.2g}"
    legend = (
        element("span", f"grey is 0; each colour from −{scale} to {scale}")
        if colour
        else element("span", f"−{scale} ", element("span", class_="scale", aria_hidden="true"), f" {scale}")
    )
    caption = element("figcaption", f"First layer, {of}: {looks}. ", legend)
    return element("figure", picture, caption)


def _is_colour(learning: Learning, row: Row) -> bool:
    shape = learning.last.weight.shape
    inputs = row.summary.dataset.shape or []
    return learning.kind == "picture" and (shape[1] == 3 if len(shape) == 4 else len(inputs) == 3 and inputs[0] == 3)


def _weight_table(learning: Learning, row: Row) -> Html:
    weight = table_of(learning.last.weight)
    names = row.summary.dataset.feature_names or []
    count = weight.shape[1]
    columns = names if len(names) == count else [f"input {number + 1}" for number in range(count)]
    units = _unit_names(row, weight)
    caption = f"First-layer weights: a row for each unit, from −{learning.scale:.3g} to {learning.scale:.3g}."
    levels = heat.weight_levels(weight, learning.scale)
    texts = shown_weights(learning.last.weight)
    table = heat.table(texts, levels, caption=caption, corner="unit \\ input", rows=units, columns=columns)
    return element("div", table, data_weights=True)


def _unit_names(row: Row, weight: Array) -> list[str]:
    """Where there is but one layer its units are the outputs; of others they have numbers."""
    classes, count = row.summary.dataset.classes or [], len(weight)
    linear = row.summary.parameters == weight.size + count
    return list(classes) if linear and len(classes) == count else [f"{number + 1}" for number in range(count)]


def _confusion_then(learning: Learning, row: Row) -> list[Html]:
    """The confusion of the last frame, which the slider takes back."""
    measured = learning.measured(len(learning.frames) - 1)
    if len(learning.frames) == 1 or measured is None or measured.confusion is None:
        return []
    matrix = measured.confusion
    watched = row.summary.dataset.watched
    then = element("b", shown_measured(measured), data_measured=True)
    caption = element("span", f"Confusion on the {watched} split, ", then, ".")
    table = _confusion_table(matrix, class_names(row, len(matrix)), caption, recall=False)
    return [element("div", table, data_confusion=True)]


def _ratios(learning: Learning) -> Html:
    names, last = learning.names, learning.stepped[-1]
    lines = [[name, f"{last.ratios[name]:.2g}"] for name in names]
    more = len(last.ratios) - len(names)
    said = (
        "How far one step moves each weight: the norm of the update over the norm of the weight. "
        "A usual rule of thumb is about 0.001."
    )
    chart = element(
        "figure",
        element("figcaption", element("strong", "Update-to-weight ratio"), element("span", f" {said}", class_="quiet")),
        element(
            "div",
            class_="plot",
            tabindex=0,
            role="group",
            aria_roledescription="chart",
            aria_label="Update-to-weight ratio",
        ),
        element("ul", class_="legend"),
        element("p", class_="readout", aria_hidden="true"),
        element("p", class_="visually-hidden", role="status", data_announce=True),
        class_="chart ratios scripted",
    )
    left_out = f" The first {len(names)} of {len(names) + more}." if more else ""
    caption = f"At {shown_step(last.step, last.epoch)}.{left_out}"
    table = element(
        "details",
        element("summary", "The update-to-weight ratios as a table"),
        as_table(Listing(["weight", "ratio"], lines, caption)),
    )
    return join([chart, table]) if len(learning.stepped) > 1 else table
