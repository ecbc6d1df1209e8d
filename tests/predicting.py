"""Predicting: all predictions of one call at once, for tests that look at each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from nnlab.dataset import Array
from nnlab.experiment import Predictor
from nnlab.rundir import RunDir


@dataclass(frozen=True)
class Said:
    """What a run's model says of some inputs."""

    task: str
    items: list[SimpleNamespace]
    """Each with its ``input``, its ``label`` and ``probabilities``, and its ``values``."""
    warnings: list[str]
    metrics: dict[str, float] | None


def predict(run: RunDir, inputs: Sequence[str]) -> Said:
    """Predict each input, a part at a time."""
    predictor = Predictor(run)
    none = {"label": None, "probabilities": [], "values": []}
    items = [SimpleNamespace(**{**none, **each}) for part in predictor.parts(inputs) for each in part.each()]
    return Said(predictor.task.name, items, predictor.warnings, predictor.metrics)


def predict_rows(run: RunDir, rows: Array) -> Array:
    """Scores (n, outputs) for inputs (n, features)."""
    return Predictor(run).of_array(rows).scores
