"""Predict: what a run's model says of new inputs: numbers, picture files, .npy and .csv files."""

from dataclasses import dataclass

import numpy as np

from nnlab import discover, metrics
from nnlab.dataset import Array, Split
from nnlab.datasets._inputs import Reader
from nnlab.experiment.build import trained_model
from nnlab.rundir import RunDir


@dataclass(frozen=True)
class Prediction:
    """What a model says of one input."""

    input: str
    """The number, or the file and its row."""
    values: tuple[float, ...] = ()
    """For regression: the predicted values."""
    label: str | None = None
    """For classification: the likeliest class."""
    probability: float | None = None
    """Of that class."""
    probabilities: tuple[float, ...] = ()
    """Of every class, in the order of their numbers."""


@dataclass(frozen=True)
class Predictions:
    """All predictions of one call, in the order of the inputs."""

    task: str
    classes: tuple[str, ...]
    target_name: str
    items: list[Prediction]
    warnings: list[str]


def predict(run: RunDir, inputs: list[str]) -> Predictions:
    """Predict each input: a number (or several joined by commas), or a picture, .npy or .csv file.

    Raises DataError where an input is not what the model was trained on.
    """
    model, config, summary, warning = trained_model(run)
    dataset_file = discover.module("datasets", config.dataset.name)
    reader = Reader(
        summary["dataset"],
        getattr(dataset_file, "read_picture", None),
        dark_edges=getattr(dataset_file, "DARK_EDGES", False),
        delimiter=getattr(config.dataset.params, "delimiter", ","),
    )
    names, rows = reader.read(inputs)
    warnings = [*([warning] if warning else []), *reader.warnings]
    scores = model.predict(model.put(Split(rows, np.zeros(len(rows), np.int64))))
    data = summary["dataset"]
    classes = tuple(map(str, data["classes"]))
    if summary["task"] == "classification":
        chances = np.exp(metrics.log_softmax(scores))
        items = [
            Prediction(name, (), classes[int(row.argmax())], float(row.max()), tuple(row.tolist()))
            for name, row in zip(names, chances, strict=True)
        ]
    else:
        items = [Prediction(name, tuple(row.tolist())) for name, row in zip(names, scores, strict=True)]
    return Predictions(summary["task"], classes, data.get("target_name") or "value", items, warnings)


def predict_rows(run: RunDir, rows: Array) -> Array:
    """Scores (n, outputs) for inputs (n, features) or (n, *shape), in the units of the data's own files."""
    model, _, summary, _ = trained_model(run)
    data = Reader(summary["dataset"]).shaped(np.asarray(rows), "the array")
    return model.predict(model.put(Split(data, np.zeros(len(data), np.int64))))
