"""Evaluate: what a model scores on a split."""

from dataclasses import dataclass
from typing import Any

from nnlab.dataset import Array, Split, Task
from nnlab.model import Model


@dataclass(frozen=True)
class Evaluation:
    """A model's scores on a split and the metrics they come to."""

    scores: Array
    """(n, outputs): logits or values."""
    metrics: dict[str, float]


def evaluate(model: Model, data: Any, split: Split, task: Task) -> Evaluation:
    """Predict ``data``, which is ``split`` as the model put it, and measure the scores against the split's targets."""
    scores = model.predict(data)
    return Evaluation(scores, task.measure(scores, split.targets))
