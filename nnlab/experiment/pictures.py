"""Pictures: which ones a run gets, and what goes into each."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from nnlab import metrics
from nnlab.dataset import Array, Dataset, Split, SplitName
from nnlab.dataset.dataset import is_picture
from nnlab.present import charts, examples, lines, results

SAMPLE_ROWS = 5


def of_training(
    title: str,
    dataset: Dataset,
    columns: charts.Columns,
    losses: Array,
    scores: Mapping[SplitName, Array],
    steps_per_epoch: int,
) -> Iterator[tuple[str, bytes]]:
    """(file name, PNG) of the loss curve, the score curve, a look at the data and a look at what was learnt.

    ``columns`` are those of metrics.csv, ``losses`` (steps,) that of every step, ``scores`` the final ones by split.
    """
    task = dataset.task
    unit = ", ".join(filter(None, (task.loss, task.unit)))
    for chart in charts.of_run(columns):
        every, label = None, task.curve.title
        if chart.column == "loss":
            train, *others = chart.series
            chart = replace(chart, series=[replace(train, name="train, mean since the last point"), *others])
            every, label = (np.arange(1, len(losses) + 1), losses), f"loss ({unit})"
        said = label.partition(" ")[0]
        yield (
            f"{chart.column}.png",
            lines.drawn(
                chart,
                title=f"{said[:1].upper()}{said[1:]}: {title}",
                label=label,
                every=every,
                steps_per_epoch=steps_per_epoch,
            ),
        )
    yield of_data(dataset)
    shown: SplitName = "test" if dataset.test else dataset.watched
    yield of_scores(title, dataset, shown, scores[shown], dataset.split(shown) or dataset.train)


def of_data(dataset: Dataset) -> tuple[str, bytes]:
    """(file name, PNG) of some training examples: pictures as pictures, numbers as points."""
    train = dataset.train
    if is_picture(dataset.shape) and dataset.classes:
        rows = examples.choose_samples(train.targets, len(dataset.classes), SAMPLE_ROWS)
        title = f"Sample pictures: {dataset.name}"
        drawn, targets = dataset.transform.measured(train.inputs[rows]), train.targets[rows]
        return "samples.png", examples.samples(drawn, targets, dataset.shape, title=title, names=dataset.classes)
    return "samples.png", examples.scatter(
        dataset.transform.measured(train.inputs),
        train.targets,
        title=f"Training data: {dataset.name}",
        feature_names=dataset.feature_names,
        target_name=dataset.target_name,
        classes=dataset.classes,
    )


def of_scores(title: str, dataset: Dataset, name: str, scores: Array, split: Split) -> tuple[str, bytes]:
    """(file name, PNG) of a split's scores: a confusion matrix, a fitted line, or predicted over true values."""
    if dataset.task.picture == "confusion":
        matrix = metrics.confusion(scores, split.targets, dataset.outputs)
        return f"confusion-{name}.png", results.confusion(matrix, dataset.classes, title=f"Confusion, {name}: {title}")
    label, values = dataset.target_name or "value", dataset.task.values(scores)
    if dataset.features == 1 and dataset.outputs == 1:
        x = dataset.transform.measured(split.inputs)[:, 0]
        order = np.argsort(x)
        fitted = results.fit(
            x,
            split.targets[:, 0],
            x[order],
            values[order, 0],
            title=f"Fit, {name}: {title}",
            x_label=dataset.feature_names[0] if dataset.feature_names else "input",
            y_label=label,
        )
        return f"fit-{name}.png", fitted
    return f"fit-{name}.png", results.predicted_against_true(
        split.targets, values, title=f"Fit, {name}: {title}", label=label
    )
