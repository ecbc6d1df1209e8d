"""Mistakes: where a run errs on its test split: which classes it confuses, and its worst examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nnlab import metrics
from nnlab.comparison import Row
from nnlab.comparison.predictions import read_predictions
from nnlab.dataset import Array, Dataset
from nnlab.dataset.dataset import is_picture
from nnlab.dataset.task import log_softmax
from nnlab.report import images
from nnlab.rundir.directory import PREDICTIONS

MOST_EXAMPLES = 12
MOST_FEATURES = 8
"""Of an example that is no picture."""
PICTURE_ROOM = 1500
"""About the bytes of an example's picture."""


@dataclass(frozen=True)
class Example:
    """One of the worst."""

    number: int
    """Its place in the test split, from 0."""
    true: str
    predicted: str
    detail: str
    """The probability of the predicted class, or the error of the value."""
    picture: str | None
    features: tuple[str, ...]


@dataclass(frozen=True)
class Mistakes:
    """What a run's predictions of the test split show."""

    true: Array
    """(n,) class numbers, or (n, outputs) values."""
    predicted: Array
    """(n, outputs): logits or values."""
    classes: list[str]
    """Empty for regression."""
    confusion: Array | None
    examples: list[Example]
    feature_names: list[str]


def mistakes_of(row: Row, dataset: Dataset | None, room: int) -> Mistakes | None:
    """The worst examples with their inputs where the data is at hand; None where there are no predictions.

    Raises RunError where they are damaged.
    """
    if PREDICTIONS not in row.run.files():
        return None
    scores, targets = read_predictions(row)
    classes = class_names(row, scores.shape[1]) if targets.ndim == 1 else []
    confusion = metrics.confusion(scores, targets, len(classes)) if classes else None
    most = max(4, min(MOST_EXAMPLES, room // PICTURE_ROOM))
    losses = np.nan_to_num(row.task.each(scores, targets)["loss"], nan=np.inf, posinf=np.inf)
    worst = np.argsort(-losses, kind="stable")[:most]
    if classes:
        worst = worst[scores[worst].argmax(axis=1) != targets[worst]]
    scores = row.task.values(scores)
    inputs = _inputs(dataset, len(targets))
    examples = [_example(int(number), scores, targets, classes, dataset, inputs) for number in worst]
    names = _feature_names(dataset) if dataset and inputs is not None and not is_picture(dataset.shape) else []
    return Mistakes(targets, scores, classes, confusion, examples, names)


def class_names(row: Row, count: int) -> list[str]:
    """As the data has them; numbers where run.json has none, or others."""
    names = row.summary.dataset.classes or []
    return list(names) if len(names) == count else [str(number) for number in range(count)]


def _feature_names(dataset: Dataset) -> list[str]:
    """The names of the first features."""
    given = dataset.feature_names[:MOST_FEATURES]
    return list(given) or [f"feature {number + 1}" for number in range(min(dataset.features, MOST_FEATURES))]


def confused(matrix: Array, names: Sequence[str], most: int = 3) -> list[tuple[str, str, int]]:
    """The most frequent errors: true class, predicted class, how often."""
    errors = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
    order = np.argsort(-errors.reshape(-1), kind="stable")[:most]
    cells = [divmod(int(cell), len(matrix)) for cell in order]
    return [(names[true], names[said], int(errors[true, said])) for true, said in cells if errors[true, said]]


def _inputs(dataset: Dataset | None, count: int) -> Array | None:
    """(n, features) of the test split, where it is the one that was predicted."""
    split = dataset.test if dataset else None
    return split.inputs if split is not None and len(split) == count else None


def _example(
    number: int, scores: Array, targets: Array, classes: list[str], dataset: Dataset | None, inputs: Array | None
) -> Example:
    picture: str | None = None
    features: tuple[str, ...] = ()
    if dataset is not None and inputs is not None:
        measured = dataset.transform.measured(inputs[number])
        if is_picture(dataset.shape):
            picture = images.of_example(measured.reshape(dataset.shape))
        else:
            features = tuple(f"{value:.4g}" for value in measured[:MOST_FEATURES])
    said, target = scores[number], targets[number]
    if classes:
        place = int(said.argmax())
        share = float(np.exp(log_softmax(said[None])[0, place]))
        return Example(number, classes[int(target)], classes[place], f"{100 * share:.1f} %", picture, features)
    error = said.astype(np.float64) - target
    return Example(number, _values(target), _values(said), _values(error), picture, features)


def _values(values: Array) -> str:
    return ", ".join(f"{float(value):.4g}" for value in values[:MOST_FEATURES])
